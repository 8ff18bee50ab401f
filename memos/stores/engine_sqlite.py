"""An SQLite database as we want it: durable, enforcing, and overwriting what it deletes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from memos.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is committed survives a power cut, not only a kill
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA secure_delete = ON",  # deleted rows are overwritten with zeros
    "PRAGMA temp_store = MEMORY",  # nothing is written to a file elsewhere, by VACUUM above all
)


@dataclass
class _Purity:
    """Whether a database file holds nothing but what is in its rows."""

    pure: bool = False


def open_engine(path: Path | None, *, patient: bool = True) -> Engine:
    """An engine on a file, made private to its owner, or on memory where ``path`` is None.

    A transaction that begins on ``engine.execution_options(write=True)`` takes the write lock at
    once, so that it can't fail half-way for want of it; all that write do so. In memory there is
    one connection, and whoever wants it waits: transactions must not be nested.

    Args:
        path: the file.
        patient: whether a commit waits for the disk. Without, what is committed still survives
            the end of the process, however it comes, but perhaps not a loss of power.
    """
    if path is None:
        engine = create_engine(
            "sqlite://",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={"check_same_thread": False},
        )
    else:
        path.touch(mode=0o600, exist_ok=True)
        engine = create_engine(
            URL.create("sqlite", database=str(path)), execution_options={"purity": _Purity()}
        )
    event.listen(engine, "connect", _prepare if patient else _prepare_quick)
    event.listen(engine, "begin", _begin)
    return engine


def purge(engine: Engine) -> None:
    """Write the file anew, so that nothing of what was deleted is left in it or beside it.

    ``secure_delete`` overwrites a row that is deleted, but not the copies which it left where
    SQLite had moved it from one page to another. Nothing is done in memory, or where nothing was
    written through this engine since the last purge: another engine on the same file only appends.

    Raises:
        BackendError: somebody is still reading or writing, or there is no room for the copy.
    """
    purity = engine.get_execution_options().get("purity")
    if purity is None or purity.pure:
        return
    purity.pure = True  # before the work, so that whoever writes meanwhile is not missed
    try:
        _rewrite(engine)
    except BaseException:
        purity.pure = False
        raise


def _rewrite(engine: Engine) -> None:
    try:
        with engine.execution_options(bare=True).connect() as connection:
            connection.exec_driver_sql("VACUUM")
            # Old pages stand in the write-ahead log until it has been cut to nothing.
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    except SQLAlchemyError as error:
        message = f"what was deleted cannot be erased from {engine.url.database}: {error}"
        hint = "it takes as much free space as the file has; try again: memos check --repair"
        raise BackendError(message, hint=hint) from error
    if busy:
        message = f"what was deleted is not erased yet: {engine.url.database} is being read"
        raise BackendError(message, hint="let the reading end, then purge again")


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin when we say so
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _prepare_quick(connection: Any, record: object) -> None:
    _prepare(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("bare", False):  # no transaction: each statement for itself
        return
    write = options.get("write", False)
    if write and "purity" in options:
        options["purity"].pure = False
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
