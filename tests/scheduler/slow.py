"""Three policies as their papers say it in a line: everything is looked through each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Block:
    worth: float
    hits: int = 1
    age: float = 0.0
    last: int = 0

    @property
    def key(self) -> float:
        return self.age + self.hits * self.worth


class Slow:
    """An eviction policy that keeps no order."""

    def __init__(self, worth: Callable[[int, float], float], *, recency_only: bool = False) -> None:
        self.worth, self.recency_only = worth, recency_only
        self.blocks: dict[str, Block] = {}
        self.now = 0
        self.age = 0.0

    def added(self, name: str, size: int, seconds: float) -> None:
        self.blocks[name] = Block(self.worth(size, seconds))
        self._stamp(name)

    def used(self, name: str) -> None:
        self.blocks[name].hits += 1
        self._stamp(name)

    def evicted(self, name: str) -> None:
        self.age = max(self.age, self.blocks.pop(name).key)

    def victim(self, may_go: Callable[[str], bool]) -> str | None:
        free = [name for name in self.blocks if may_go(name)]
        return min(free, key=self._order, default=None)

    def _order(self, name: str) -> tuple[float, int]:
        block = self.blocks[name]
        return 0.0 if self.recency_only else block.key, block.last

    def _stamp(self, name: str) -> None:
        self.now += 1
        self.blocks[name].age, self.blocks[name].last = self.age, self.now
