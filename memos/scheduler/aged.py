"""What :mod:`lfu` and :mod:`gdsf` share: worth times hits, on top of an age that rises."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from memos.scheduler.book import Book
from memos.scheduler.ranked import Ranked

if TYPE_CHECKING:
    from collections.abc import Callable


class Aged(Book):
    """A block's key is ``L + hits * worth``, and the block of the least key goes.

    ``L`` is the greatest key of any block that went. A block is given the ``L`` of its last use, so
    what was once used a lot goes in the end, if nobody asks for it any more, and no key has to be
    lowered. Of equal keys, that of the block goes whose last use is longer ago.
    """

    def __init__(self) -> None:
        self._ranked = Ranked()
        super().__init__(self._ranked)
        self._blocks: dict[str, tuple[int, float]] = {}
        self._age = 0.0
        self._tick = 0

    @abstractmethod
    def worth(self, size_bytes: int, seconds: float) -> float:
        """What one hit of a block counts for."""

    def added(self, name: str, size_bytes: int, seconds: float) -> None:
        """A block comes with one hit: it was asked for."""
        hits, _ = self._blocks.get(name, (1, 0.0))
        self._blocks[name] = hits, self.worth(size_bytes, seconds)
        self._rank(name)

    def used(self, name: str) -> None:
        """One hit more, and the age of today."""
        if name in self._blocks:
            hits, worth = self._blocks[name]
            self._blocks[name] = hits + 1, worth
            self._rank(name)

    def _leave(self, name: str, *, evicted: bool) -> None:
        """If a block was thrown out, all that are not used from now on are older."""
        key = self._ranked.take(name)
        self._blocks.pop(name, None)
        if key and evicted:
            self._age = max(self._age, key[0])

    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        return self._ranked.first(may_go)

    def _rank(self, name: str) -> None:
        self._tick += 1
        hits, worth = self._blocks[name]
        self._ranked.put(name, (self._age + hits * worth, self._tick))
