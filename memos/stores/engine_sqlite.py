"""An SQLite database as we want it: durable, enforcing, and overwriting what it deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, QueuePool, create_engine, event

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


def open_engine(path: Path | None, *, patient: bool = True) -> Engine:
    """An engine on a file, made private to its owner, or on memory where ``path`` is None.

    A transaction that begins on ``engine.execution_options(write=True)`` takes the write lock at
    once, so that it can't fail half-way for want of it. In memory there is one connection, and
    whoever wants it waits: transactions must not be nested.

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
        engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _prepare if patient else _prepare_quick)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin when we say so
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _lower(value: object) -> object:
    # SQLite's own knows the case of ASCII letters only.
    return value.lower() if isinstance(value, str) else value


def _prepare_quick(connection: Any, record: object) -> None:
    _prepare(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
