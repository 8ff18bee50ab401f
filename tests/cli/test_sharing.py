"""Bundles on the command line: written, looked into, taken in, and signed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos


@pytest.fixture
def bundle(memos: Memos, remembered: list[str]) -> str:
    """Alice's two memories as a signed bundle."""
    memos("signing-key", "new", "key.pem")
    label = ("--name", "KB", "--version", "2", "--licence", "CC0-1.0", "--description", "Alice's")
    memos("export", "kb.zip", "--user", "alice", "--sign", "key.pem", *label)
    return "kb.zip"


def test_a_bundle_can_be_looked_into_without_a_store(memos: Memos, bundle: str) -> None:
    told = json.loads(memos("inspect", bundle, "--store", "absent", "--json").stdout)["data"]
    assert (told["name"], told["version"], told["licence"]) == ("KB", "2", "CC0-1.0")
    assert told["signer"] == memos("signing-key", "show", "key.pem", "-q").ids[0]
    shown = memos("inspect", bundle, "-o", "table").stdout
    assert "2 plaintext; 2 versions" in shown
    assert "user_id='alice'" in shown
    memos("export", "unsigned.zip")
    assert "nobody signed it" in memos("inspect", "unsigned.zip").stderr


def test_a_bundle_is_installed_updated_and_uninstalled(
    memos: Memos, bundle: str, remembered: list[str]
) -> None:
    there = ("--store", "other")
    asked = (bundle, "--namespace", "acme/kb", "--user", "bob", *there)
    added = memos("install", *asked, "-q").ids
    assert len(added) == 2
    assert not set(added) & set(remembered)
    assert memos("ls", "--user", "bob", *there, "-q").ids == added
    assert "installed in acme/kb: 2 kept" in memos("install", *asked).stderr
    (entry,) = memos("installed", *there).rows
    assert (entry["namespace"], entry["version"], len(entry["cubes"])) == ("acme/kb", "2", 2)
    assert (entry["owner"], entry["scope"]) == ("user:bob", {"user_id": "bob"})
    assert "acme/kb" in memos("installed", *there, "-o", "table").stdout

    memos("update", remembered[0], "Alice moved to Porto.")
    memos("forget", remembered[1], "--yes")
    memos("export", bundle, "--yes", "--user", "alice", "--sign", "key.pem")
    dry = memos("install", *asked, "--dry-run")
    assert "would be in acme/kb: 1 revised, 1 forgotten" in dry.stderr
    assert memos("install", *asked, "--json").stdout
    assert memos("ls", *there).texts == ["Alice moved to Porto."]

    named = ("uninstall", "acme/kb", "--user", "bob", *there)
    assert memos(*named, "--dry-run", "-q").ids == added[:1]
    memos(*named, code=2)
    assert "service:application" in memos("uninstall", "acme/kb", *there, code=3).stderr
    done = memos(*named, "--yes", "--verify").rows[0]
    assert [one["id"] for one in done["cubes"]] == added[:1]
    assert done["verified"]["traces"] == []
    assert memos("installed", *there, "-q").ids == []
    assert "acme/kb" in memos(*named, "--yes", code=3).stderr


def test_two_users_have_one_namespace_each(memos: Memos, bundle: str) -> None:
    asked = ("install", bundle, "--namespace", "kb", "-q")
    hers, his = (memos(*asked, "--user", user).ids for user in ("alice", "bob"))
    assert not set(hers) & set(his)
    table = memos("installed", "-o", "table").stdout
    assert "user_id='alice'" in table
    assert "user_id='bob'" in table
    assert set(memos("uninstall", "kb", "--as", "user:bob", "--yes", "-q").ids) == set(his)
    assert [row["owner"] for row in memos("installed").rows] == ["user:alice"]


def test_only_what_a_trusted_key_signed_is_installed(memos: Memos, bundle: str) -> None:
    other = memos("signing-key", "new", "other.pem", "-q").ids[0]
    asked = ("install", bundle, "--namespace", "kb", "--trust")
    assert "does not trust" in memos(*asked, other, code=5).stderr
    memos(*asked, "nonsense", code=2)
    assert memos("installed", "-q").ids == []
    memos(*asked, memos("signing-key", "show", "key.pem", "-q").ids[0])
    assert memos("installed", "-q").ids == ["kb"]


def test_what_was_changed_here_is_kept_unless_forced(
    memos: Memos, bundle: str, remembered: list[str]
) -> None:
    there = ("--store", "other")
    asked = ("install", bundle, "--namespace", "kb", *there)
    added = memos(*asked, "-q").ids
    memos("update", added[0], "I know better.", *there)
    memos("update", remembered[0], "Alice moved to Porto.")
    memos("export", bundle, "--yes", "--user", "alice", "--sign", "key.pem")
    assert "force" in memos(*asked, code=4).stderr
    memos(*asked, "--force")
    assert memos("get", added[0], *there).texts == ["Alice moved to Porto."]


def test_what_was_forgotten_comes_back_only_when_asked(
    memos: Memos, bundle: str, remembered: list[str]
) -> None:
    memos("forget", remembered[0], "--yes")
    assert "forgotten" in memos("import", bundle, code=4).stderr
    assert "1 were there already" in memos("import", bundle, "--revive").stderr
    assert remembered[0] in memos("ls", "-q").ids


def test_a_signing_key_is_for_its_owner_only_and_never_replaced(memos: Memos, folder: Path) -> None:
    public = memos("signing-key", "new", "key.pem", "-q").ids
    assert len(public[0]) == 64
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    before = (folder / "key.pem").read_bytes()
    memos("signing-key", "new", "key.pem", code=1)
    memos("signing-key", "new", "nowhere/key.pem", code=1)
    assert (folder / "key.pem").read_bytes() == before
    assert memos("signing-key", "show", "key.pem", "-q").ids == public
    assert memos("signing-key", "show", "key.pem").rows[0]["public_key"] == public[0]
    assert public[0] in memos("signing-key", "show", "key.pem", "-o", "table").stdout
    (folder / "text").write_text("no key")
    memos("signing-key", "show", "text", code=2)
    memos("signing-key", "show", "absent", code=2)


def test_a_namespace_is_a_plain_name(memos: Memos, bundle: str) -> None:
    assert "acme/travel" in memos("install", bundle, "--namespace", "../x", code=2).stderr
