"""Which way of reading is fastest on the disk under a folder: tried for a moment, then remembered.

A file of at most 32 MiB is written beside the blocks, pushed out of the page cache, and read both
ways in turn, no byte twice: the second time it may come from a cache of the disk's own. What was
found is kept in ``.reading.json``, with what machine and disk it is true of; a folder that has come
to another is tried again. All of it takes at most about 0.3 s, on a slow disk with less of the
file.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from memos.cube.identity import canonical, digest_of
from memos.stores.block_memory import Memory
from memos.stores.block_reading import fill, opened, way_of

if TYPE_CHECKING:
    from memos.stores.block_reading import Way

REMEMBERED = ".reading.json"
MOST_BYTES = 32 << 20
_PIECE = 1 << 20
_STRETCH = 4 << 20
_WRITING_S = 0.1
_READING_S = 0.15
_WORTH = 1.15
"""How much faster ``direct`` must be: a second reading through the page cache comes from RAM."""

_MACHINE = Path("/etc/machine-id")


def fastest_way(folder: Path) -> Way:
    """``buffered`` or ``direct``, whichever reads from this folder's disk faster.

    Where the folder cannot be written to, or the disk has no room, it is ``buffered``.
    """
    try:
        disk = _disk(folder)
        known = _remembered(folder, disk)
        if known is not None:
            return known
        rates = measured(folder)
        way: Way = "direct" if rates["direct"] > _WORTH * rates["buffered"] else "buffered"
        _remember(folder, {"disk": disk, "way": way, "mib_per_s": rates})
    except OSError:
        return "buffered"
    return way


def measured(folder: Path) -> dict[str, int]:
    """MiB a second, by way; 0 for one that the file system refuses.

    Raises:
        OSError: the folder cannot be written to, or there is no room.
    """
    path = folder / f".{secrets.token_hex(16)}.part"
    try:
        size = _written(path)
        return _rates(path, size)
    finally:
        path.unlink(missing_ok=True)


def _written(path: Path) -> int:
    """Write until the time is over; how many bytes there are, all of them on disk."""
    piece = os.urandom(_PIECE)
    until = time.perf_counter() + _WRITING_S
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_DSYNC
    descriptor = os.open(path, flags, 0o600)
    size = 0
    try:
        while size < MOST_BYTES and (size < 2 * _PIECE or time.perf_counter() < until):
            size += os.write(descriptor, piece)
    finally:
        os.close(descriptor)
    return size


def _rates(path: Path, size: int) -> dict[str, int]:
    """Read stretch by stretch, each way in turn, so that other work meets both alike."""
    buffered, direct = ("buffered", 0), ("direct", os.O_DIRECT)
    clocks = {way: [0, 0.0] for way, _ in (buffered, direct)}
    until = time.perf_counter() + _READING_S
    stretch = min(_STRETCH, size // 2)
    memory = Memory(0).take(stretch)
    memory[:] = bytes(stretch)  # so that no way pays for the pages
    turns = itertools.cycle((buffered, direct, direct, buffered))
    for start, (way, flags) in zip(range(0, size - stretch + 1, stretch), turns, strict=False):
        if start < 2 * stretch or time.perf_counter() < until:
            count, spent = _clocked(path, flags, memory, start)
            clocks[way][0] += count
            clocks[way][1] += spent
    return {way: round(count / 2**20 / spent) if spent else 0
            for way, (count, spent) in clocks.items()}  # fmt: skip


def _clocked(path: Path, flags: int, memory: memoryview, start: int) -> tuple[int, float]:
    """How much was read, and in how many seconds; nothing where the file system refuses."""
    try:
        with opened(path, flags) as descriptor:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            begun = time.perf_counter()
            if not flags:
                os.posix_fadvise(descriptor, start, len(memory), os.POSIX_FADV_WILLNEED)
            return fill(descriptor, memory, start), time.perf_counter() - begun
    except OSError:
        return 0, 0.0


def _disk(folder: Path) -> str:
    """What stands for this machine and the disk under ``folder``; it tells of neither."""
    try:
        machine = _MACHINE.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    told = [machine or platform.node(), folder.stat().st_dev, os.statvfs(folder).f_fsid]
    return digest_of(canonical(told))


def _remembered(folder: Path, disk: str) -> Way | None:
    try:
        told = json.loads((folder / REMEMBERED).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict) or told.get("disk") != disk:
        return None
    return way_of(told.get("way"))


def _remember(folder: Path, told: dict[str, object]) -> None:
    unfinished = folder / f".{secrets.token_hex(16)}.part"
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(told, file)
        unfinished.replace(folder / REMEMBERED)
    finally:
        unfinished.unlink(missing_ok=True)
