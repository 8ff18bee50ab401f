"""The commands about what holds no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Memos


def test_what_holds_no_more_is_found_by_who_asks_for_it(memos: Memos) -> None:
    words = ("--user", "alice", "-q")
    (old,) = memos("add", "I live in Lisbon", "--at", "2023-01-01", *words).ids
    (new,) = memos("add", "I live in Porto", "--at", "2024-01-01", *words).ids
    assert memos("search", "where do I live", "-q").ids == [new]
    assert memos("search", "where do I live", "--as-of", "2023-06-01", "-q").ids == [old]
    both = memos("search", "where do I live", "--include-superseded").rows
    assert {row["superseded"]: row["links"][0]["how"] for row in both} == {
        True: "superseded by",
        False: "supersedes",
    }
    table = memos("search", "I live", "--include-superseded", "-o", "table").stdout
    assert "superseded by" in table
    memos("search", "I live", "--include-superseded", "--as-of", "2023-06-01", code=2)
    memos("search", "I live", "--as-of", "once", code=2)


def test_a_list_can_be_asked_for_what_holds(memos: Memos) -> None:
    (old,) = memos("add", "I live in Lisbon", "--at", "2023-01-01", "-q").ids
    (new,) = memos("add", "I live in Porto", "--at", "2024-01-01", "-q").ids
    assert memos("ls", "-q").ids == [old, new]
    assert memos("ls", "--current", "-q").ids == [new]
    assert memos("ls", "--as-of", "2023-06-01", "-q").ids == [old]
    assert memos("ls", "--state", "frozen", "-q").ids == []
    assert memos("ls", "--where", '{"text": {"contains": "porto"}}', "-q").ids == [new]
    memos("ls", "--state", "melted", code=2)
    memos("ls", "--where", '{"text": ', code=2)


def test_a_memory_is_superseded_by_a_text_or_another(memos: Memos) -> None:
    (old,) = memos("add", "tea", "-q").ids
    (new,) = memos("supersede", old, "coffee", "-q").ids
    (last,) = memos("supersede", new, "-", "-q", typed="water\n").ids
    assert memos("links", new, "-q").ids == [old, last]
    assert [row["how"] for row in memos("links", new).rows] == ["supersedes", "superseded by"]
    for command in ("links", "get", "lineage"):
        assert last in memos(command, new, "-o", "table").stdout
    assert last in memos("history", new, "-o", "table").stderr
    memos("supersede", new, "milk", code=4)
    memos("supersede", last, last, code=2)
    memos("supersede", last, "milk", "--at", "soon", code=2)
    memos("links", "no-id", code=2)


def test_nothing_is_compared_if_one_says_so(memos: Memos) -> None:
    memos("add", "I live in Lisbon")
    memos("add", "I live in Porto", "--supersede", "never")
    assert len(memos("search", "I live", "-q").ids) == 2
    memos("add", "I live in Rome", "--supersede", "sometimes", code=2)
