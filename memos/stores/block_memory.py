"""Memory that blocks are read into: begins at a page, and is used again once nobody holds it.

Fresh memory costs as much as reading into it does, for the kernel has to find and clear every page.
So what was handed out comes back when the last view of it is gone, and up to a limit it is kept.
"""

from __future__ import annotations

import mmap
import weakref
from collections import defaultdict, deque
from contextlib import suppress

_STEP = 256 << 10
"""Lengths are rounded up to a multiple of this, so that blocks of about one length share."""

_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
"""Private: shared memory comes in small pages."""


class Memory:
    """Hands out memory; calls may come from several threads."""

    def __init__(self, kept_bytes: int) -> None:
        """Keep so many bytes for the next readings, at most."""
        self._kept_bytes = kept_bytes
        self._free: defaultdict[int, deque[mmap.mmap]] = defaultdict(deque)

    def take(self, size: int) -> memoryview:
        """So many bytes, of any content; they are the caller's until no view of them is left.

        Raises:
            OSError: there is no memory left.
        """
        import numpy as np

        if size == 0:
            return memoryview(bytearray())
        length = -(-size // _STEP) * _STEP
        try:
            pages = self._free[length].pop()
        except IndexError:
            pages = _fresh(length)
        held = np.frombuffer(pages, np.uint8, size)  # every view of it keeps it, and it its pages
        weakref.finalize(held, self._back, pages).atexit = False
        return held.data

    def clear(self) -> None:
        """Give what is kept back to the system."""
        self._free.clear()

    @property
    def kept(self) -> int:
        """Bytes that are kept, and in nobody's hands."""
        return sum(length * len(free) for length, free in list(self._free.items()))

    def _back(self, pages: mmap.mmap) -> None:
        # Without a lock: it may be called in the middle of anything, also of itself.
        if self.kept + len(pages) <= self._kept_bytes:
            self._free[len(pages)].append(pages)


def _fresh(length: int) -> mmap.mmap:
    pages = mmap.mmap(-1, length, flags=_FLAGS)
    with suppress(OSError):  # a kernel without huge pages
        pages.madvise(mmap.MADV_HUGEPAGE)
    return pages
