"""``add`` of files: in batches, with bad entries told and the others stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos

BAD = (
    '{"text": "one"}\nnot json\n{"role": "user"}\n{"text": "two"}\n{"text": "x", "date": "soon"}\n'
)


def test_json_lines_are_added_in_batches_in_their_order(
    memos: Memos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMOS_BATCH", "100")
    said = [f"memory number {number}" for number in range(1050)]
    content = "".join(json.dumps({"text": one, "session": "s"}) + "\n" for one in said)
    assert len(memos("add", "-", "-q", typed=content).ids) == 1050
    cubes = memos("ls").rows
    assert [row["cube"]["payload"]["text"] for row in cubes] == said
    assert [row["cube"]["payload"]["position"] for row in cubes] == list(range(1050))


def test_bad_entries_are_told_with_their_place_and_the_others_are_stored(memos: Memos) -> None:
    result = memos("add", "-", typed=BAD, code=7)
    assert result.texts == ["one", "two"]
    assert "line 2: not JSON" in result.stderr
    assert "line 3: no text" in result.stderr
    assert "line 5: 'soon' is not a time" in result.stderr
    assert "3 entries could not be read" in result.stderr
    assert memos("ls").texts == ["one", "two"]


def test_strict_stores_nothing_if_any_entry_is_bad(memos: Memos) -> None:
    result = memos("add", "-", "--strict", typed=BAD, code=2)
    assert "line 2" in result.stderr
    assert "nothing was stored" in result.stderr
    memos("ls", code=3)


def test_an_entry_that_only_the_store_refuses_is_told_and_the_others_are_stored(
    memos: Memos,
) -> None:
    lines = [{"text": f"memory {number}"} for number in range(9)]
    lines[5] = {"text": "x", "user": "u" * 600}
    content = "".join(json.dumps(line) + "\n" for line in lines)
    result = memos("add", "-", typed=content, code=7)
    assert "line 6" in result.stderr
    assert memos("ls").texts == [line["text"] for line in lines if line["text"] != "x"]
    memos("--store", "strict", "add", "-", "--strict", typed=content, code=2)
    assert memos("--store", "strict", "ls", "-q").ids == []


def test_a_dry_run_counts_and_stores_nothing(memos: Memos) -> None:
    result = memos("add", "-", "--dry-run", typed=BAD, code=7)
    assert "would add 2 memories" in result.stderr
    assert result.rows == [{"memories": 2, "sessions": 0, "unreadable": 3}]
    memos("ls", code=3)


def test_flags_have_the_last_word_on_whose_memory_it_is(memos: Memos) -> None:
    content = '{"text": "a", "user": "bob", "session": "1"}\n'
    scope = memos("add", "-", "--user", "alice", typed=content).rows[0]["cube"]["header"]["scope"]
    assert scope == {"user_id": "alice", "agent_id": None, "session_id": "1"}


def test_a_file_is_named_as_the_source(memos: Memos, folder: Path) -> None:
    path = folder / "notes.txt"
    path.write_text("tea\n\ncoffee\n")
    cubes = memos("add", "--file", str(path), "--lines", "--label", "drinks").rows
    assert [row["cube"]["payload"]["text"] for row in cubes] == ["tea", "coffee"]
    assert cubes[0]["cube"]["provenance"]["source"]["uri"] == path.as_uri()
    assert cubes[1]["cube"]["header"]["labels"] == ["drinks"]


@pytest.mark.parametrize(
    "words",
    [("add",), ("add", "text", "--file", "x"), ("add", "--file", "absent"), ("add", "-")],
)
def test_nothing_to_add_is_wrong_usage(memos: Memos, words: tuple[str, ...]) -> None:
    memos(*words, typed="", code=2)
    memos("ls", code=3)
