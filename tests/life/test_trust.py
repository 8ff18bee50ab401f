"""A check compares grants and certificates with what the journal says was written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from memos import MemOS
from memos.cube import Right
from memos.errors import CorruptionError, Forbidden, UnknownCube

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.config import Settings


@pytest.fixture
def mem(tmp_path: Path, quick: Settings) -> Iterator[MemOS]:
    """A store with a grant on a cube, one on a scope, one taken back, and a certificate."""
    with MemOS.open(tmp_path / "store", settings=quick) as opened:
        (one,) = opened.add("first memory", user_id="alice")
        (two,) = opened.add("second memory", user_id="alice")
        opened.grant("agent:planner", "read", id=one.id)
        opened.grant("user:bob", "read", user_id="alice", label="work")
        taken = opened.grant("user:carol", "read", user_id="alice")[0]
        opened.revoke(taken.number)
        opened.forget(two.id, verify=True)
        yield opened


def sql(mem: MemOS, *statements: str) -> None:
    """Change rows behind the kernel's back, and behind its guards."""
    with closing(sqlite3.connect(f"{mem._folder}/catalog.db")) as database:
        guards = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        for statement in (*statements, *(made for _, made in guards)):
            database.execute(statement)
        database.commit()


def told(mem: MemOS, **how: Any) -> list[tuple[str, str, bool]]:
    problems = mem.check(**how).problems
    return sorted((problem.code, problem.subject, problem.repaired) for problem in problems)


def test_what_was_written_is_what_is_there(mem: MemOS) -> None:
    assert told(mem) == []
    kinds = [one.partition(":")[0] for row in mem.audit() for one in row.subjects if ":" in one]
    assert kinds == ["grant", "grant", "grant", "grant", "certificate", "certificate"]
    assert mem.verify_audit().ok


GRANT_CHANGES = {
    "principal": "UPDATE grants SET principal = 'user:mallory' WHERE number = 2",
    "right": "UPDATE grants SET right = 'administer' WHERE number = 2",
    "scope": """UPDATE grants SET scope = '{"user_id": "bob"}' WHERE number = 2""",
    "everybody": "UPDATE grants SET scope = '{}' WHERE number = 2",
    "cube": "UPDATE grants SET cube_id = (SELECT id FROM cubes), scope = '{}' WHERE number = 2",
    "label": "UPDATE grants SET label = NULL WHERE number = 2",
    "until": "UPDATE grants SET expires_at = 4102444800000000 WHERE number = 2",
    "giver": "UPDATE grants SET granted_by = 'user:alice' WHERE number = 2",
    "time": "UPDATE grants SET at = at + 1 WHERE number = 2",
    "no right": "UPDATE grants SET right = 'everything' WHERE number = 2",
    "no scope": "UPDATE grants SET scope = '{' WHERE number = 2",
    "no time": "UPDATE grants SET at = 'noon' WHERE number = 2",
    "no text": "UPDATE grants SET label = CAST(x'ff' AS TEXT) WHERE number = 2",
    "a blob": "UPDATE grants SET principal = x'00ff' WHERE number = 2",
}


@pytest.mark.parametrize("what", GRANT_CHANGES)
def test_a_grant_that_was_changed_is_told_and_taken_back(mem: MemOS, what: str) -> None:
    sql(mem, GRANT_CHANGES[what])
    assert told(mem) == [("altered-grant", "2", False)]
    assert told(mem, repair=True) == [("altered-grant", "2", True)]
    assert [grant.number for grant in mem.grants()] == [1]
    assert told(mem) == []
    assert mem.verify_audit().ok


def test_a_grant_that_nobody_gave_is_told_and_taken_back(mem: MemOS) -> None:
    sql(
        mem,
        "INSERT INTO grants (principal, right, cube_id, scope, label, granted_by, at)"
        " SELECT 'user:mallory', 'administer', NULL, '{}', NULL, granted_by, at FROM grants"
        " WHERE number = 1",
    )
    assert mem.acting("user:mallory").get_all()
    assert told(mem, repair=True) == [("altered-grant", "4", True)]
    assert mem.acting("user:mallory").get_all() == []


def test_a_grant_that_was_taken_back_does_not_come_again(mem: MemOS) -> None:
    sql(
        mem,
        "INSERT INTO grants (number, principal, right, scope, granted_by, at)"
        """ SELECT 3, 'user:carol', right, '{"user_id": "alice"}', granted_by, at FROM grants"""
        " WHERE number = 2",
    )
    assert told(mem, repair=True) == [("altered-grant", "3", True)]
    assert told(mem) == []


CERTIFICATE_CHANGES = {
    "another body": "UPDATE certificates SET body = json_set(body, '$.by', 'user:mallory')",
    "no shape": "UPDATE certificates SET body = '[]'",
    "garbage": "UPDATE certificates SET body = '{'",
    "no text": "UPDATE certificates SET body = CAST(x'ff' AS TEXT)",
    "another time": "UPDATE certificates SET at = at + 1",
    "no time": "UPDATE certificates SET at = 'noon'",
}


@pytest.mark.parametrize("what", CERTIFICATE_CHANGES)
def test_a_certificate_that_was_changed_is_told_and_never_mended(mem: MemOS, what: str) -> None:
    (known,) = mem.certificates()
    sql(mem, CERTIFICATE_CHANGES[what])
    problem = ("altered-certificate", known.id, False)
    assert told(mem) == told(mem, repair=True) == told(mem) == [problem]


def test_a_certificate_that_was_never_written_is_told(mem: MemOS) -> None:
    sql(mem, "INSERT INTO certificates SELECT 'forged', at + 1, body FROM certificates")
    assert told(mem) == [("altered-certificate", "forged", False)]


@pytest.mark.parametrize("stones", [True, False], ids=["a tombstone", "no tombstone"])
def test_a_certificate_that_is_gone_is_told(mem: MemOS, stones: bool) -> None:
    (known,) = mem.certificates()
    sql(mem, "DELETE FROM certificates", *([] if stones else ["DELETE FROM tombstones"]))
    problem = ("missing-certificate", known.id, False)
    assert told(mem) == told(mem, repair=True) == [problem]


def test_a_certificate_that_cannot_be_read_says_where_to_look(mem: MemOS) -> None:
    sql(mem, "UPDATE certificates SET body = '{'")
    with pytest.raises(CorruptionError) as raised:
        mem.certificates()
    assert "memos check" in str(raised.value.hint)


def test_what_earlier_versions_wrote_is_not_judged(mem: MemOS) -> None:
    unbind = """
    UPDATE audit SET subjects = (
        SELECT json_group_array(value) FROM json_each(subjects) WHERE value NOT LIKE '%:%'
    )
    """
    sql(mem, unbind, "UPDATE grants SET label = 'play' WHERE number = 2")
    assert {code for code, _, _ in told(mem)} == {"broken-journal"}
    sql(mem, "UPDATE grants SET at = at + 1, label = NULL WHERE number = 2")
    assert {code for code, _, _ in told(mem)} == {"broken-journal", "altered-grant"}


def test_where_the_journal_cannot_be_read_grants_are_not_taken_back(mem: MemOS) -> None:
    sql(mem, "UPDATE audit SET subjects = '{' WHERE number = 2")
    assert told(mem, repair=True) == [("broken-journal", "audit", False)]
    assert [grant.number for grant in mem.grants()] == [1, 2]
    assert mem.grants()[0].right is Right.READ


def test_a_grant_that_cannot_be_read_serves_nobody(mem: MemOS) -> None:
    (cube,) = mem.get_all()
    sql(mem, "UPDATE grants SET right = 'everything' WHERE number = 1")
    with pytest.raises(CorruptionError):
        mem.acting("agent:planner").get(cube.id)
    mem.check(repair=True)
    with pytest.raises((Forbidden, UnknownCube)):
        mem.acting("agent:planner").get(cube.id)
