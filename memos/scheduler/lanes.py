"""Blocks in many queues, of which only the oldest are compared."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Generic, TypeVar

from memos.scheduler.ranked import Ranked

if TYPE_CHECKING:
    from collections.abc import Callable

Lane = TypeVar("Lane")


class Lanes(Generic[Lane]):
    """Each name is in one lane, behind all that came to it before."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, Ranked] = {}
        self._lane_of: dict[str, Lane] = {}
        self._tick = 0

    def put(self, name: str, lane: Lane) -> None:
        """Let a name be the last of a lane."""
        if self._lane_of.get(name) != lane:
            self.take(name)
            self._lane_of[name] = lane
        self._tick += 1
        self._lanes.setdefault(lane, Ranked()).put(name, (0.0, self._tick))

    def take(self, name: str) -> None:
        """Remove a name, if it is there."""
        lane = self._lane_of.pop(name, None)
        if lane is not None:
            ranked = self._lanes[lane]
            ranked.take(name)
            if not len(ranked):
                del self._lanes[lane]

    def least(self, value: Callable[[str], float], may_go: Callable[[str], bool]) -> str | None:
        """Of the oldest of all lanes, the one of least value that may go; older ones go first."""
        heads = []
        for ranked in self._lanes.values():
            head = ranked.head()
            if head is not None:
                (_, tick), name = head
                heads.append((value(name), tick, name, ranked))
        heapq.heapify(heads)
        while heads:
            _, _, name, ranked = heads[0]
            if may_go(name):
                return name
            ranked.set_aside(name)
            head = ranked.head()
            if head is None:
                heapq.heappop(heads)
            else:
                (_, tick), name = head
                heapq.heapreplace(heads, (value(name), tick, name, ranked))
        return None

    def freed(self, name: str) -> None:
        """Ask about a name again that was set aside."""
        lane = self._lane_of.get(name)
        if lane is not None:
            self._lanes[lane].freed(name)

    def recall(self) -> None:
        """Ask about all again."""
        for ranked in self._lanes.values():
            ranked.recall()
