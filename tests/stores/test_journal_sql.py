"""The SQL journal keeps the port's promises, and SQLite guards its rows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert, text

from memos.errors import BackendError
from memos.ports.catalog import Change
from memos.ports.journal import FIRST, seal_of
from memos.ports.ledger import Tombstone
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.filter_sql import microseconds
from memos.stores.journal_sql import SqlJournal
from memos.stores.tables import audit
from memos.testing.catalog import plaintext, put
from memos.testing.journal import JournalSuite, call

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from memos.ports.journal import Sealed

GUARDS = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")


class TestSqlJournal(JournalSuite):
    @pytest.fixture(autouse=True)
    def engines(self, upgraded: Path) -> Iterator[None]:
        self.path = upgraded
        self.open: list[Engine] = [open_engine(self.path)]
        yield
        for engine in self.open:
            engine.dispose()

    def opened(self, key: bytes | None = None) -> SqlJournal:
        self.open.append(open_engine(self.path))
        return SqlJournal(self.open[-1], key=key)

    def overwrite(self, rows: Sequence[Sealed], *, marked: bool) -> None:
        with self.open[0].begin() as connection:
            replaced(connection, rows)
            if marked:
                head = f"{rows[-1].number} {rows[-1].seal}"
                connection.execute(text("DELETE FROM notes WHERE name = 'audit-head'"))
                connection.execute(
                    text("INSERT INTO notes VALUES ('audit-head', :head)"), {"head": head}
                )
                connection.execute(
                    text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'audit'"),
                    {"seq": rows[-1].number},
                )


def replaced(connection: Connection, rows: Sequence[Sealed]) -> None:
    guards = connection.execute(GUARDS).all()
    assert len(guards) == 2
    for guard in guards:
        connection.execute(text(f"DROP TRIGGER {guard.name}"))
    connection.execute(delete(audit))
    written = [
        {
            "number": row.number,
            "at": microseconds(row.audit.at),
            "actor": row.audit.actor,
            "call": row.audit.call,
            "scope": row.audit.scope.named(),
            "subjects": list(row.audit.subjects),
            "outcome": row.audit.outcome,
            "reason": row.audit.reason,
            "basis": row.audit.basis,
            "seal": row.seal,
        }
        for row in rows
    ]
    if written:
        connection.execute(insert(audit), written)
    for guard in guards:
        connection.execute(text(guard.sql))


@pytest.fixture
def engine(upgraded: Path) -> Iterator[Engine]:
    engine = open_engine(upgraded)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'user:mallory'", "DELETE FROM audit"]
)
def test_sqlite_itself_refuses_to_change_a_row(engine: Engine, statement: str) -> None:
    journal = SqlJournal(engine)
    journal.append(call(1))
    before = list(journal.rows())
    with pytest.raises(BackendError, match="the audit is never"), engine.begin() as connection:
        connection.execute(text(statement))
    assert list(journal.rows()) == before
    assert journal.broken() == []


def test_changes_and_appends_from_several_threads_make_one_chain(
    engine: Engine, upgraded: Path
) -> None:
    catalog = SqlCatalog(engine, key=b"k")
    quick = open_engine(upgraded)
    journal = SqlJournal(quick, key=b"k")

    def write(number: int) -> None:
        if number % 3:
            journal.append(call(number))
        else:
            catalog.commit(Change(audit=call(number)))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(60)))
    assert [row.number for row in journal.rows()] == list(range(1, 61))
    assert journal.broken() == []
    quick.dispose()


FORGET_COUNT = "DELETE FROM sqlite_sequence WHERE name = 'audit'"
DISAGREEMENTS = {
    "the note is gone": ["DELETE FROM notes WHERE name = 'audit-head'"],
    "the note and the count are gone": [
        "DELETE FROM notes WHERE name = 'audit-head'",
        FORGET_COUNT,
    ],
    "the note is garbage": ["UPDATE notes SET value = 'x' WHERE name = 'audit-head'"],
    "the note is a blob": ["UPDATE notes SET value = x'00ff' WHERE name = 'audit-head'"],
    "the note is beyond all numbers": [
        "UPDATE notes SET value = '9' || value WHERE name = 'audit-head'"
    ]
    * 20,
    "the note has another seal": [
        "UPDATE notes SET value = '5 ' || hex(zeroblob(32)) WHERE name = 'audit-head'"
    ],
    "the note is older": [
        "UPDATE notes SET value = '4 ' || hex(zeroblob(32)) WHERE name = 'audit-head'"
    ],
    "the note is newer": [
        "UPDATE notes SET value = '7 ' || hex(zeroblob(32)) WHERE name = 'audit-head'"
    ],
    "more numbers were given": ["UPDATE sqlite_sequence SET seq = 9 WHERE name = 'audit'"],
    "a row is beyond all numbers": [
        "CREATE TEMP TABLE other AS SELECT * FROM audit WHERE number = 5",
        "UPDATE other SET number = 9223372036854775807",
        "INSERT INTO audit SELECT * FROM other",
    ],
}


@pytest.mark.parametrize("how", DISAGREEMENTS)
def test_what_does_not_agree_about_the_newest_row_is_told_for_ever(
    engine: Engine, how: str
) -> None:
    journal = SqlJournal(engine)
    for number in range(1, 6):
        journal.append(call(number))
    with engine.begin() as connection:
        for statement in DISAGREEMENTS[how]:
            connection.execute(text(statement))
    told = journal.broken()
    assert len(told) == 1
    for number in range(6, 10):
        journal.append(call(number))
        assert len(journal.broken()) == 1
    assert [row.audit for row in journal.rows()][:9] == [call(number) for number in range(1, 10)]


EMPTY = [
    "DROP TRIGGER audit_is_never_cut",
    "DELETE FROM audit",
    "DELETE FROM notes WHERE name = 'audit-head'",
]


@pytest.mark.parametrize("forgotten", [False, True], ids=["a memory", "a tombstone"])
@pytest.mark.parametrize("counted", [False, True], ids=["no count", "a count"])
def test_an_emptied_journal_does_not_pass_for_a_new_one(
    engine: Engine, forgotten: bool, counted: bool
) -> None:
    journal, catalog = SqlJournal(engine), SqlCatalog(engine)
    cube = plaintext("one")
    catalog.commit(put(cube))
    assert journal.broken() == []
    if forgotten:
        stone = Tombstone(cube.id, "plaintext", call(2).at, "user:alice", cube.id)
        catalog.commit(Change(audit=call(2), forget=(cube.id,), also=(stone,)))
    with engine.begin() as connection:
        for statement in EMPTY if counted else [*EMPTY, FORGET_COUNT]:
            connection.execute(text(statement))
    assert len(journal.broken()) == 1
    for number in range(6, 10):
        catalog.commit(Change(audit=call(number)))
        assert len(journal.broken()) == 1
        assert "missing" in journal.broken()[0]


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TRIGGER audit_is_never_cut"],
        [
            "DROP TRIGGER audit_is_never_cut",
            "CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit BEGIN SELECT 1; END",
        ],
    ],
    ids=["gone", "another"],
)
def test_a_guard_that_was_taken_away_is_told_and_put_back(
    engine: Engine, statements: list[str]
) -> None:
    journal = SqlJournal(engine)
    journal.append(call(1))
    with engine.connect() as connection:
        guards = connection.execute(GUARDS).all()
    assert journal.unguarded() == []
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    assert journal.unguarded() == ["audit_is_never_cut"]
    journal.guard()
    assert journal.unguarded() == []
    with engine.connect() as connection:
        assert sorted(connection.execute(GUARDS).all()) == sorted(guards)


def test_seals_are_those_that_earlier_versions_gave() -> None:
    # Of the first release; a seal that changed would break the chain of every store there is.
    assert seal_of(FIRST, 1, call(1)) == (
        "3ac02a8cf1a1def263bc185f9150a47f308b07e5e68e29bd04c712998eef28c1"
    )
    assert seal_of(FIRST, 1, call(1), b"k") == (
        "8412f99bae0b1d0b6b7536b6aa4a9ff60e4904cce9c3db64c8ae31edab0b9a12"
    )


def test_a_row_tells_json_and_no_more_than_it_was_given(engine: Engine) -> None:
    SqlJournal(engine).append(call(1))
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM audit")).one()
    assert json.loads(row.scope) == {"user_id": "alice", "session_id": "s1"}
    assert json.loads(row.subjects) == ["one", "two 1"]
