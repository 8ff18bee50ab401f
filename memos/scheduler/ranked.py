"""Names by a key that changes often: the least that may go is found in logarithmic time."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Key = tuple[float, int]
"""A value, and a tick by which no two are equal; the less goes first."""

_SLACK = 64


class Ranked:
    """A heap, and beside it the names that were asked about in vain.

    A key that was replaced stays in the heap until it comes to the top, or until half are old.
    """

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._heap: list[tuple[Key, str]] = []
        self._aside: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, name: str, key: Key) -> None:
        """Give a name its key, in the place of the one it had."""
        self._keys[name] = key
        if name not in self._aside:
            self._push(name)

    def take(self, name: str) -> Key | None:
        """Remove a name; its key, None where it is not there."""
        key = self._keys.pop(name, None)
        self._aside.discard(name)
        self._compact()
        return key

    def freed(self, name: str) -> None:
        """Ask about a name again that was set aside."""
        if name in self._aside:
            self._aside.remove(name)
            self._push(name)

    def recall(self) -> None:
        """Ask about all again."""
        for name in sorted(self._aside):
            self.freed(name)

    def first(self, may_go: Callable[[str], bool]) -> str | None:
        """The name of the least key that may go; those before it are set aside."""
        while (head := self.head()) is not None:
            if may_go(head[1]):
                return head[1]
            self.set_aside(head[1])
        return None

    def head(self) -> tuple[Key, str] | None:
        """The least key and its name, of those that are not set aside."""
        while self._heap:
            key, name = self._heap[0]
            if self._keys.get(name) == key and name not in self._aside:
                return key, name
            heapq.heappop(self._heap)
        return None

    def set_aside(self, name: str) -> None:
        """Ask about a name no more, until it is freed or all are recalled."""
        self._aside.add(name)

    def _push(self, name: str) -> None:
        heapq.heappush(self._heap, (self._keys[name], name))
        self._compact()

    def _compact(self) -> None:
        inside = len(self._keys) - len(self._aside)
        if len(self._heap) > 2 * inside + _SLACK:
            told = self._keys.items()
            self._heap = [(key, name) for name, key in told if name not in self._aside]
            heapq.heapify(self._heap)
