"""The block that was not used for longest goes: LRU, the measure of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.scheduler.book import Book
from memos.scheduler.queue import Line

if TYPE_CHECKING:
    from collections.abc import Callable


class Lru(Book):
    """Least recently used.

    Sleator and Tarjan, "Amortized efficiency of list update and paging rules" (1985): no policy
    that does not know the future has a better bound.
    """

    def __init__(self) -> None:
        self._line = Line()
        super().__init__(self._line)

    def added(self, name: str, size_bytes: int, seconds: float) -> None:  # noqa: ARG002
        """A block that comes is the last to go."""
        self._line.put(name, size_bytes)

    def used(self, name: str) -> None:
        """So is one that is used."""
        if name in self._line:
            self._line.touch(name)

    def _leave(self, name: str, *, evicted: bool) -> None:  # noqa: ARG002
        self._line.take(name)

    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        return self._line.first(may_go)
