"""Three ways of reading a whole file into memory, in large aligned pieces.

buffered   through the page cache: a second reading comes from RAM
direct     past the page cache (O_DIRECT), but for files that it has: no copy, and nothing else
           is pushed out of it
mapped     the page cache itself, no copy; but whoever cuts the file short, or a disk that cannot
           read it, ends the process with SIGBUS instead of an error, and what was verified may
           change afterwards: so it is never chosen by itself

All pieces begin at multiples of 4096 bytes, in the file and in memory.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

from memos.errors import BadSetting
from memos.ports.block_wire import PAGE
from memos.stores.block_memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Way = Literal["buffered", "direct", "mapped"]
WAYS: tuple[Way, ...] = get_args(Way)

PIECE = 8 << 20
"""Bytes that are asked for at a time."""

_REFUSED = {errno.EINVAL, errno.ENOTSUP}
_SAMPLES = 3
_SMALL = 256 << 10
"""From here on the kernel is asked to begin reading all of a file at once."""


class Reader:
    """Reads files one way; where a file system refuses that way, through the page cache."""

    def __init__(self, way: Way, *, kept_bytes: int = 64 << 20) -> None:
        """Calls may come from several threads.

        Args:
            way: how to read.
            kept_bytes: how much memory is kept for the next readings, at most.

        Raises:
            BadSetting: there is no such way.
        """
        if way not in WAYS:
            raise BadSetting(f"no way of reading: {way!r}", hint=f"one of {', '.join(WAYS)}")
        self._way = way
        self._memory = Memory(kept_bytes)

    @property
    def way(self) -> Way:
        """The way that is taken; ``buffered`` once ``direct`` was refused."""
        return self._way

    def read(self, path: Path) -> memoryview:
        """The content of a file, in memory that begins at a page and is the caller's alone.

        Raises:
            OSError: the file is absent, or cannot be read.
        """
        if self._way == "direct":
            try:
                return self._direct(path)
            except OSError as error:
                if error.errno not in _REFUSED:
                    raise
                self._way = "buffered"
        return _mapped(path) if self._way == "mapped" else self._buffered(path)

    def close(self) -> None:
        """Give memory that is kept back to the system."""
        self._memory.clear()

    def _buffered(self, path: Path) -> memoryview:
        with opened(path) as descriptor:
            size = os.fstat(descriptor).st_size
            if size > _SMALL:
                os.posix_fadvise(descriptor, 0, size, os.POSIX_FADV_WILLNEED)
            memory = self._memory.take(size)
            return memory[: fill(descriptor, memory)]

    def _direct(self, path: Path) -> memoryview:
        with opened(path) as descriptor:
            size = os.fstat(descriptor).st_size
            memory = self._memory.take(-(-size // PAGE) * PAGE)  # O_DIRECT reads whole pages
            if not _is_cached(descriptor, size):
                fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_DIRECT)
            return memory[: min(size, fill(descriptor, memory))]


def fill(descriptor: int, memory: memoryview, start: int = 0) -> int:
    """Read from ``start`` until ``memory`` is full or the file is over; how much was read."""
    done = 0
    while done < len(memory):
        count = os.preadv(descriptor, [memory[done : done + PIECE]], start + done)
        if count == 0:
            break
        done += count
    return done


@contextmanager
def opened(path: Path, flags: int = 0) -> Iterator[int]:
    """The descriptor of a file that is read; links are not followed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_cached(descriptor: int, size: int) -> bool:
    """Whether the page cache has a file, as far as some of its pages tell; all would take long.

    Asking for the bytes would fetch what it has not, even with RWF_NOWAIT, which may begin to read
    ahead, and a direct reading would have to wait for that.
    """
    import numpy as np

    if size == 0:
        return True
    pages = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    begin = np.frombuffer(pages, np.uint8).ctypes.data
    there = ctypes.c_ubyte()
    for sample in range(_SAMPLES):
        page = (size - 1) * sample // (_SAMPLES - 1) // mmap.PAGESIZE * mmap.PAGESIZE
        failed = _mincore()(begin + page, 1, ctypes.byref(there))
        if failed or not there.value & 1:
            return False
    return True


@cache
def _mincore() -> Callable[..., int]:
    """The call of the C library that tells which pages of a mapping are in RAM."""
    call: Callable[..., int] = ctypes.CDLL(None).mincore
    call.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]  # type: ignore[attr-defined]
    return call


def _mapped(path: Path) -> memoryview:
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size == 0:
            return memoryview(bytearray())
        flags = mmap.MAP_PRIVATE | mmap.MAP_POPULATE  # private: the file cannot be written through
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        return memoryview(mmap.mmap(descriptor, size, flags=flags, prot=protection))


def way_of(text: object) -> Way | None:
    """The way of that name; None where there is none."""
    return next((way for way in WAYS if way == text), None)
