"""Sums of Chroma's files from one use to the next: what flipped in between is not read.

Chroma reads the graph's file without looking at it: one wrong number in it, and the process ends.
So that no damaged file comes that far, sums are written when the folder is closed and compared
when it is opened again. While it is in use there are none: after a crash the files are trusted.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import TYPE_CHECKING

from memos.errors import CorruptionError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "sums.json"
_OURS = {_NAME, f"{_NAME}.part", "purged"}
_PIECE = 1 << 20


class Sums:
    """The sums of one folder; they are gone as soon as anybody may have written there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / _NAME

    def require(self) -> None:
        """Compare, and forget them.

        Raises:
            CorruptionError: a file is another than it was when the folder was closed.
        """
        if self._path.exists():
            try:
                told = json.loads(self._path.read_bytes())
            except ValueError:
                told = None
            there = self._sums()
            if told != there:
                odd = sorted(name for name in {*there, *(told or ())}
                             if there.get(name) != (told or {}).get(name))  # fmt: skip
                message = f"{self._folder / (odd or [_NAME])[0]} is not what was written"
                raise CorruptionError(message, hint="`memos check --repair` indexes anew")
        self.clear()

    def clear(self) -> None:
        """Say that the files may change."""
        # Each time: another index in the same folder may have written them meanwhile.
        self._path.unlink(missing_ok=True)

    def write(self) -> None:
        """Take the sums of the files as they are, now that nobody writes to them."""
        if not self._folder.is_dir():
            return
        partial = self._path.with_name(f"{_NAME}.part")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._sums(), file)
        partial.replace(self._path)

    def _sums(self) -> dict[str, list[int]]:
        return {
            path.relative_to(self._folder).as_posix(): _sum(path)
            for path in sorted(self._folder.rglob("*"))
            if path.is_file() and path.name not in _OURS
        }


def _sum(path: Path) -> list[int]:
    """Length and CRC-32: damage is meant, not malice."""
    length, total = 0, 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            length, total = length + len(piece), zlib.crc32(piece, total)
    return [length, total]
