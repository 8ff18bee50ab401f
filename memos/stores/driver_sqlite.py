"""Statements that every call makes, on the driver itself: SQLAlchemy takes ten times as long."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from memos.errors import CorruptionError
from memos.stores.errors_sqlite import is_spent, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPICursor


@contextmanager
def driving(connection: Connection) -> Iterator[DBAPICursor]:
    """A cursor of the driver, within the connection's transaction if it is in one.

    Without one, each statement is a transaction of its own. SQLAlchemy's events see nothing of
    what is done here.

    Args:
        connection: of an engine of :func:`memos.stores.engine_sqlite.open_engine`.

    Raises:
        MemosError: as for a statement that SQLAlchemy makes.
    """
    options = connection.get_execution_options()
    cursor = connection.connection.cursor()
    try:
        with reading(options["known_as"], options["if_damaged"]):
            yield cursor
    except CorruptionError as error:
        if is_spent(error.__cause__):
            connection.invalidate(error)
        raise
    finally:
        cursor.close()
