"""One answer in every form, on a terminal and into a pipe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memos.cli.output import clean, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos, Terminal


def test_each_form_has_its_shape(memos: Memos, remembered: list[str]) -> None:
    assert [row["cube"]["header"]["id"] for row in memos("ls").rows] == remembered
    assert memos("ls", "-o", "jsonl").stdout == memos("ls").stdout
    envelope = json.loads(memos("ls", "-o", "json").stdout)
    assert envelope["schema"] == "agent-memos/cubes/1"
    assert [one["cube"]["header"]["id"] for one in envelope["data"]] == remembered
    assert memos("ls", "-o", "ids").stdout.split() == remembered
    assert memos("ls", "-q").stdout.split() == remembered
    assert memos("ls", "-o", "quiet").stdout == ""
    assert "Alice moved to Lisbon." in memos("ls", "-o", "table").stdout


def test_a_pipe_gets_no_colour(memos: Memos, remembered: list[str]) -> None:
    result = memos("ls", "-o", "table")
    assert "\x1b" not in result.stdout + result.stderr


def test_a_terminal_gets_a_table_with_full_ids(terminal: Terminal, remembered: list[str]) -> None:
    seen = terminal("ls")
    assert all(one in seen for one in remembered)
    assert "memory" in seen
    assert "{" not in seen


def test_colours_can_be_switched_off(terminal: Terminal, remembered: list[str]) -> None:
    assert "\x1b[36m" in terminal("ls", TERM="xterm")
    assert "\x1b[36m" not in terminal("ls", TERM="xterm", NO_COLOR="1")


def test_control_characters_are_replaced() -> None:
    assert clean("a\x1b[31mb\x00\u202ec\td\n") == "a\ufffd[31mb\ufffd\ufffdc\td\n"
    assert one_line(" a\n\tb ") == "a b"


def test_what_writes_files_or_only_looks_answers_in_json_too(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    def data(*words: str) -> Any:
        answer = json.loads(memos(*words, "--json").stdout)
        assert answer["schema"].startswith("agent-memos/")
        return answer["data"]

    assert data("export", "all.zip") == {"file": "all.zip", "cubes": 3}
    assert memos("export", "all.zip", "--yes").rows == [{"file": "all.zip", "cubes": 3}]
    report = data("audit", "export", "journal.jsonl")
    assert report["rows"] == len((folder / "journal.jsonl").read_text().splitlines())
    assert data("add", "tea", "--dry-run")["memories"] == 1
    (folder / "chat.jsonl").write_text('{"text": "a", "session_id": "s"}\n{"text": "b"}\n')
    seen = data("add", "-f", "chat.jsonl", "--dry-run")
    assert seen == {"memories": 2, "sessions": 1, "unreadable": 0}
    again = data("import", "all.zip")
    assert (again["imported"], again["skipped"], again["cubes"]) == (0, 3, [])
    first = data("import", "all.zip", "--store", "other")
    assert (first["imported"], first["skipped"], len(first["cubes"])) == (3, 0, 3)


def test_the_version_is_json_where_json_was_asked_for(memos: Memos) -> None:
    plain = memos("--version").stdout
    for words in (("--version", "--json"), ("--json", "--version"), ("-o", "json", "--version")):
        assert json.loads(memos(*words).stdout)["data"] == {"version": plain.strip()}
