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
    assert "again holds 2 cubes" in result.stderr
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
    repaired = memos("check", "--repair", code=7)
    assert "1 put into quarantine" in repaired.stderr
    assert "mended" not in repaired.stderr
    assert repaired.rows[0]["problems"][0]["quarantined"]
    assert "all is well" in memos("check", "--deep").stderr
    (row,) = memos("quarantine").rows
    assert (row["cube_id"], row["version"]) == (remembered[0], 1)
    assert remembered[0] in memos("quarantine", "-o", "table").stdout
    memos("quarantine", "--discard", "", code=2)
    memos("quarantine", "--even-held", code=2)
    memos("quarantine", "--discard", remembered[0], "--yes")
    assert memos("quarantine").rows == []
    assert memos("tombstones", "-q").ids == [remembered[0]]


def test_what_is_in_quarantine_is_forgotten_unless_it_is_held(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    memos("hold", remembered[0])
    _damage(folder)
    memos("check", "--repair", code=7)
    assert remembered[0] in memos("forget", "--user", "alice", "--dry-run", code=4).stderr
    told = memos("quarantine", "--discard", remembered[0], "--yes", code=4).stderr
    assert "--even-held" in told
    memos("quarantine", "--discard", remembered[0], "--even-held", "--yes")
    assert memos("audit", "tail").rows[-1]["outcome"] == "even held"


def test_forgetting_says_what_goes_out_of_quarantine_and_what_cannot_be_read(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    _damage(folder)
    memos("check", "--repair", code=7)
    database = sqlite3.connect(folder / "memory" / "catalog.db")
    with database:
        database.execute(
            "INSERT INTO quarantine (cube_id, version, at, reason, body) VALUES (?, 1, 0, '', 'x')",
            (remembered[0][:-1] + ("0" if remembered[0][-1] != "0" else "1"),),
        )
    database.close()
    result = memos("forget", "--user", "alice", "--yes", "-o", "table")
    assert "1 in quarantine" in result.stderr
    assert "1 damaged cube in quarantine cannot be read" in result.stderr


def test_without_the_right_no_backup_is_made(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    memos("backup", "monday", "--as", "user:alice", code=5)
    assert not (folder / "monday").exists()


@pytest.mark.usefixtures("tiny_runtime")
def test_bytes_move_to_the_archive_and_back(memos: Memos, remembered: list[str]) -> None:
    (lora,) = memos("transform", remembered[0], "--to", "parametric", "-q").ids
    assert memos("where", lora).rows[0]["place"] == "disk"
    assert memos("move", lora, "--to", "archive").rows[0]["place"] == "archive"
    assert "archive" in memos("where", lora, "-o", "table").stdout
    assert memos("where", remembered[0]).rows[0]["place"] == "catalog"
    assert "disk, archive" in memos("move", lora, "--to", "moon", code=2).stderr
    memos("move", remembered[0], "--to", "archive", code=2)


@pytest.mark.usefixtures("tiny_runtime")
def test_of_a_kv_cache_one_is_told_where_its_blocks_lie(
    memos: Memos, remembered: list[str]
) -> None:
    (state,) = memos("transform", remembered[0], "--to", "activation", "-q").ids
    (there,) = memos("where", state).rows
    assert (there["place"], there["places"]) == ("disk", {"disk": there["blocks"]})
    said = f"{there['blocks']}: {there['blocks']} in disk"
    assert said in memos("where", state, "-o", "table").stdout
    assert said in memos("get", state, "-o", "table").stdout
    assert memos("move", state, "--to", "disk").rows == [there]
    assert "gpu, ram, disk, shared" in memos("move", state, "--to", "archive", code=2).stderr
