"""Names in the order of their coming, and how many bytes they stand for."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from memos.scheduler.ranked import Ranked

if TYPE_CHECKING:
    from collections.abc import Callable


class Queue:
    """First in, first out: for names that were here once."""

    def __init__(self) -> None:
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self.size_bytes = 0
        """What all of them take."""

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def __len__(self) -> int:
        return len(self._sizes)

    def put(self, name: str, size_bytes: int) -> None:
        """Append a name; one that is there keeps its place, and has the new size."""
        self.size_bytes += size_bytes - self._sizes.get(name, 0)
        self._sizes[name] = size_bytes

    def take(self, name: str) -> int | None:
        """Remove a name; its size, None where it is not there."""
        size = self._sizes.pop(name, None)
        self.size_bytes -= size or 0
        return size

    def oldest(self) -> tuple[str, int]:
        """The first and its size; there must be one."""
        return next(iter(self._sizes.items()))

    def trim(self, most_bytes: float) -> None:
        """Remove the first until the others take at most so much."""
        while self._sizes and self.size_bytes > most_bytes:
            self.take(self.oldest()[0])


class Line(Queue):
    """A queue of blocks that are here, of which some may not go."""

    def __init__(self) -> None:
        super().__init__()
        self._ranked = Ranked()
        self._tick = 0

    def put(self, name: str, size_bytes: int) -> None:
        """Append a name; one that is there keeps its place, and has the new size."""
        fresh = name not in self
        super().put(name, size_bytes)
        if fresh:
            self.touch(name)

    def touch(self, name: str) -> None:
        """Let a name be the last, as if it had just come."""
        self._tick += 1
        self._sizes.move_to_end(name)
        self._ranked.put(name, (0.0, self._tick))

    def take(self, name: str) -> int | None:
        """Remove a name; its size, None where it is not there."""
        self._ranked.take(name)
        return super().take(name)

    def first(self, may_go: Callable[[str], bool]) -> str | None:
        """The first that may go; those before it keep their places, and are set aside."""
        return self._ranked.first(may_go)

    def freed(self, name: str) -> None:
        """Ask about a name again that was set aside."""
        self._ranked.freed(name)

    def recall(self) -> None:
        """Ask about all again."""
        self._ranked.recall()
