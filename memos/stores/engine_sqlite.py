"""An SQLite database as we want it: durable, enforcing, overwriting what it deletes.

With a key the file is SQLCipher's: every page of it, its log and its full-text index is encrypted
(AES-256) and authenticated, so that a page that was changed is damage and not another text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, QueuePool, create_engine, event

from memos.errors import BackendError, CorruptionError, MissingLibrary, StoreLocked
from memos.stores.driver_sqlite import begin, driving
from memos.stores.errors_sqlite import RESTORE, as_ours, parsed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is committed survives a power cut, not only a kill
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA secure_delete = ON",  # deleted rows are overwritten with zeros
    "PRAGMA temp_store = MEMORY",  # no text lands in temporary files
)


@dataclass
class _Purity:
    """Whether a database file holds nothing but what is in its rows."""

    pure: bool = False


def open_engine(path: Path | None, *, key: bytes | None = None, hint: str = RESTORE) -> Engine:
    """An engine on a file, made private to its owner, or on memory where ``path`` is None.

    A transaction that begins on ``engine.execution_options(write=True)`` takes the write lock at
    once, so that it can't fail half-way for want of it. One with ``patient=False`` does not wait
    for the disk when it commits: what is committed then survives the end of the process, however
    it comes, but perhaps not a loss of power. In memory there is one connection, and whoever wants
    it waits: transactions must not be nested.

    Args:
        path: the file.
        key: 32 bytes, which encrypt the file.
        hint: what to do where the file turns out to be damaged; that is a CorruptionError.

    Raises:
        MissingLibrary: a key is given, and SQLCipher is not installed.
        BackendError: the file cannot be made.
    """
    where = "the database in memory" if path is None else str(path)
    known = {"known_as": where, "if_damaged": hint}
    if path is None:
        engine = create_engine(
            "sqlite://",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            json_deserializer=parsed,
            connect_args={"check_same_thread": False},
            execution_options=known,
        )
    else:
        driver = None if key is None else sqlcipher()
        make(path)
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            module=driver,
            json_deserializer=parsed,
            execution_options={**known, "purity": _Purity()},
        )
    event.listen(engine, "handle_error", partial(as_ours, where, hint))
    event.listen(engine, "connect", partial(_prepare, key))
    event.listen(engine, "begin", _begin)
    return engine


def make(path: Path) -> None:
    """Make the file, private to its owner, where it is not there.

    Raises:
        BackendError: it cannot be made.
    """
    try:
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        hint = "look at the folder's owner and rights, and at whether its disk is full or read-only"
        raise BackendError(message, hint=hint) from error


def problems(engine: Engine) -> list[str]:
    """What the database itself finds wrong with its file."""
    try:
        with engine.connect() as connection:
            if pages := _rows(connection, "PRAGMA cipher_integrity_check"):
                return [str(row[0]) for row in pages]
            integrity = [str(row[0]) for row in _rows(connection, "PRAGMA integrity_check")]
            foreign = _rows(connection, "PRAGMA foreign_key_check")
    except CorruptionError as error:
        return [error.message]
    wrong = [] if integrity == ["ok"] else integrity
    return wrong + [f"{row[0]} row {row[1]} refers to a missing {row[2]}" for row in foreign]


def _rows(connection: Connection, pragma: str) -> Sequence[Any]:
    """What a pragma answers; SQLite alone knows nothing of those of SQLCipher, and says nothing."""
    result = connection.exec_driver_sql(pragma)
    return result.all() if result.returns_rows else []


def sqlcipher() -> Any:
    """The driver of encrypted files.

    Raises:
        MissingLibrary: it is not installed.
    """
    try:
        from sqlcipher3 import dbapi2
    except ImportError as error:
        message = "encryption needs SQLCipher, which is not installed"
        raise MissingLibrary(message, hint="pip install 'agent-memos[encryption]'") from error
    return dbapi2


def purge(engine: Engine) -> None:
    """Write the file anew, so that nothing of what was deleted is left in it or beside it.

    ``secure_delete`` overwrites a row that is deleted, but not the copies which it left where
    SQLite had moved it from one page to another. Nothing is done in memory, or where nothing was
    written since the last purge; transactions that do not wait for the disk only append, and do
    not count.

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
    except (BackendError, StoreLocked) as error:
        message = f"what was deleted cannot be erased from {engine.url.database}: {error}"
        hint = "it takes as much free space as the file has; try again: memos check --repair"
        raise BackendError(message, hint=hint) from error
    if busy:
        message = f"what was deleted is not erased yet: {engine.url.database} is being read"
        raise BackendError(message, hint="let the reading end, then purge again")


def _prepare(key: bytes | None, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin when we say so
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    if key is not None:
        # The key itself, not a passphrase: there is nothing to stretch, and opening costs nothing.
        cursor.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        cursor.execute("PRAGMA cipher_log_level = NONE")  # errors are told once, by us
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _lower(value: object) -> object:
    # SQLite's own knows the case of ASCII letters only.
    return value.lower() if isinstance(value, str) else value


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("bare", False):  # no transaction: each statement for itself
        return
    write, patient = options.get("write", False), options.get("patient", True)
    if write and patient and "purity" in options:
        options["purity"].pure = False
    with driving(connection) as cursor:
        begin(cursor, connection.info, write=write, patient=patient)
