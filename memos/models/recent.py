"""What was loaded last stays loaded, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.ports.runtime import Stored

Held = TypeVar("Held")


class Recent(Generic[Held]):
    """Loaded blobs by digest: the ones used last, at most ``count`` and ``limit_bytes`` of them."""

    def __init__(
        self,
        load: Callable[[bytes], Held],
        *,
        count: int,
        size: Callable[[Held], int],
        limit_bytes: int,
    ) -> None:
        self._load, self._size = load, size
        self._count, self._limit_bytes = count, limit_bytes
        self._things: OrderedDict[str, Held] = OrderedDict()

    def get(self, stored: Stored) -> Held:
        """The loaded blob; it is read only if it is not held."""
        thing = self._things.pop(stored.digest, None)
        if thing is None:
            thing = self._load(stored.read())
        self._things[stored.digest] = thing
        while len(self._things) > self._count or self._held_bytes() > self._limit_bytes:
            self._things.popitem(last=False)
            if not self._things:
                break
        return thing

    def _held_bytes(self) -> int:
        return sum(map(self._size, self._things.values()))
