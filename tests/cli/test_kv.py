"""``kv ls``, ``warm``, ``drop`` and ``verify``, on a model that is real but knows nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from memos.stores.digests import is_digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos

pytestmark = pytest.mark.usefixtures("tiny_runtime")


@pytest.fixture
def state(memos: Memos, remembered: list[str]) -> str:
    return memos("transform", *remembered[:2], "--to", "activation", "-q").ids[0]


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "memory" / "kv").rglob("*") if is_digest(path.name)]


def test_they_are_listed_with_their_standing_and_where_they_lie(
    memos: Memos, remembered: list[str], state: str
) -> None:
    (told,) = memos("kv", "ls").rows
    assert (told["id"], told["standing"], told["nowhere"]) == (state, "current", 0)
    assert told["places"] == {"disk": told["blocks"]}
    assert json.loads(memos("kv", "ls", "--json").stdout)["schema"] == "agent-memos/kv/1"
    shown = memos("kv", "ls", "-o", "table").stdout
    assert state in shown
    assert "budget" in shown  # the places stand below
    assert memos("kv", "ls", "--stale", "-q").ids == []
    memos("update", remembered[0], "Alice moved to Porto.")
    assert memos("kv", "ls", "--stale", "-q", "--user", "alice").ids == [state]
    assert memos("kv", "ls", "--user", "bob", "-q").ids == []


def test_places_are_told_to_whoever_administers_the_store(memos: Memos, state: str) -> None:
    (disk,) = memos("kv", "ls", "--places").rows
    assert (disk["place"], disk["damaged"]) == ("disk", 0)
    assert disk["blocks"] == memos("kv", "ls").rows[0]["blocks"]
    memos("kv", "ls", "--places", "--as", "user:alice", code=5)
    shown = memos("kv", "ls", "-o", "table", "--as", "user:alice").stdout
    assert state in shown
    assert "budget" not in shown
    memos("kv", "ls", "--places", "--stale", code=2)


def test_what_was_dropped_is_made_anew_by_warming(memos: Memos, state: str, folder: Path) -> None:
    there = len(files(folder))
    assert f"would drop {there} blocks" in memos("kv", "drop", state, "--dry-run").stderr
    assert len(files(folder)) == there
    (dropped,) = memos("kv", "drop", state).rows
    assert (dropped["dropped"], dropped["shared"], files(folder)) == (there, 0, [])
    assert memos("kv", "ls").rows[0]["nowhere"] == there
    (warmed,) = memos("kv", "warm", state).rows
    assert (warmed["blocks"], warmed["reused_tokens"]) == (there, 0)
    assert len(files(folder)) == there
    (again,) = memos("kv", "warm", "--user", "alice").rows
    assert again["reused_tokens"] == again["tokens"]
    assert "0 tokens computed" in memos("kv", "warm", state, "-o", "table").stderr
    assert memos("kv", "drop", "--user", "alice", "-q").ids == [state]


def test_what_is_stale_is_not_warmed_unless_it_is_named(
    memos: Memos, remembered: list[str], state: str
) -> None:
    memos("update", remembered[0], "Alice moved to Porto.")
    assert memos("kv", "warm", "--user", "alice", "-q").ids == []
    memos("kv", "warm", state, code=4)


def test_damage_is_found_and_named(memos: Memos, state: str, folder: Path) -> None:
    assert "all is well" in memos("kv", "verify").stderr
    victim = files(folder)[0]
    victim.write_bytes(victim.read_bytes()[:-1])
    told = memos("kv", "verify", code=6)
    assert told.rows == [{"name": victim.name, "cubes": [state]}]
    assert "check --repair" in told.stderr
    assert victim.name in memos("kv", "verify", "-o", "table", code=6).stdout
    assert memos("check", "--repair").rows[0]["problems"][0]["code"] == "damaged-block"
    assert memos("kv", "verify", "-q").ids == []


def test_wrong_words_are_refused(memos: Memos, remembered: list[str], state: str) -> None:
    memos("kv", "warm", code=2)
    memos("kv", "drop", code=2)
    memos("kv", "warm", remembered[0], code=2)
    memos("kv", "drop", state, "--as", "user:bob", code=3)
    memos("kv", "verify", "--user", "alice", code=2)


def test_where_there_are_none_one_is_told_how_to_make_one(
    memos: Memos, remembered: list[str]
) -> None:
    assert "memos transform" in memos("kv", "ls").stderr
