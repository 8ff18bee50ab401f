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


def test_somebody_imports_what_is_theirs(memos: Memos, remembered: list[str]) -> None:
    memos("export", "hers.zip", "--user", "alice")
    memos("add", "Bob likes tea.", "-u", "bob")
    memos("export", "his.zip", "--user", "bob")
    there = ("--store", "other")
    memos("init", *there)
    for asked in (("--as", "user:alice"), ("--as", "user:alice", "-u", "alice")):
        assert "2" in memos(*asked, "import", "hers.zip", *there).stderr
        assert (
            "may not write"
            in memos("--as", "user:alice", "import", "his.zip", *there, code=5).stderr
        )
    assert len(memos("ls", "-u", "alice", *there, "-q").ids) == 2
    assert memos("ls", "-u", "bob", *there, "-q").ids == []
    assert "outside of" in memos("import", "his.zip", "-u", "alice", *there, code=5).stderr


def test_an_export_that_finds_nothing_is_told_and_writes_nothing(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    for words in (("--user", "nobody"), ("--as", "agent:planner"), ("--where", "labels=none")):
        assert "memos ls" in memos("export", "x.zip", *words, code=3).stderr
    assert not (folder / "x.zip").exists()


def test_no_file_is_written_into_a_store_or_a_backup(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    memos("backup", "monday")
    (folder / "link").symlink_to(folder / "memory" / "catalog.db")
    before = (folder / "memory" / "blobs").exists()
    for place in ("memory/catalog.db", "memory/blobs/x.zip", "monday/manifest.json", "link"):
        for words in (("export", place, "-y"), ("audit", "export", place, "-y")):
            assert "lies in" in memos(*words, code=2).stderr
    for line in (
        "signing-key new memory/key.pem",
        "signing-key new monday/key.pem",
        "backup memory/bk",
        "backup monday/bk",
        "restore monday monday/again",
        "restore monday memory/again",
    ):
        assert "lies in" in memos(*line.split(), code=2).stderr
    for line in ("ls", "check", "check --repair", "backup copy"):
        assert "memos restore" in memos("--store", "monday", *line.split(), code=2).stderr
    memos("check")
    memos("restore", "monday", "again")
    assert (folder / "memory" / "blobs").exists() == before


def test_a_folder_is_no_place_for_an_export(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    (folder / "out").mkdir()
    for words in (("export", "out"), ("audit", "export", "out")):
        assert "is a folder" in memos(*words, "--yes", code=2).stderr
