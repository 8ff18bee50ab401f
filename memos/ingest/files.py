"""Reads files: the only module here that touches a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LARGEST = 1 << 30
"""Bytes of a file."""


def read_file(path: Path) -> bytes:
    """The content of a file of one gigabyte at most.

    Raises:
        BadInput: it is none, is too large, or cannot be read.
    """
    try:
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "not there" if not path.exists() else "no file"
            raise BadInput(f"{path} is {kind}", hint="name a file; the command takes folders, too")
        size = path.stat().st_size
        if size > _LARGEST:
            raise BadInput(f"{path} has {size:,} bytes", hint="split it: 1 GB at most is read")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", hint="name a file") from error


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and those in the folders that are named, by name; none hidden.

    Raises:
        BadInput: there is no such file or folder.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            if not path.exists():
                raise BadInput(f"{path} is not there", hint="name a file or a folder")
            found[path] = None
            continue
        inside = (one for one in sorted(path.rglob("*")) if one.is_file())
        found.update(
            (one, None)
            for one in inside
            if not any(part.startswith(".") for part in one.relative_to(path).parts)
        )
    return list(found)
