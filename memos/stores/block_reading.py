"""Three ways of reading a whole file into memory, in large aligned pieces.

buffered   through the page cache: a second reading comes from RAM
direct     what the page cache has not, past it (O_DIRECT): no copy, nothing else is pushed out
mapped     the page cache itself, no copy; but whoever cuts the file short, or a disk that cannot
           read it, ends the process with SIGBUS instead of an error, and what was verified may
           change afterwards: so it is never chosen by itself

All pieces begin at multiples of 4096 bytes, in the file and in memory.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, cast, get_args

from memos.errors import BadSetting
from memos.ports.block_wire import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Way = Literal["buffered", "direct", "mapped"]
WAYS: tuple[Way, ...] = get_args(Way)

PIECE = 8 << 20
"""Bytes that are asked for at a time."""

_REFUSED = {errno.EINVAL, errno.ENOTSUP}
_SMALL = 256 << 10
"""From here on the kernel is asked to begin reading all of a file at once."""


class Reader:
    """Reads files one way; where a file system refuses that way, through the page cache."""

    def __init__(self, way: Way) -> None:
        """Calls may come from several threads.

        Raises:
            BadSetting: there is no such way.
        """
        if way not in WAYS:
            raise BadSetting(f"no way of reading: {way!r}", hint=f"one of {', '.join(WAYS)}")
        self._way = way

    @property
    def way(self) -> Way:
        """The way that is taken; ``buffered`` once ``direct`` was refused."""
        return self._way

    def read(self, path: Path) -> memoryview:
        """The content of a file, in memory that begins at a page and that nobody else writes to.

        Raises:
            OSError: the file is absent, or cannot be read.
        """
        if self._way == "direct":
            try:
                return _direct(path)
            except OSError as error:
                if error.errno not in _REFUSED:
                    raise
                self._way = "buffered"
        return _mapped(path) if self._way == "mapped" else _buffered(path)


def aligned(size: int) -> memoryview:
    """Fresh memory of that many bytes that begins at a page, in huge pages where there are any.

    Raises:
        OSError: there is no memory left.
    """
    if size == 0:
        return memoryview(bytearray())
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    memory = mmap.mmap(-1, size, flags=flags)  # private: shared memory comes in small pages
    with suppress(OSError):  # a kernel without huge pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory)


def fill(descriptor: int, memory: memoryview, start: int = 0, flags: int = 0) -> int:
    """Read from ``start`` until ``memory`` is full or the file is over; how much was read."""
    done = 0
    while done < len(memory):
        count = os.preadv(descriptor, [memory[done : done + PIECE]], start + done, flags)
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


def _buffered(path: Path) -> memoryview:
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > _SMALL:
            os.posix_fadvise(descriptor, 0, size, os.POSIX_FADV_WILLNEED)
        memory = aligned(size)
        return memory[: fill(descriptor, memory)]


def _direct(path: Path) -> memoryview:
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        memory = aligned(-(-size // PAGE) * PAGE)  # O_DIRECT reads whole pages
        done = _cached(descriptor, memory)
        if done < size:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_DIRECT)
            start = done // PAGE * PAGE
            done = start + fill(descriptor, memory[start:], start)
        return memory[: min(size, done)]


def _cached(descriptor: int, memory: memoryview) -> int:
    """Read as much from the beginning as the page cache has; how much that is."""
    done = 0
    with suppress(OSError):  # it has no more, or the file system cannot tell
        while count := fill(descriptor, memory[done : done + PIECE], done, os.RWF_NOWAIT):
            done += count
    return done


def _mapped(path: Path) -> memoryview:
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size == 0:
            return aligned(0)
        flags = mmap.MAP_PRIVATE | mmap.MAP_POPULATE  # private: the file cannot be written through
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        return memoryview(mmap.mmap(descriptor, size, flags=flags, prot=protection))


def way_of(text: object) -> Way | None:
    """The way of that name; None where there is none."""
    return cast("Way", text) if text in WAYS else None
