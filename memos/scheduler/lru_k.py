"""The block goes whose last use but one is longest ago: LRU-2."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from memos.scheduler.book import Book
from memos.scheduler.ranked import Ranked

if TYPE_CHECKING:
    from collections.abc import Callable

_NEVER = -1
_LEAST_REMEMBERED = 16

Uses = tuple[int, int]
"""The ticks of the last use but one, and of the last."""


class Lru2(Book):
    """LRU-K with K = 2: the greatest backward 2-distance goes.

    O'Neil, O'Neil and Weikum, "The LRU-K page replacement algorithm for database disk buffering"
    (SIGMOD 1993), definition 2.2. A block that was asked for once has an infinite distance, so a
    long text that is read once goes before anything that was ever asked for twice; among such
    blocks, the least recently used goes. Of blocks that went, or that were asked for and did not
    come, the last use is remembered, for as many as ever were here at once (the paper's *retained
    information*). Time is the number of uses. There is no correlated reference period: one
    question asks for a block once.
    """

    def __init__(self) -> None:
        self._ranked = Ranked()
        super().__init__(self._ranked)
        self._uses: dict[str, Uses] = {}
        self._gone: OrderedDict[str, Uses] = OrderedDict()
        self._asked: set[str] = set()
        self._tick = 0
        self._most = _LEAST_REMEMBERED

    def added(self, name: str, size_bytes: int, seconds: float) -> None:  # noqa: ARG002
        """A block comes; it was asked for once, also if it was missed just before."""
        if name in self._uses:
            return
        uses = self._gone.pop(name, (_NEVER, _NEVER))
        self._see(name, uses if name in self._asked else self._later(uses))
        self._asked.discard(name)
        self._most = max(self._most, len(self._uses))

    def used(self, name: str) -> None:
        """The last use is now the last but one."""
        if name in self._uses:
            self._see(name, self._later(self._uses[name]))

    def missed(self, name: str) -> None:
        """Remembered, whether or not it comes."""
        if name not in self._uses:
            self._remember(name, self._later(self._gone.pop(name, (_NEVER, _NEVER))))
            if name in self._gone:
                self._asked.add(name)

    def _leave(self, name: str, *, evicted: bool) -> None:
        uses = self._uses.pop(name, None)
        self._ranked.take(name)
        if uses and evicted:
            self._remember(name, uses)

    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        return self._ranked.first(may_go)

    def _later(self, uses: Uses) -> Uses:
        self._tick += 1
        return uses[1], self._tick

    def _see(self, name: str, uses: Uses) -> None:
        self._uses[name] = uses
        self._ranked.put(name, uses)

    def _remember(self, name: str, uses: Uses) -> None:
        self._gone[name] = uses
        while len(self._gone) > self._most:
            self._asked.discard(self._gone.popitem(last=False)[0])
