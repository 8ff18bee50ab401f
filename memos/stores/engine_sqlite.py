"""An SQLite database as we want it: durable, enforcing, and overwriting what it deletes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, QueuePool, create_engine, event

from memos.errors import BackendError
from memos.stores.errors_sqlite import RESTORE, as_ours, parsed

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is committed survives a power cut, not only a kill
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA secure_delete = ON",  # deleted rows are overwritten with zeros
)


def open_engine(path: Path | None, *, patient: bool = True, hint: str = RESTORE) -> Engine:
    """An engine on a file, made private to its owner, or on memory where ``path`` is None.

    A transaction that begins on ``engine.execution_options(write=True)`` takes the write lock at
    once, so that it can't fail half-way for want of it. In memory there is one connection, and
    whoever wants it waits: transactions must not be nested.

    Args:
        path: the file.
        patient: whether a commit waits for the disk. Without, what is committed still survives
            the end of the process, however it comes, but perhaps not a loss of power.
        hint: what to do where the file turns out to be damaged.

    Raises:
        BackendError: the file cannot be made.
    """
    if path is None:
        engine = create_engine(
            "sqlite://",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            json_deserializer=parsed,
            connect_args={"check_same_thread": False},
        )
    else:
        _make(path)
        engine = create_engine(
            URL.create("sqlite", database=str(path)), json_deserializer=parsed
        )
    where = "the database in memory" if path is None else str(path)
    event.listen(engine, "handle_error", partial(as_ours, where, hint))
    event.listen(engine, "connect", _prepare if patient else _prepare_quick)
    event.listen(engine, "begin", _begin)
    return engine


def _make(path: Path) -> None:
    try:
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        hint = "look at the folder's owner and rights, and at whether its disk is full or read-only"
        raise BackendError(message, hint=hint) from error


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
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
