"""The commands on a memory's life, and reading what was known once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from memos.cli.span import seconds
from memos.errors import BadInput

if TYPE_CHECKING:
    from tests.cli.conftest import Memos

ABSENT = "01a20694-689b-7602-ad19-70f21d43272d"


def state(memos: Memos, cube_id: str) -> str:
    told: str = memos("get", cube_id).rows[0]["cube"]["header"]["life"]["state"]
    return told


def test_states_are_changed_by_id_and_from_stdin(memos: Memos, remembered: list[str]) -> None:
    assert memos("archive", remembered[0], "-q").ids == remembered[:1]
    assert memos("search", "Lisbon", "-q", "--user", "alice").ids == [remembered[1]]
    memos("activate", remembered[0])
    assert memos("freeze", "-", "-q", typed="\n".join(remembered)).ids == remembered
    assert {state(memos, one) for one in remembered} == {"frozen"}
    memos("update", remembered[0], "other", code=4)
    memos("thaw", *remembered)
    memos("thaw", remembered[0], code=4)
    memos("archive", code=2)
    memos("archive", remembered[0], ABSENT, code=3)
    memos("archive", remembered[2], "--user", "alice", code=3)
    assert {state(memos, one) for one in remembered} == {"activated"}


def test_a_memory_has_its_time(memos: Memos, remembered: list[str]) -> None:
    memos("expire", remembered[0])
    assert state(memos, remembered[0]) == "expired"
    memos("expire", remembered[0], "--ttl", "2h")
    assert state(memos, remembered[0]) == "activated"
    shown = memos("get", remembered[0], "-o", "table").stdout
    assert "expires" in shown
    memos("expire", remembered[0], "--never")
    assert "expires" not in memos("get", remembered[0], "-o", "table").stdout
    memos("expire", remembered[0], "--never", "--ttl", "2h", code=2)
    memos("expire", remembered[0], "--ttl", "soon", code=2)
    memos("expire", remembered[0], "--expires", "2001-01-01", code=2)


def test_what_is_added_may_have_a_time_and_a_level(memos: Memos) -> None:
    options = ["--ttl", "30d", "--sensitivity", "secret", "--licence", "CC0"]
    header = memos("add", "The code is 4711.", *options).rows[0]["cube"]["header"]
    rules = header["governance"]
    assert rules["expires_at"] > header["created_at"]
    assert (rules["sensitivity"], rules["licence"]) == ("secret", "CC0")
    memos("add", "x", "--ttl", "1h", "--expires", "2999-01-01", code=2)
    memos("add", "x", "--sensitivity", "hot", code=2)
    told = memos("add", "-", "--lines", "--expires", "2999-01-01", typed="one\ntwo").rows
    assert all(row["cube"]["header"]["governance"]["expires_at"] for row in told)


def test_a_sweep_tells_how_much_it_did(memos: Memos, remembered: list[str]) -> None:
    assert "0 memories due" in memos("sweep", "--dry-run").stderr
    assert "0 memories expired" in memos("sweep").stderr
    assert json.loads(memos("sweep", "--json").stdout)["data"] == []


def test_going_back_is_a_new_version(memos: Memos, remembered: list[str]) -> None:
    memos("update", remembered[0], "Alice moved to Porto.")
    cube = memos("revert", remembered[0], "--to", "1").rows[0]["cube"]
    assert cube["payload"]["text"] == "Alice moved to Lisbon."
    assert cube["header"]["life"]["version"] == 3
    assert "restore" in memos("history", remembered[0], "-o", "table").stdout
    memos("revert", remembered[0], "--to", "9", code=3)
    memos("revert", remembered[0], "--to", "0", code=2)


def test_forks_and_merges_remember_where_they_came_from(
    memos: Memos, remembered: list[str]
) -> None:
    fork = memos("fork", remembered[0], "--into", "user=bob").rows[0]["cube"]
    assert fork["header"]["scope"]["user_id"] == "bob"
    assert [one["id"] for one in fork["provenance"]["parents"]] == remembered[:1]
    once, twice = ("--into", "user=bob,session=3"), ("--into", "user=bob", "--into", "session=3")
    for into in (once, twice):
        scope = memos("fork", remembered[0], *into).rows[0]["cube"]["header"]["scope"]
        assert (scope["user_id"], scope["session_id"]) == ("bob", "3")
    for wrong in ("bob", "user=bob,3", "user=bob,user=ann", "user=bob,", "user=", ""):
        memos("fork", remembered[0], "--into", wrong, code=2)
    merged = memos("merge", *remembered[:2], "--text", "Alice bakes in Lisbon.", "-q").ids
    assert state(memos, remembered[0]) == "merged"
    assert memos("search", "Lisbon", "--user", "alice", "-q").ids == merged
    memos("merge", *remembered[:2], code=2)
    memos("merge", remembered[2], "--text", "alone", code=2)
    memos("merge", *remembered[:2], "--text", "again", code=4)


def test_what_is_held_cannot_be_forgotten(memos: Memos, remembered: list[str]) -> None:
    memos("hold", remembered[0], "--reason", "case 7")
    assert "legal hold" in memos("get", remembered[0], "-o", "table").stdout
    memos("forget", remembered[0], "--yes", code=4)
    memos("release", remembered[0])
    memos("forget", remembered[0], "--yes")


def test_a_memory_is_classified(memos: Memos, remembered: list[str]) -> None:
    memos("classify", remembered[0], "secret")
    assert "secret" in memos("get", remembered[0], "-o", "table").stdout
    memos("classify", remembered[0], "hot", code=2)


def test_the_past_is_read_by_the_name_of_a_moment(memos: Memos, remembered: list[str]) -> None:
    taken = memos("snapshot", "take", "before").rows[0]
    memos("update", remembered[0], "Alice moved to Porto.")
    memos("archive", remembered[2])
    later = memos("add", "Alice has a cat.", "--user", "alice", "-q").ids[0]
    for moment in ("before", taken["at"]):
        assert memos("search", "Lisbon", "-k", "1", "--at", moment).rows[0]["cube"]["cube"][
            "payload"
        ]["text"] == ("Alice moved to Lisbon.")
        assert memos("search", "tea", "-k", "1", "-q", "--at", moment).ids == remembered[2:]
        assert memos("ls", "-q", "--at", moment).ids == remembered
        assert memos("get", remembered[0], "--at", moment).texts == ["Alice moved to Lisbon."]
        assert len(memos("history", remembered[0], "--at", moment).rows) == 1
        memos("get", later, "--at", moment, code=3)
    memos("get", remembered[0], "--at", "before", "--version", "1", code=2)
    memos("ls", "--at", "2999-01-01", code=2)
    memos("ls", "--at", "nowhere", code=3)


def test_moments_are_named_listed_and_dropped(memos: Memos, remembered: list[str]) -> None:
    assert "no moment has a name" in memos("snapshot", "ls").stderr
    memos("snapshot", "take", "before")
    memos("snapshot", "take", "before", code=4)
    memos("snapshot", "take", "2024-05-01", code=2)
    assert memos("snapshot", "ls", "-q").ids == ["before"]
    assert "before" in memos("snapshot", "ls", "-o", "table").stdout
    assert json.loads(memos("snapshot", "ls", "--json").stdout)["data"][0]["name"] == "before"
    memos("snapshot", "drop", "before")
    memos("snapshot", "drop", "before", code=3)


@pytest.mark.parametrize(
    ("span", "expected"),
    [(None, None), ("90", 90), ("90s", 90), ("1.5h", 5400), (" 30 d ", 2_592_000), ("2w", 1209600)],
)
def test_a_length_of_time_is_read(span: str | None, expected: float | None) -> None:
    assert seconds(span) == expected


@pytest.mark.parametrize("span", ["", "h", "-1h", "1y", "1h30m", "٣x", "1e9", "9" * 40])
def test_what_is_no_length_of_time_is_refused(span: str) -> None:
    with pytest.raises(BadInput):
        seconds(span)
