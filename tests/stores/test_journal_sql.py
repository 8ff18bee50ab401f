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
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.filter_sql import microseconds
from memos.stores.journal_sql import SqlJournal
from memos.stores.tables import audit
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
