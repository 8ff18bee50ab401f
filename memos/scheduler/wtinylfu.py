"""A newcomer stays if it was asked for more often than what it would drive out: W-TinyLFU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.scheduler.book import Book
from memos.scheduler.queue import Line
from memos.scheduler.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW_SHARE = 0.01
_PROTECTED_SHARE = 0.8


class WTinyLfu(Book):
    """A small LRU window before a segmented LRU; counts decide who passes from one to the other.

    Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy" (ACM
    Transactions on Storage, 2017), section 4; in bytes.

        new -> window (1 %) --duel--> probation --used--> protected (80 % of the rest)
                                          ^______too many______|

    When the place is full and the window over its share, the window's oldest and probation's oldest
    meet: the one that the sketch has seen less often goes, the newcomer where they are equal. There
    is no doorkeeper before the sketch: its bytes are few enough.

    Args:
        budget_bytes: the most that the place holds.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._window_bytes = _WINDOW_SHARE * budget_bytes
        self._main_bytes = (1 - _WINDOW_SHARE) * budget_bytes
        self._window, self._probation, self._protected = Line(), Line(), Line()
        super().__init__(*self._all)
        self._sketch = Sketch()
        self._last_bytes = 0

    def added(self, name: str, size_bytes: int, seconds: float) -> None:  # noqa: ARG002
        """A block comes to the window; it was asked for once at least."""
        here = (queue for queue in self._all if name in queue)
        next(here, self._window).put(name, size_bytes)
        self._last_bytes = size_bytes
        self._sketch.widen(sum(map(len, self._all)))
        if not self._sketch.of(name):
            self._sketch.count(name)
        self._fill()

    def used(self, name: str) -> None:
        """Counted; what is used in probation is protected."""
        self._sketch.count(name)
        size = self._probation.take(name)
        if size is not None:
            self._protected.put(name, size)
            self._demote()
            return
        for queue in (self._window, self._protected):
            if name in queue:
                queue.touch(name)

    def missed(self, name: str) -> None:
        """Counted: what is asked for often in vain will pass when it comes."""
        self._sketch.count(name)

    def _leave(self, name: str, *, evicted: bool) -> None:  # noqa: ARG002
        """Where it leaves room in the main part, the window's oldest passes."""
        for queue in self._all:
            queue.take(name)
        self._fill()

    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        """The loser of the duel; where the window has its share only, the oldest behind it."""
        old = self._probation.first(may_go) or self._protected.first(may_go)
        new = None
        if old is None or self._over():
            new = self._window.first(may_go)
        if old is None or new is None:
            return old or new
        return old if self._sketch.of(new) > self._sketch.of(old) else new

    @property
    def _all(self) -> tuple[Line, Line, Line]:
        return self._window, self._probation, self._protected

    def _over(self) -> bool:
        """Whether the next that comes, if it is like the last, is too much for the window."""
        return self._window.size_bytes + self._last_bytes > self._window_bytes

    def _fill(self) -> None:
        """What is too much for the window passes without a duel while there is room behind it."""
        room = self._main_bytes - self._probation.size_bytes - self._protected.size_bytes
        while self._window.size_bytes > self._window_bytes and len(self._window) > 1:
            name, size = self._window.oldest()
            if size > room:
                return
            room -= size
            self._probation.put(name, self._window.take(name) or 0)

    def _demote(self) -> None:
        most = _PROTECTED_SHARE * self._main_bytes
        while self._protected.size_bytes > most and len(self._protected) > 1:
            name, _ = self._protected.oldest()
            self._probation.put(name, self._protected.take(name) or 0)
