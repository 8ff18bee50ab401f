"""The keys of adapters, read from their blobs and kept: a question is compared with them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from memos.kinds.route_keys import keys_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from memos.kinds.routing import Keys
    from memos.ports.blobs import Blobs

_MOST_BYTES = 128 * 2**20


class KeysAtHand:
    """Keys by their blob's digest; those that were not asked for longest go first.

    Args:
        blobs: where they are read.
        most_bytes: how much of them is kept.
    """

    def __init__(self, blobs: Blobs, *, most_bytes: int = _MOST_BYTES) -> None:
        self._blobs = blobs
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, Keys] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, digest: str, threshold: float) -> Keys:
        """The keys in a blob.

        Raises:
            CorruptionError: it has none, or is not what it was.
        """
        with self._lock:
            held = self._held.get(digest)
            if held is not None:
                self._held.move_to_end(digest)
                return held
        read = keys_in(self._blobs.get(digest), threshold)
        with self._lock:
            self._held[digest] = read
            while len(self._held) > 1 and self._size() > self._most_bytes:
                self._held.popitem(last=False)
        return read

    def holds(self, digest: str) -> bool:
        """Whether the keys of a blob are here."""
        with self._lock:
            return digest in self._held

    def release(self, digests: Collection[str]) -> None:
        """Let go of the keys of these blobs: they are not used any more."""
        with self._lock:
            for digest in digests:
                self._held.pop(digest, None)

    def _size(self) -> int:
        return sum(keys.rows.nbytes + keys.centre.nbytes for keys in self._held.values())
