"""The journal in the catalog's own database: changes and their audit rows commit together.

What the newest row is stands in three places: in the table, in a note, and in SQLite's own count
of the numbers that it has given. Where they do not agree, the next row leaves a gap:

    table    1 ... 100              rows 101 to 144 were cut off
    note     144 and its seal
    next     145, sealed after 144  and so they are missing for ever

    table    1 ... 100              the note is gone, or another, or garbage
    next     102, sealed after 100  101 is missing for ever
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select, text

from memos.cube import Scope
from memos.ports.journal import FIRST, Audit, Sealed, seal_of
from memos.stores.driver_sqlite import appending, asking, driving
from memos.stores.errors_sqlite import legible
from memos.stores.filter_sql import microseconds
from memos.stores.tables import audit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPICursor

_PAGE = 1000
_HEAD = "audit-head"
"""The note that holds the number of the newest row and its seal: a second place to tamper with."""

_NOTE = re.compile(r"([1-9][0-9]{0,17}) ([0-9a-f]{64})")
_MOST = 10**18
"""No journal comes that far: what claims to is garbage."""

_NOTED = (
    "(SELECT value FROM notes WHERE name = 'audit-head'),"
    " (SELECT seq FROM sqlite_sequence WHERE name = 'audit')"
)
_LAST = (
    f"SELECT number, seal, {_NOTED} FROM audit"  # noqa: S608 - our own words and number
    f" WHERE number < {_MOST} ORDER BY number DESC LIMIT 1"
)
_NONE = (
    f"SELECT {_NOTED},"  # noqa: S608 - our own words
    " EXISTS (SELECT 1 FROM cubes) OR EXISTS (SELECT 1 FROM tombstones)"
)
"""Where there are no rows, also whether calls have been made that left some."""

_APPEND = (
    "INSERT INTO audit (number, at, actor, call, scope, subjects, outcome, reason, basis, seal)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MARK = (
    "INSERT INTO notes (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_GUARDS = {
    f"audit_is_never_{what}": f"CREATE TRIGGER audit_is_never_{what} BEFORE {event} ON audit"
    f" BEGIN SELECT RAISE(ABORT, 'the audit is never {what}'); END"
    for event, what in (("UPDATE", "changed"), ("DELETE", "cut"))
}
"""As the migration makes them."""
_TRIGGERS = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """Where the next row goes."""

    number: int
    before: str
    """The seal that it follows."""


def place(connection: Connection) -> Place:
    """Where the row of a change goes; to be asked before the change, under the write lock."""
    with driving(connection) as cursor:
        return _ends(cursor).next


def record(connection: Connection, at: Place, done: Audit, key: bytes | None) -> None:
    """Append a row within the transaction that asked for its place."""
    with driving(connection) as cursor:
        _record(cursor, at, done, key)


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
            _record(cursor, _ends(cursor).next, audit, self._key)

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
        """Where the chain does not hold, in words: one line for each run of rows."""
        wrong: list[str] = []
        altered = range(0)
        seal, number = FIRST, 0
        for row in self.rows():
            if row.number != number + 1:
                wrong += [*_altered(altered), _missing(number + 1, row.number - 1)]
                altered = range(0)
            elif row.seal != seal_of(seal, row.number, row.audit, self._key):
                if row.number != altered.stop:
                    wrong += _altered(altered)
                    altered = range(row.number, row.number)
                altered = range(altered.start, row.number + 1)
            seal, number = row.seal, row.number
        return wrong + _altered(altered) + self._unfinished()

    def unguarded(self) -> list[str]:
        """The triggers that keep rows from being changed, as far as they are gone or others."""
        with self._engine.connect() as connection:
            there = {row.name: row.sql for row in connection.execute(_TRIGGERS)}
        return [name for name, made in _GUARDS.items() if there.get(name) != made]

    def guard(self) -> None:
        """Make those triggers anew."""
        with self._engine.execution_options(write=True).begin() as connection:
            for name, made in _GUARDS.items():
                connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
                connection.execute(text(made))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _unfinished(self) -> list[str]:
        """What the table's end is not, by the note and by the numbers that were given."""
        with asking(self._engine) as cursor:
            ends = _ends(cursor)
        if ends.known > ends.number:
            return [_missing(ends.number + 1, ends.known)]
        if ends.agree:
            return []
        if not ends.number:
            return ["rows are missing: memories were written, and not one row tells of it"]
        return [f"row {ends.number} is not the one that was noted as the newest"]


class _Ends(NamedTuple):
    """The newest row, and what is known of it elsewhere."""

    number: int
    seal: str
    known: int
    """The largest number that was ever given, as far as anything tells."""
    noted: Place | None
    """None where there is no note, or one that cannot be read."""
    agree: bool

    @property
    def next(self) -> Place:
        if self.noted is not None and self.noted.number == self.known > self.number:
            return Place(self.known + 1, self.noted.before)
        if self.known > self.number:
            return Place(self.known + 1, self.seal)
        return Place(self.number + (1 if self.agree else 2), self.seal)


def _ends(cursor: DBAPICursor) -> _Ends:
    cursor.execute(_LAST)
    row = cursor.fetchone()
    if row is None:
        cursor.execute(_NONE)
        note, given, used = cursor.fetchone() or (None, None, 0)
        noted = _noted(note)
        return _Ends(0, FIRST, _known(0, noted, given), noted, agree=note is None and not used)
    number, seal, note, given = row
    noted = _noted(note)
    known = _known(number, noted, given)
    return _Ends(number, str(seal), known, noted, agree=noted == (number, seal) and known == number)


def _known(number: int, noted: Place | None, given: object) -> int:
    counted = given if isinstance(given, int) and given < _MOST else 0
    return max(number, 0 if noted is None else noted.number, counted)


def _noted(note: object) -> Place | None:
    read = _NOTE.fullmatch(note) if isinstance(note, str) else None
    return None if read is None else Place(int(read[1]), read[2])


def _missing(first: int, last: int) -> str:
    return f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"


def _altered(rows: range) -> list[str]:
    if len(rows) > 1:
        return [f"rows {rows[0]} to {rows[-1]} are not what was written"]
    return [f"row {number} is not what was written" for number in rows]


def _record(cursor: DBAPICursor, at: Place, done: Audit, key: bytes | None) -> None:
    seal = seal_of(at.before, at.number, done, key)
    row = (
        at.number,
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
    cursor.execute(_MARK, (_HEAD, f"{at.number} {seal}"))


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
