"""``init``, ``stats``, ``check``, ``export`` and ``import``."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from memos import MemOS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos, Shell


def test_init_makes_a_store_and_says_where(memos: Memos, folder: Path) -> None:
    result = memos("init", "--store", "notes")
    assert result.rows[0]["folder"] == str(folder / "notes")
    assert "memos add" in result.stderr
    assert memos("ls", "--store", "notes", "-q").ids == []
    assert str(folder / "notes") in memos("init", "--store", "notes", "-o", "table").stdout


def test_a_store_may_be_named_by_url(memos: Memos, folder: Path) -> None:
    memos("--store", f"sqlite:///{folder / 'notes'}", "add", "tea")
    assert memos("--store", "notes", "ls").texts == ["tea"]
    memos("--store", "oracle://db/memory", "ls", code=1)


def test_where_there_is_no_store_nothing_is_made(memos: Memos, folder: Path) -> None:
    for words in (("ls",), ("search", "x"), ("stats",), ("check",), ("export", "x.zip")):
        assert "memos init" in memos(*words, code=3).stderr
    assert list(folder.iterdir()) == []


def test_stats_count_what_there_is(memos: Memos, remembered: list[str]) -> None:
    stats = json.loads(memos("stats", "--json").stdout)
    assert stats["schema"] == "agent-memos/stats/1"
    assert (stats["data"]["cubes"]["plaintext"], stats["data"]["users"]) == (3, 2)
    assert "hash" in memos("stats", "-o", "table").stdout


def test_what_is_about_the_whole_store_takes_no_user(memos: Memos, remembered: list[str]) -> None:
    assert "whole store" in memos("--user", "alice", "stats", code=2).stderr


def test_a_sound_store_passes_the_check(memos: Memos, remembered: list[str]) -> None:
    result = memos("check")
    assert "all is well" in result.stderr
    assert result.rows[0]["problems"] == []


def test_what_a_check_tells_is_told_once_and_whole(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    digest = "ab" * 32
    with closing(sqlite3.connect(folder / "memory" / "catalog.db")) as database:
        database.execute("INSERT INTO places VALUES (?, 'archive')", [digest])
        database.commit()
    told = memos("check", "-o", "table", code=6).stdout
    assert "".join(told.split()).count(digest) == 1


def test_a_damaged_index_is_found_and_mended(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    database = sqlite3.connect(folder / "memory" / "catalog.db")
    with database:
        database.executescript(
            "DELETE FROM word_entries; DELETE FROM word_postings; DELETE FROM word_scopes;"
        )
    database.close()
    result = memos("check", code=6)
    assert {row["code"] for row in result.rows[0]["problems"]} == {"missing-word"}
    assert "--repair" in result.stderr
    shown = memos("check", "-o", "table", code=6).stdout
    assert "missing-word" in shown
    assert shown.splitlines()[0].split() == ["problem", "state", "what"]
    assert "mended" in memos("check", "--repair").stderr
    memos("check")


def test_what_is_exported_can_be_imported_elsewhere(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    memos("update", remembered[0], "Alice moved to Porto.")
    result = memos("export", "alice.zip", "--user", "alice")
    assert "wrote 2 cubes" in result.stderr
    assert memos("import", "alice.zip", "--store", "copy", "-q").ids == remembered[:2]
    assert len(memos("history", remembered[0], "--store", "copy").rows) == 2
    assert "2 were there already" in memos("import", "alice.zip", "--store", "copy").stderr


def test_a_bundle_is_not_replaced_without_being_asked(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    (folder / "all.zip").write_text("precious")
    memos("export", "all.zip", code=2)
    assert (folder / "all.zip").read_text() == "precious"
    memos("export", "all.zip", "--yes")
    assert (folder / "all.zip").read_bytes()[:2] == b"PK"


def test_what_is_no_bundle_is_refused(memos: Memos, folder: Path) -> None:
    (folder / "x.zip").write_text("no bundle")
    memos("import", "x.zip", code=2)
    memos("import", "absent.zip", code=2)


def test_a_store_in_use_is_a_reason_to_try_again(
    shell: Shell, remembered: list[str], folder: Path
) -> None:
    with MemOS.open(folder / "memory", embedder="hash"):
        result = shell("ls", "--json", code=75)
    assert json.loads(result.stderr)["error"]["code"] == "StoreLocked"
    shell("ls")
