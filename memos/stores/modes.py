"""Who may read a store's files: its owner, and nobody else."""

from __future__ import annotations

import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def loose(folder: Path) -> list[Path]:
    """The folder and what is in it, as far as others than the owner have any right to it."""
    return [path for path in (folder, *sorted(folder.rglob("*"))) if _mode(path) & _OTHERS]


def tighten(folder: Path) -> list[Path]:
    """Take from others what rights they have to the folder and what is in it; what was changed.

    Where the files are somebody else's, or the file system keeps no modes, they stay as they are.
    """
    changed = []
    for path in loose(folder):
        with suppress(FileNotFoundError, PermissionError):
            path.chmod(_mode(path) & ~_OTHERS)
            changed.append(path)
    return changed


def _mode(path: Path) -> int:
    """The mode of a path; 0 where it has gone meanwhile, and for a link, which has none."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return 0
    return 0 if stat.S_ISLNK(mode) else stat.S_IMODE(mode)
