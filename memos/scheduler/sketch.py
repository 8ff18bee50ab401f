"""How often names were asked for lately, in a few bytes each: a count-min sketch that fades."""

from __future__ import annotations

import hashlib
import struct

_ROWS = 4
_MOST = 15
_FIRST_WIDTH = 1024
_ROOM = 4
"""Counters of a row for each name that is to be told apart."""
_SAMPLE = 10
"""After so many times the names, all counts are halved."""


class Sketch:
    """An upper bound of each name's count, up to 15.

    Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch" (2005), with
    conservative updates and with the ageing of TinyLFU (Einziger, Friedman and Manes, 2017, section
    3.3). Counters are bytes, of which half is used: a table of 20,000 names takes 512 KiB.
    """

    def __init__(self) -> None:
        self._rows = [bytearray(_FIRST_WIDTH) for _ in range(_ROWS)]
        self._names = _FIRST_WIDTH // _ROOM
        self._counted = 0

    def widen(self, names: int) -> None:
        """Make room for so many; the counts stay upper bounds."""
        while self._names < names:
            self._rows = [row + row for row in self._rows]
            self._names *= 2

    def count(self, name: str) -> None:
        """One more of ``name``."""
        places = self._places(name)
        least = min(row[at] for row, at in zip(self._rows, places, strict=True))
        if least < _MOST:
            for row, at in zip(self._rows, places, strict=True):
                row[at] = max(row[at], least + 1)
        self._counted += 1
        if self._counted >= _SAMPLE * self._names:
            self._halve()

    def of(self, name: str) -> int:
        """About how often ``name`` was counted lately; never less."""
        return min(row[at] for row, at in zip(self._rows, self._places(name), strict=True))

    def _places(self, name: str) -> list[int]:
        digest = hashlib.blake2b(name.encode(), digest_size=4 * _ROWS).digest()
        width = len(self._rows[0])
        return [number & (width - 1) for number in struct.unpack(f"<{_ROWS}I", digest)]

    def _halve(self) -> None:
        halves = bytes(number >> 1 for number in range(256))
        self._rows = [row.translate(halves) for row in self._rows]
        self._counted //= 2
