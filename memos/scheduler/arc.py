"""Recency and frequency share the place, and what was thrown out tells how: ARC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.scheduler.book import Book
from memos.scheduler.queue import Line, Queue

if TYPE_CHECKING:
    from collections.abc import Callable


class Arc(Book):
    """Adaptive replacement cache.

    Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache" (FAST 2003), figure 4;
    all that the paper counts in pages is counted in bytes here.

        gone, of seen once | seen once      seen again | gone, of seen again
        ------- B1 --------|----- T1 ------ ---- T2 ---|------- B2 ---------
                               at most p of it; the rest

    ``p`` grows when a block is asked for that went from T1, and shrinks for one that went from T2.

    Args:
        budget_bytes: the most that the place holds; *c* in the paper.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._once, self._again = Line(), Line()  # T1, T2
        super().__init__(self._once, self._again)
        self._gone_once, self._gone_again = Queue(), Queue()  # B1, B2
        self._share = 0.0  # p
        self._for_again = False

    def added(self, name: str, size_bytes: int, seconds: float) -> None:  # noqa: ARG002
        """A block that was here lately has been seen again; any other is seen once."""
        back = [gone.take(name) for gone in (self._gone_once, self._gone_again)]
        known = name in self._again or any(size is not None for size in back)
        (self._again if known else self._once).put(name, size_bytes)
        self._for_again = False
        self._trim()

    def used(self, name: str) -> None:
        """Seen again."""
        size = self._once.take(name)
        if size is not None:
            self._again.put(name, size)
        elif name in self._again:
            self._again.touch(name)

    def missed(self, name: str) -> None:
        """One that is remembered was thrown out too soon: its side gets more room."""
        once, again = self._gone_once, self._gone_again
        self._for_again = name in again
        if name in once:
            step = max(1.0, again.size_bytes / max(once.size_bytes, 1))
            self._share = min(self._budget, self._share + step * self._kept(once, name))
        elif name in again:
            step = max(1.0, once.size_bytes / max(again.size_bytes, 1))
            self._share = max(0.0, self._share - step * self._kept(again, name))

    def _leave(self, name: str, *, evicted: bool) -> None:
        for here, gone in ((self._once, self._gone_once), (self._again, self._gone_again)):
            size = here.take(name)
            if size is not None and evicted:
                gone.put(name, size)
        self._trim()

    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        """The oldest of the side that has more than its share; REPLACE in the paper."""
        over = self._once.size_bytes - self._share
        sides = [self._again, self._once]
        if over > 0 or (over == 0 and self._for_again):
            sides.reverse()
        for side in sides:
            name = side.first(may_go)
            if name is not None:
                return name
        return None

    @staticmethod
    def _kept(gone: Queue, name: str) -> int:
        """The size of a name that is about to come back, and must not be trimmed before."""
        size = gone.take(name) or 0
        gone.put(name, size)
        return size

    def _trim(self) -> None:
        """Seen once takes one budget at most, everything two."""
        self._gone_once.trim(max(0, self._budget - self._once.size_bytes))
        here = self._once.size_bytes + self._again.size_bytes
        self._gone_again.trim(max(0, 2 * self._budget - here - self._gone_once.size_bytes))
