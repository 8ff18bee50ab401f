"""``audit tail``, ``audit verify`` and ``audit export``."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Memos


GUARDS = ["audit_is_never_changed", "audit_is_never_cut"]


@pytest.fixture
def tampered(remembered: list[str], folder: Path) -> None:
    """The second call looks as if somebody else had done it."""
    database = sqlite3.connect(folder / "memory" / "catalog.db")
    with database:
        for (guard,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {guard}")
        database.execute("UPDATE audit SET actor = 'user:mallory' WHERE number = 2")
    database.close()


def test_the_tail_shows_the_last_calls_oldest_first(memos: Memos, remembered: list[str]) -> None:
    memos("ls", "--user", "alice", "--reason", "a look")
    rows = memos("audit", "tail", "-n", "2").rows
    assert [row["call"] for row in rows] == ["add", "get_all"]
    assert rows[0]["subjects"] == remembered[2:]
    shown = memos("audit", "tail", "-o", "table").stdout
    for words in ("service:application", "get_all, 2 cubes, user alice", "a look"):
        assert words in shown


def test_the_tail_is_of_one_call_or_of_one_principal(memos: Memos, remembered: list[str]) -> None:
    memos("get", remembered[2], "--as", "user:alice", code=3)
    memos("ls", "--as", "user:alice")
    assert [row["call"] for row in memos("audit", "tail", "--call", "add").rows] == ["add"] * 3
    (refused, listed) = memos("audit", "tail", "--by", "user:alice").rows
    assert (refused["outcome"], listed["outcome"]) == ("UnknownCube", "ok")
    assert memos("audit", "tail", "--by", "user:alice", "--call", "ls").rows == []
    assert "no such row" in memos("audit", "tail", "--call", "ls", "-o", "table").stderr
    memos("audit", "tail", "--by", "alice", code=2)


def test_the_tail_takes_a_number_that_makes_sense(memos: Memos, remembered: list[str]) -> None:
    for number in ("0", "-1", "many", "9" * 30):
        memos("audit", "tail", "-n", number, code=2)


def test_an_honest_journal_verifies_and_tells_its_head(memos: Memos, remembered: list[str]) -> None:
    report = memos("audit", "verify")
    assert (report.rows[0]["rows"], report.rows[0]["problems"]) == (3, [])
    assert "keep the head elsewhere" in report.stderr
    head = memos("audit", "verify", "-q").ids[0]
    memos("ls")
    memos("audit", "verify", "--head", head)


def test_a_row_that_was_changed_is_found(memos: Memos, tampered: None) -> None:
    result = memos("audit", "verify", code=6)
    altered, *unguarded = result.rows[0]["problems"]
    assert altered == "row 2 is not what was written"
    assert [problem.split()[2] for problem in unguarded] == GUARDS
    assert "row 2" in result.stderr
    assert "keep the head" not in result.stderr
    memos("audit", "export", "journal.jsonl", code=6)


def test_a_tail_that_was_cut_is_told_for_ever_and_no_repair_is_advised(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    for _ in range(3):
        memos("ls")
    with closing(sqlite3.connect(folder / "memory" / "catalog.db")) as database:
        database.execute("DROP TRIGGER audit_is_never_cut")
        database.execute("DELETE FROM audit WHERE number > 4")
        database.commit()
    told = "rows 5 to 6 are missing"
    assert memos("audit", "verify", code=6).rows[0]["problems"][0] == told
    assert "audit_is_never_cut" in memos("check", "--repair", "-o", "table", code=6).stdout
    memos("add", "something else")
    result = memos("check", code=6)
    (problem,) = result.rows[0]["problems"]
    assert (problem["code"], problem["message"]) == ("broken-journal", told)
    assert "evidence" in result.stderr
    assert "--repair" not in result.stderr
    assert memos("audit", "verify", code=6).rows[0]["problems"] == [told]


def test_the_tail_counts_memories_and_no_digests(memos: Memos, remembered: list[str]) -> None:
    memos("grant", "agent:planner", "read", "--id", remembered[0])
    memos("forget", remembered[1], "--yes")
    granted, forgot = memos("audit", "tail", "-n", "2").rows
    assert [one.rpartition(":")[0] for one in granted["subjects"]] == ["", "grant:1"]
    assert [one.partition(":")[0] for one in forgot["subjects"]] == [remembered[1], "certificate"]
    shown = memos("audit", "tail", "-o", "table").stdout
    assert f"grant, cube …{remembered[0][-6:]}" in shown
    assert f"forget, cube …{remembered[1][-6:]}" in shown


def test_a_head_that_was_kept_must_be_there(memos: Memos, remembered: list[str]) -> None:
    assert "kept elsewhere" in memos("audit", "verify", "--head", "a" * 64, code=6).stderr
    for typo in ("", "a" * 63, "A" * 64, "zz"):
        memos("audit", "verify", "--head", typo, code=2)


def test_the_journal_is_exported_for_its_owner_only(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    file = folder / "journal.jsonl"
    assert "wrote 3 rows" in memos("audit", "export", "journal.jsonl").stderr
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_export_replaces_a_file_only_when_told_to(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    file = folder / "journal.jsonl"
    file.write_text("precious")
    file.chmod(0o644)
    memos("audit", "export", "journal.jsonl", code=2)
    assert file.read_text() == "precious"
    memos("audit", "export", "journal.jsonl", "--yes")
    assert "precious" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_no_place_for_a_file_is_refused(memos: Memos, remembered: list[str]) -> None:
    for place in (".", "a" * 300, "a\0b"):
        memos("audit", "export", place, "--yes", code=2)
    memos("audit", "export", "absent/journal.jsonl", code=1)


def test_only_who_administers_the_store_reads_its_journal(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    for words in (("tail",), ("verify",), ("export", "journal.jsonl")):
        memos("audit", *words, "--as", "user:alice", code=5)
    assert not (folder / "journal.jsonl").exists()
    memos("grant", "service:auditor", "administer", "--everything")
    memos("audit", "tail", "--as", "service:auditor")
