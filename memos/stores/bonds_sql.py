"""What binds grants and certificates to the journal: a digest of each row, value by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from memos.cube.identity import digest_of
from memos.errors import CorruptionError
from memos.ports.journal import REVOKED, bond_of
from memos.ports.ledger import Certificate, Grant, Revocation
from memos.ports.repairs import Kept
from memos.stores.errors_sqlite import legible
from memos.stores.ledger_sql import certificate_of, enter, grant_of
from memos.stores.tables import certificates, grants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, Engine, Table

    from memos.ports.ledger import Entry

_Bound = Grant | Certificate
_READERS: tuple[tuple[type[_Bound], Table, str, Callable[[Any], _Bound]], ...] = (
    (Grant, grants, "number", grant_of),
    (Certificate, certificates, "id", certificate_of),
)


def entered(entries: Iterable[Entry], connection: Connection) -> list[str]:
    """Write entries within a transaction; what binds them to the row of the journal."""
    bonds = []
    for entry in entries:
        enter(entry, connection)
        made = _bond(entry, connection)
        bonds += [] if made is None else [made]
    return bonds


def kept(engine: Engine) -> Iterator[Kept]:
    """Every grant, then every certificate, of which each is read by itself.

    Raises:
        CorruptionError: a table itself cannot be read.
    """
    for entry_type, table, name, reader in _READERS:
        kind = entry_type.__name__.lower()
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        one = text(f"SELECT {columns} FROM {table.name} WHERE rowid = :at")  # noqa: S608 - our own
        with engine.connect() as connection:
            rows = connection.execute(text(f"{_values(table, name)} ORDER BY rowid")).all()
        for row in rows:
            try:
                # A connection for each: one that met damage may serve no more.
                with legible(f"{kind} {_name(row)}"), engine.connect() as connection:
                    entry = reader(tuple(connection.execute(one, {"at": row.at}).one()))
                yield Kept(kind, _name(row), _digest(row), entry)
            except CorruptionError as error:
                yield Kept(kind, _name(row), _digest(row), None, error.message)


def _bond(entry: Entry, connection: Connection) -> str | None:
    if isinstance(entry, Revocation):
        return bond_of("grant", entry.number, REVOKED)
    for entry_type, table, name, _ in _READERS:
        if isinstance(entry, entry_type):
            written = text(f"{_values(table, name)} WHERE rowid = last_insert_rowid()")
            row = connection.execute(written).one()
            return bond_of(entry_type.__name__.lower(), _name(row), _digest(row))
    return None


def _values(table: Table, name: str) -> str:
    """Every value as SQLite has it: text that is none, or a number where a text should be.

    A migration that changes such rows must bind them anew.
    """
    values = " || '|' || ".join(
        f'typeof("{column.name}") || hex("{column.name}")' for column in table.columns
    )
    return f'SELECT rowid AS at, hex("{name}") AS name, {values} AS held FROM {table.name}'  # noqa: S608


def _name(row: Any) -> str:
    return bytes.fromhex(row.name).decode(errors="replace")


def _digest(row: Any) -> str:
    return digest_of(row.held.encode())
