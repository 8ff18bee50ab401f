"""Pieces of what is searched for, and where they lie in a run of bytes.

A text is cut into overlapping pieces, so that it is found when a database has torn it apart:

    text     |-----------------------------------------------|
    pieces   |-- 24 bytes --|
                |-- 24 bytes --|            one every 8 bytes, and one at the very end
                   |-- 24 bytes --|

A vector is cut likewise, into runs of numbers; one that is mostly zeros is a piece as a whole, for
vectors of that kind have runs in common. A text of 8 to 23 bytes is one piece, too.

All pieces are looked for at once: a key is made of each, and by the same arithmetic of each place
in the bytes; where keys agree, the bytes are compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from memos.ports.traces import Spelling

    Keys = NDArray[np.uint64]
    Places = NDArray[np.int64]

PIECE = 24
"""Bytes of a piece of a long text, and the most that a piece of a text has."""

LEAST = 8
"""Shorter texts stand everywhere."""

_STRIDE = 8
_WORD = 8

_DIFFERENT = 4
"""How many different bytes a piece of a text has, zeros aside; others stand everywhere."""

_MIX = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]

_NUMBERS = 32
"""How many numbers of a vector make a run; its key is made of the first two."""

_TELLING = 8
"""How many of these differ from zero, or the run is no use."""

_SPARSE = 0.5
"""A vector is sparse if no more of its numbers than that differ from zero."""

_LOOSE = np.uint64(0xFFFFFF00FFFFFF00)
"""Of two float32, all but their last eight bits."""

_ENOUGH = 8
"""How many runs of a vector are looked for at least, if it has as many."""

_LITTLE = 8
"""By how many floats a number may differ that was normalised once more."""

_TOLERANCE = 1e-4
"""By how much, relatively, a number differs at most from the one that is sought."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A text in one spelling, or a vector, as it would lie in a file."""

    sought: int
    spelling: Spelling
    content: bytes


class Needles(ABC):
    """Pieces of things, ordered by key; what a key is made of, subclasses say."""

    _words: int
    """How many words of eight bytes a key is made of."""

    longest: int
    """The most bytes that a piece has."""

    def __init__(self, things: Sequence[Thing], starts: Sequence[Places]) -> None:
        """Take pieces: for each thing, where they begin in it."""
        self.things = things
        owners = np.repeat(np.arange(len(things)), [len(each) for each in starts])
        places = np.concatenate([np.empty(0, dtype=np.int64), *starts])
        made = [
            self._keys(words_of(thing.content))[each]
            for thing, each in zip(things, starts, strict=True)
        ]
        keys = np.concatenate([np.empty(0, dtype=np.uint64), *made])
        self._take(keys, owners, places)

    def __len__(self) -> int:
        return len(self._sorted)

    def owners(self) -> set[int]:
        """Which things have a piece."""
        return set(self._owners.tolist())

    def thing(self, number: int) -> Thing:
        """What a piece is of."""
        return self.things[int(self._owners[number])]

    def without(self, numbers: Collection[int]) -> None:
        """Let go of pieces."""
        kept = np.ones(len(self), dtype=bool)
        kept[list(numbers)] = False
        self._take(self._sorted[kept], self._owners[kept], self._starts[kept])

    def unseen(self) -> NDArray[np.int64]:
        """For each key, where it first stands, how many pieces have it; to begin a file with."""
        counts = np.zeros(len(self), dtype=np.int64)
        _, firsts, times = np.unique(self._sorted, return_index=True, return_counts=True)
        counts[firsts] = times
        return counts

    def found_in(
        self, content: bytes, words: Keys, seen: set[int], unseen: NDArray[np.int64]
    ) -> Iterator[tuple[int, int]]:
        """The number and the offset of each piece in ``content`` that was not seen before.

        Args:
            content: the bytes.
            words: :func:`words_of` them.
            seen: the pieces found so far; those found now are added.
            unseen: how many pieces of a key are left to find, kept in step.
        """
        if not len(self) or len(words) <= _WORD * (self._words - 1):
            return
        for offset, first in self._candidates(self._keys(words), unseen):
            for number in self._standing(first, content, offset):
                if number not in seen:
                    seen.add(number)
                    unseen[first] -= 1
                    yield number, offset

    def _take(self, keys: Keys, owners: Places, starts: Places) -> None:
        order = np.argsort(keys, kind="stable")
        self._sorted, self._owners, self._starts = keys[order], owners[order], starts[order]
        # Nearly every place in a file is told apart by one look into a table that fits the cache.
        self._shift = np.uint64(64 - min(26, max(16, (16 * len(keys)).bit_length())))
        self._table = np.zeros(1 << (64 - int(self._shift)), dtype=bool)
        self._table[self._sorted >> self._shift] = True

    def _run(self, first: int) -> range:
        """The pieces that have the key of the ``first``."""
        end = np.searchsorted(self._sorted, self._sorted[first], side="right")
        return range(first, int(end))

    def _candidates(self, keys: Keys, unseen: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
        """The places whose key some unseen piece has, and the first piece that has it."""
        places = np.flatnonzero(self._table[keys >> self._shift])
        firsts = np.searchsorted(self._sorted, keys[places])
        firsts[firsts == len(self)] = 0
        right = (self._sorted[firsts] == keys[places]) & (unseen[firsts] > 0)
        return zip(places[right].tolist(), firsts[right].tolist(), strict=True)

    @abstractmethod
    def _keys(self, words: Keys) -> Keys:
        """A key for every place where so many words begin."""

    @abstractmethod
    def _standing(self, first: int, content: bytes, offset: int) -> Iterable[int]:
        """The pieces that stand there, of those whose key does: the ``first`` and some more."""


class TextNeedles(Needles):
    """Pieces of texts with keys of one, two or three words."""

    def __init__(self, things: Sequence[Thing], words: int) -> None:
        """Take all telling pieces of those things that have the right length."""
        self._words = words
        self.longest = PIECE
        fitting = [thing for thing in things if _key_words(len(thing.content)) == words]
        super().__init__(fitting, [_telling(thing.content) for thing in fitting])

    def _take(self, keys: Keys, owners: Places, starts: Places) -> None:
        super()._take(keys, owners, starts)
        self._by_length: dict[int, dict[int, dict[bytes, list[int]]]] = {}

    def _keys(self, words: Keys) -> Keys:
        count = len(words) - _WORD * (self._words - 1)
        keys = words[:count] * _MIX[0]
        for place in range(1, self._words):
            keys += words[_WORD * place :][:count] * _MIX[place]
        return keys

    def _standing(self, first: int, content: bytes, offset: int) -> Iterable[int]:
        # Many short texts may begin alike, and their beginning stand in many places.
        if first not in self._by_length:
            self._by_length[first] = self._pieces(first)
        for length, pieces in self._by_length[first].items():
            yield from pieces.get(content[offset : offset + length], ())

    def _pieces(self, first: int) -> dict[int, dict[bytes, list[int]]]:
        """The pieces that have one key, by length and content."""
        found: dict[int, dict[bytes, list[int]]] = {}
        for number in self._run(first):
            start = int(self._starts[number])
            piece = self.thing(number).content[start : start + PIECE]
            found.setdefault(len(piece), {}).setdefault(piece, []).append(number)
        return found


class VectorNeedles(Needles):
    """Runs of numbers of vectors, found also where their last bits differ."""

    _words = 1

    def __init__(self, things: Sequence[Thing]) -> None:
        """Take some of the runs that are not mostly zeros.

        Each twice, a little more and a little less: of two numbers that hardly differ, the bits
        that a key is made of may.
        """
        both = [
            moved for thing in things for moved in (_moved(thing, -_LITTLE), _moved(thing, _LITTLE))
        ]
        self._widths = [_run_width(thing.content) for thing in both]
        self.longest = max(self._widths, default=0)
        super().__init__(both, [_runs(thing.content) for thing in both])

    def _keys(self, words: Keys) -> Keys:
        return (words & _LOOSE) * _MIX[0]

    def _standing(self, first: int, content: bytes, offset: int) -> Iterable[int]:
        for number in self._run(first):
            start = int(self._starts[number])
            width = self._widths[int(self._owners[number])]
            sought = self.thing(number).content[start : start + width]
            there = content[offset : offset + len(sought)]
            if len(there) == len(sought) and _nearly(there, sought):
                yield number


def words_of(content: bytes) -> Keys:
    """The eight bytes that begin at each place, as one number; the last seven places have none."""
    words = np.empty(max(0, len(content) - _WORD + 1), dtype=np.uint64)
    for place in range(min(_WORD, len(words))):
        words[place::_WORD] = np.frombuffer(
            content, "<u8", offset=place, count=(len(content) - place) // _WORD
        )
    return words


def _key_words(length: int) -> int:
    return min(length, PIECE) // _WORD


def _telling(content: bytes) -> Places:
    """Where the pieces of a text begin; without those that stand everywhere."""
    width = min(len(content), PIECE)
    last = len(content) - width
    starts = np.unique(np.append(np.arange(0, last + 1, _STRIDE), last))
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(content, np.uint8), width)
    ordered = np.sort(windows[starts], axis=1)
    different = (np.diff(ordered, axis=1, prepend=0) > 0).sum(axis=1)
    return np.asarray(starts[different >= _DIFFERENT], dtype=np.int64)


def _moved(thing: Thing, steps: int) -> Thing:
    """A vector whose numbers, zeros aside, are so many floats further from zero."""
    numbers = np.frombuffer(thing.content, "<f4")
    bits = numbers.view("<i4") + np.where(numbers == 0, 0, steps)
    return replace(thing, content=bits.astype("<i4").tobytes())


def _nearly(there: bytes, sought: bytes) -> bool:
    with np.errstate(all="ignore"):  # what stands there may be anything
        here, wanted = (np.frombuffer(each, "<f4").astype(float) for each in (there, sought))
        return bool((np.abs(here - wanted) <= _TOLERANCE * np.abs(wanted)).all())


def _run_width(content: bytes) -> int:
    """How many bytes a run of a vector has at most."""
    numbers = np.frombuffer(content, "<f4")
    sparse = np.count_nonzero(numbers) <= _SPARSE * len(numbers)
    return len(content) if sparse else 4 * min(_NUMBERS, len(numbers))


def _runs(content: bytes) -> Places:
    """Where the runs of a vector begin, in bytes: with two numbers that differ from zero."""
    told = np.frombuffer(content, "<f4") != 0
    width = _run_width(content) // 4
    pairs = np.flatnonzero(told[:-1] & told[1:])
    full = pairs[:1] if width == len(told) else pairs[pairs <= len(told) - width]
    counts = np.append(0, np.cumsum(told))
    ends = np.minimum(full + width, len(told))
    starts = full[counts[ends] - counts[full] >= _TELLING]
    step = max(1, min(_STRIDE, len(starts) // _ENOUGH))
    return np.asarray(starts[::step] * 4, dtype=np.int64)
