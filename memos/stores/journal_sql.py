"""The journal in the catalog's own database: changes and their audit rows commit together."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from memos.cube import Scope
from memos.ports.journal import FIRST, Audit, Sealed, seal_of
from memos.stores.driver_sqlite import appending, driving
from memos.stores.errors_sqlite import legible
from memos.stores.filter_sql import microseconds
from memos.stores.tables import audit, notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPICursor

_PAGE = 1000
_HEAD = "audit-head"
"""The note that holds the number of the newest row and its seal: a second place to tamper with."""

_LAST = "SELECT number, seal FROM audit ORDER BY number DESC LIMIT 1"
_APPEND = (
    "INSERT INTO audit (number, at, actor, call, scope, subjects, outcome, reason, basis, seal)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MARK = (
    "INSERT INTO notes (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record(connection: Connection, done: Audit, key: bytes | None) -> None:
    """Append a row within a transaction that holds the write lock."""
    with driving(connection) as cursor:
        _record(cursor, done, key)


class SqlJournal:
    """Appends without waiting for the disk, through the catalog's own connections.

    A connection of another engine would do, too, but each of its commits makes SQLite forget the
    pages that the catalog's connections hold, and they must be read, and decrypted, anew.

    Args:
        engine: on the catalog's database.
        key: makes the seals HMACs, which nobody without it can forge.
    """

    def __init__(self, engine: Engine, *, key: bytes | None = None) -> None:
        self._engine = engine
        self._key = key

    def append(self, audit: Audit) -> None:
        """Record a call that changed nothing."""
        with appending(self._engine) as cursor:
            _record(cursor, audit, self._key)

    def rows(self, *, after: int = 0, limit: int | None = None) -> Iterator[Sealed]:
        """Rows with a number greater than ``after``, oldest first."""
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(left, _PAGE)
            query = select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(page)
            with self._engine.connect() as connection:
                found = [_sealed(row) for row in connection.execute(query)]
            yield from found
            if len(found) < page:
                return
            after = found[-1].number
            left = None if left is None else left - page

    def newest(self, limit: int) -> list[Sealed]:
        """The last rows, newest first."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [_sealed(row) for row in connection.execute(query)]

    def broken(self) -> list[str]:
        """Where the chain does not hold, in words."""
        wrong = []
        seal, number = FIRST, 0
        for row in self.rows():
            if row.number != number + 1:
                wrong.append(f"between row {number} and row {row.number} rows are missing")
            elif row.seal != seal_of(seal, row.number, row.audit, self._key):
                wrong.append(f"row {row.number} is not what was written")
            seal, number = row.seal, row.number
        head = self._head()
        if head is not None and head != f"{number} {seal}":
            wrong.append(f"the newest row should be {head.split()[0]}, it is {number}")
        return wrong

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _head(self) -> str | None:
        query = select(notes.c.value).where(notes.c.name == _HEAD)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()


def _record(cursor: DBAPICursor, done: Audit, key: bytes | None) -> None:
    cursor.execute(_LAST)
    newest, before = cursor.fetchone() or (0, FIRST)
    number = newest + 1
    seal = seal_of(before, number, done, key)
    row = (
        number,
        microseconds(done.at),
        done.actor,
        done.call,
        json.dumps(done.scope.named()),
        json.dumps(done.subjects),
        done.outcome,
        done.reason,
        done.basis,
        seal,
    )
    cursor.execute(_APPEND, row)
    cursor.execute(_MARK, (_HEAD, f"{number} {seal}"))


@legible("a row of the journal")
def _sealed(row: Any) -> Sealed:
    done = Audit(
        at=_EPOCH + timedelta(microseconds=row.at),
        actor=row.actor,
        call=row.call,
        scope=Scope.model_validate(row.scope),
        subjects=tuple(row.subjects),
        outcome=row.outcome,
        reason=row.reason,
        basis=row.basis,
    )
    return Sealed(row.number, done, row.seal)
