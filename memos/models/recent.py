"""What was loaded last stays loaded, within bounds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.ports.runtime import Stored

Held = TypeVar("Held")


class Recent(Generic[Held]):
    """Loaded blobs by digest: the ones used last, at most ``count`` and ``limit_bytes`` of them.

    It has a lock of its own: what is forgotten need not wait for a training to end.
    """

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
        self._lock = threading.Lock()

    def get(self, stored: Stored) -> Held:
        """The loaded blob; it is read only if it is not held."""
        with self._lock:
            thing = self._things.pop(stored.digest, None)
            if thing is None:
                thing = self._load(stored.read())
            self._things[stored.digest] = thing
            while len(self._things) > self._count or self._held_bytes() > self._limit_bytes:
                self._things.popitem(last=False)
                if not self._things:
                    break
            return thing

    def __contains__(self, digest: str) -> bool:
        return digest in self._things

    def drop(self, digest: str) -> None:
        """Let go of a blob; one that is not held is no error."""
        with self._lock:
            self._things.pop(digest, None)

    def _held_bytes(self) -> int:
        return sum(map(self._size, self._things.values()))
