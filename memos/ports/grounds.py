"""Folders in which this library alone writes: stores, their archives, and backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadInput, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CATALOG = "catalog.db"
LOCK = "lock"
MANIFEST = "manifest.json"


def is_backup(folder: Path) -> bool:
    """Whether a backup lies there; what was opened as a store has a lock, and is one."""
    return _has(folder, CATALOG, MANIFEST) and not _has(folder, LOCK)


def refuse_backup(folder: Path) -> None:
    """Refuse to use a backup as a store: it would not be what was backed up any more.

    Raises:
        BadInput: a backup lies there.
    """
    if is_backup(folder):
        hint = "memos restore makes a store of it, elsewhere"
        raise BadInput(f"{shown(str(folder), 200)} holds a backup, and is no store", hint=hint)


def require_outside(target: Path, own: Iterable[Path] = ()) -> None:
    """Refuse a place in, or led by links into, a store, an archive or a backup.

    Args:
        target: the file or folder that is to be written; it need not exist.
        own: folders that are refused as well, whatever lies in them.

    Raises:
        BadInput: it lies in one of them.
    """
    kept = [_resolved(folder) for folder in own]
    for place in (_resolved(target), _resolved(target.parent) / target.name):
        for folder in (place, *place.parents):
            if folder in kept or (folder != place and _is_ours(folder)):
                message = f"{shown(str(target), 200)} lies in {shown(str(folder), 200)}"
                hint = "that is a store's own, or a backup's: choose a place outside"
                raise BadInput(message, hint=hint)


def _is_ours(folder: Path) -> bool:
    return _has(folder, CATALOG, LOCK) or _has(folder, CATALOG, MANIFEST)


def _has(folder: Path, *names: str) -> bool:
    try:
        return all((folder / name).is_file() for name in names)
    except OSError:  # who may not look there cannot write there either, and is told so then
        return False


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError as error:
        message = f"{shown(str(path), 200)} is a link that leads to itself"
        raise BadInput(message, hint="choose another place") from error
