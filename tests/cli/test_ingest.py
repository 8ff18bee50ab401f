"""``memos ingest``: files, folders and stdin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos

CHAT = (
    '{"role": "user", "content": "Hello", "session": "1"}\n'
    '{"role": "assistant", "content": "Hi", "session": "1"}\n'
)


def test_a_folder_is_taken_in_file_by_file_and_a_bad_one_stops_no_other(
    memos: Memos, folder: Path
) -> None:
    notes = folder / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# A\n\nOne.\n\nTwo.\n")
    (notes / "b.jsonl").write_text(f"{CHAT}not json\n")
    (notes / "c.png").write_bytes(b"\x89PNG\0\0")
    (notes / ".hidden").write_text("no")
    result = memos("ingest", str(notes), "--user", "ann", code=7)
    assert [row["views"] for row in result.rows] == [{"paragraph": 2}, {"turn": 2}, {}]
    assert "b.jsonl: line 3: not JSON" in result.stderr
    assert "c.png: the source: this is no text" in result.stderr
    assert memos("ls", "--user", "ann").texts == ["One.", "Two.", "Hello", "Hi"]
    again = memos("ingest", str(notes), "--user", "ann", code=7)
    assert [row["already"] for row in again.rows] == [2, 2, 0]


def test_the_store_itself_is_no_source(memos: Memos, folder: Path) -> None:
    (folder / "chat.jsonl").write_text(CHAT)
    memos("ingest", ".")
    (row,) = memos("ingest", ".").rows
    assert row["already"] == 2


def test_views_are_made_when_they_are_asked_for(memos: Memos, folder: Path) -> None:
    (folder / "chat.jsonl").write_text(CHAT)
    (row,) = memos("ingest", "chat.jsonl", "--view", "session").rows
    assert row["views"] == {"turn": 2, "session": 1}
    found = memos("search", "Hello", "--where", "metadata.view=session").rows
    assert [one["cube"]["cube"]["payload"]["text"] for one in found] == [
        "user: Hello\nassistant: Hi"
    ]


def test_stdin_with_a_uri_may_grow(memos: Memos) -> None:
    memos("ingest", "-", "--uri", "chat:1", typed=CHAT)
    more = CHAT + '{"role": "user", "content": "Bye", "session": "1"}\n'
    (row,) = memos("ingest", "-", "--uri", "chat:1", typed=more).rows
    assert (row["already"], row["views"]) == (2, {"turn": 1})


def test_a_dry_run_needs_no_store_and_makes_none(memos: Memos, folder: Path) -> None:
    (folder / "chat.jsonl").write_text(CHAT)
    (row,) = memos("ingest", "chat.jsonl", "--dry-run").rows
    assert (row["views"], row["dry_run"]) == ({"turn": 2}, True)
    memos("ls", code=3)


def test_ids_and_json_and_a_table(memos: Memos, folder: Path) -> None:
    (folder / "chat.jsonl").write_text(CHAT)
    assert len(memos("ingest", "chat.jsonl", "-q").ids) == 2
    assert memos("ingest", "chat.jsonl", "-q").ids == []
    told = json.loads(memos("ingest", "chat.jsonl", "--json").stdout)
    assert told["schema"] == "agent-memos/ingested/1"
    assert "json" in memos("ingest", "chat.jsonl", "--output", "table").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("absent.md",),
        ("empty",),
        ("bad.png",),
        ("blank.md",),
        ("a.md", "--view", "turn"),
        ("a.md", "--view", "nonsense"),
        ("a.md", "--format", "nonsense"),
        ("a.md", "a.txt", "--uri", "x"),
        ("bad.pdf",),
        (),
    ],
    ids=str,
)
def test_what_cannot_be_taken_in_is_wrong_usage_and_makes_no_store(
    memos: Memos, folder: Path, words: tuple[str, ...]
) -> None:
    (folder / "empty").mkdir()
    (folder / "bad.png").write_bytes(b"\x89PNG\0\0")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7")
    (folder / "blank.md").write_text(" \n")
    (folder / "a.md").write_text("One.")
    (folder / "a.txt").write_text("One.")
    memos("ingest", *words, code=2)
    memos("ls", code=3)
