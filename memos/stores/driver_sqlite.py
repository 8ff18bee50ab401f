"""Statements that every call makes, on the driver itself: SQLAlchemy takes several times as long.

SQLAlchemy's events see nothing of what is done here; errors are those of our tree all the same.
All of it works on engines of :func:`memos.stores.engine_sqlite.open_engine`, and on no others.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memos.errors import CorruptionError
from memos.stores.errors_sqlite import is_spent, reading, translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from sqlalchemy import Connection, Engine, PoolProxiedConnection
    from sqlalchemy.engine.interfaces import DBAPICursor

    from memos.errors import MemosError


@contextmanager
def driving(connection: Connection) -> Iterator[DBAPICursor]:
    """A cursor for what belongs to the transaction that a connection is in.

    Raises:
        MemosError: as for a statement that SQLAlchemy makes.
    """
    pooled = connection.connection
    try:
        yield pooled.cursor()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _ours(connection.get_execution_options(), pooled, error) from error


@contextmanager
def asking(engine: Engine) -> Iterator[DBAPICursor]:
    """A cursor on a connection of the pool, each of whose statements is a transaction by itself.

    Raises:
        MemosError: as for a statement that SQLAlchemy makes.
    """
    with _taken(engine) as pooled:
        yield pooled.cursor()


@contextmanager
def appending(engine: Engine) -> Iterator[DBAPICursor]:
    """A cursor in a transaction that takes the write lock at once, and is committed at the end.

    It does not wait for the disk, and so must only append: see ``open_engine``.

    Raises:
        MemosError: as for a statement that SQLAlchemy makes; nothing has been written.
    """
    with _taken(engine) as pooled:
        cursor = pooled.cursor()
        begin(cursor, pooled.info, write=True, patient=False)
        yield cursor
        cursor.execute("COMMIT")


def begin(
    cursor: DBAPICursor, known: MutableMapping[Any, Any], *, write: bool, patient: bool
) -> None:
    """Begin a transaction as :func:`memos.stores.engine_sqlite.open_engine` tells.

    Args:
        cursor: of a connection that is in none.
        known: what the pool notes of that connection.
        write: take the write lock at once.
        patient: wait for the disk when it commits.
    """
    if known.get("patient", True) != patient:
        cursor.execute(f"PRAGMA synchronous = {'FULL' if patient else 'NORMAL'}")
        known["patient"] = patient
    cursor.execute("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _taken(engine: Engine) -> Iterator[PoolProxiedConnection]:
    options = engine.get_execution_options()
    with reading(options["known_as"], options["if_damaged"]):
        pooled = engine.raw_connection()
    try:
        yield pooled
    except engine.dialect.loaded_dbapi.Error as error:
        raise _ours(options, pooled, error) from error
    finally:
        pooled.close()  # which rolls back what was not committed


def _ours(
    options: Mapping[str, Any], pooled: PoolProxiedConnection, error: BaseException
) -> MemosError:
    ours = translated(options["known_as"], options["if_damaged"], error)
    if isinstance(ours, CorruptionError) and is_spent(error):
        pooled.invalidate(error)
    return ours
