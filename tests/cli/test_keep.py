"""``backup``, ``restore``, ``quarantine``, ``move`` and ``where``."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from memos import MemOS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos


def _damage(folder: Path) -> None:
    database = sqlite3.connect(folder / "memory" / "catalog.db")
    with database:
        database.execute("UPDATE versions SET body = replace(body, 'Lisbon', 'Lisbom')")
    database.close()


def test_a_backup_is_taken_while_the_store_is_open_and_restored(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    with MemOS.open(folder / "memory"):
        told = json.loads(memos("backup", "monday", "--json").stdout)
    assert told["data"]["cubes"] == 3
    memos("backup", "monday", code=4)
    memos("forget", remembered[0], "--yes")
    result = memos("restore", "monday", "again", "--forget-since", "memory")
    assert "forgot 1 cube again" in result.stderr
    assert memos("ls", "--store", "again", "-q").ids == remembered[1:]
    memos("restore", "monday", "again", code=4)
    memos("restore", "memory", "other", code=2)


def test_a_damaged_backup_is_refused(memos: Memos, remembered: list[str], folder: Path) -> None:
    memos("backup", "monday")
    (folder / "monday" / "catalog.db").write_bytes(b"nothing")
    assert "use another backup" in memos("restore", "monday", "again", code=6).stderr
    assert not (folder / "again").exists()


def test_what_cannot_be_mended_goes_into_quarantine_and_out_of_it(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    _damage(folder)
    assert "memos check --repair" in memos("get", remembered[0], code=6).stderr
    assert memos("check", code=6).rows[0]["problems"][0]["code"] == "damaged-cube"
    memos("check", "--repair")
    assert "all is well" in memos("check", "--deep").stderr
    (row,) = memos("quarantine").rows
    assert (row["cube_id"], row["version"]) == (remembered[0], 1)
    assert remembered[0] in memos("quarantine", "-o", "table").stdout
    memos("quarantine", "--discard", remembered[0], "--yes")
    assert memos("quarantine").rows == []


def test_without_the_right_no_backup_is_made(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    memos("backup", "monday", "--as", "user:alice", code=5)
    assert not (folder / "monday").exists()


@pytest.mark.usefixtures("tiny_runtime")
def test_bytes_move_to_the_archive_and_back(memos: Memos, remembered: list[str]) -> None:
    (state,) = memos("transform", remembered[0], "--to", "activation", "-q").ids
    assert memos("where", state).rows[0]["place"] == "disk"
    assert memos("move", state, "--to", "archive").rows[0]["place"] == "archive"
    assert "archive" in memos("where", state, "-o", "table").stdout
    assert memos("where", remembered[0]).rows[0]["place"] == "catalog"
    assert "disk, archive" in memos("move", state, "--to", "moon", code=2).stderr
    memos("move", remembered[0], "--to", "archive", code=2)
