"""A small queue lets through what is asked for again; the rest is soon gone: S3-FIFO."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.scheduler.book import Book
from memos.scheduler.queue import Line, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALL_SHARE = 0.1
_MOST_HITS = 3


class S3Fifo(Book):
    """Three FIFO queues in the place of an order that every use changes.

    Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction" (SOSP
    2023), algorithm 1; in bytes.

        new -> small (10 %) --hit twice--> main (90 %) --not hit--> gone
                 |  not hit                  ^  ^________| hit: once more round
                 v                           |
               ghosts -----asked for again---+

    What may not go is passed over: it neither moves nor loses a hit.

    Args:
        budget_bytes: the most that the place holds.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._small, self._main, self._ghosts = Line(), Line(), Queue()
        super().__init__(self._small, self._main)
        self._hits: dict[str, int] = {}

    def added(self, name: str, size_bytes: int, seconds: float) -> None:  # noqa: ARG002
        """A block goes to the small queue, or to main if it went from the small one lately."""
        known = self._ghosts.take(name) is not None or name in self._main
        (self._main if known else self._small).put(name, size_bytes)
        self._hits.setdefault(name, 0)

    def used(self, name: str) -> None:
        """One hit more, of three that are counted."""
        if name in self._hits:
            self._hits[name] = min(self._hits[name] + 1, _MOST_HITS)

    def _leave(self, name: str, *, evicted: bool) -> None:
        """What is thrown out of the small queue is a ghost; anything else is forgotten."""
        self._main.take(name)
        size = self._small.take(name)
        self._hits.pop(name, None)
        if size is not None and evicted:
            self._ghosts.put(name, size)
            self._ghosts.trim((1 - _SMALL_SHARE) * self._budget)

    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        """The first of the small queue if that has its share, or else of main."""
        if self._small.size_bytes >= _SMALL_SHARE * self._budget:
            return self._from_small(may_go) or self._from_main(may_go)
        return self._from_main(may_go) or self._from_small(may_go)

    def _from_small(self, may_go: Callable[[str], bool]) -> str | None:
        """The first that was hit once at most; those before it move to main."""
        while True:
            name = self._small.first(may_go)
            if name is None or self._hits[name] <= 1:
                return name
            self._main.put(name, self._small.take(name) or 0)
            self._hits[name] = 0

    def _from_main(self, may_go: Callable[[str], bool]) -> str | None:
        """The first that has no hit left; those before it go round again, for one hit each."""
        while True:
            name = self._main.first(may_go)
            if name is None or self._hits[name] == 0:
                return name
            self._main.touch(name)
            self._hits[name] -= 1
