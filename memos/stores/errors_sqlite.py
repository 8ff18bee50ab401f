"""What SQLite says has gone wrong, told as errors of our own tree."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from memos.errors import BackendError, CorruptionError, MemosError, StoreLocked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ExceptionContext

RESTORE = "run `memos check`; if that cannot help, restore a backup: memos restore"

_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_IOERR_SHORT_READ")
# Where the schema itself is damaged, SQLite knows its own tables no longer.
_DAMAGED = ("malformed", "not a database", "decode to utf-8", "no such table", "no such column")
_OUTCOMES = (
    (("SQLITE_FULL",), "there is no room left on its disk",
     "make room and try again; what was acknowledged is there, this call changed nothing"),
    (("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"), "it cannot be written",
     "look at the folder's owner and rights, and at whether its disk is mounted read-only"),
    (("SQLITE_CANTOPEN",), "it cannot be opened",
     "look at the folder's owner and rights, and at whether its disk is mounted read-only"),
    (("SQLITE_IOERR",), "its disk fails, or is full",
     "make room, look at the disk, and try again"),
)  # fmt: skip


def as_ours(where: str, hint: str, context: ExceptionContext) -> MemosError | None:
    """The error of our tree for what a statement on ``where`` raised; the original is its cause.

    Args:
        where: the database, for people.
        hint: what to do where it is damaged.
        context: of SQLAlchemy's event ``handle_error``.

    Returns:
        None where it is not the database that failed, but what it was given.
    """
    error = context.original_exception
    if context.sqlalchemy_exception is None or isinstance(error, MemosError):
        return None
    ours = translated(where, hint, error)
    if isinstance(ours, CorruptionError) and is_spent(error):
        context.is_disconnect = True
    return ours


def is_spent(error: BaseException | None) -> bool:
    """Whether a connection on which damage was met serves nothing more: SQLCipher's do not."""
    return type(error).__module__.startswith("sqlcipher")


def translated(where: str, hint: str, error: BaseException) -> MemosError:
    """The error of our tree for one of the driver's."""
    name, said = str(getattr(error, "sqlite_errorname", "")), str(error)
    if name.startswith(_DAMAGE) or any(sign in said.lower() for sign in _DAMAGED):
        return CorruptionError(f"{where} is damaged: {said}", hint=hint)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreLocked(f"{where} is being written by another process: {said}", hint="try again")
    for names, what, todo in _OUTCOMES:
        if name.startswith(names):
            return BackendError(f"{where}: {what}: {said}", hint=todo)
    return BackendError(f"{where} cannot be used: {said}", hint="run `memos check`")


@contextmanager
def reading(where: str, hint: str = RESTORE) -> Iterator[None]:
    """Work on a connection of the driver itself, whose errors SQLAlchemy does not see.

    Raises:
        MemosError: as for a statement on ``where``.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("sqlite3", "sqlcipher3")):
            raise
        raise translated(where, hint, error) from error


def parsed(text: str | bytes) -> Any:
    """What a JSON column holds.

    Raises:
        CorruptionError: it is not JSON.
    """
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise CorruptionError(f"a row holds {text!r:.40}, not JSON", hint=RESTORE) from error


@contextmanager
def legible(what: str) -> Iterator[None]:
    """Reading rows whose values may be anything, where the file is damaged.

    Raises:
        CorruptionError: a value is none that we wrote.
    """
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        raise CorruptionError(f"{what} cannot be read: {error}", hint=RESTORE) from error


@contextmanager
def usable(what: str) -> Iterator[None]:
    """Using an index, of which what goes wrong is no damage that was told already.

    Raises:
        BackendError: a statement failed.
    """
    try:
        yield
    except SQLAlchemyError as error:
        message = f"{what} cannot be used: {error}"
        raise BackendError(message, hint="run `memos check`") from error
