"""How fast blocks come from a disk, beside a plain large read of the same bytes.

    python -m benchmarks.kv_disk [--folder .] [--mib 1 4 16 32] [--total-mib 256] [--rounds 5]

For each size of block, so many blocks as are ``--total-mib`` together are put into a folder. Then
each row reads all of them once a round, each round in another order; medians. *Plain* is one
``readinto`` a file, into one buffer that is used again and again, file after file, without any
check. The ways are those of memos.stores.block_reading, file after file, without checks. *get* and
*get_many* are the place's own, with the way that it chose, every byte verified.

Cold: the page cache holds none of the files (POSIX_FADV_DONTNEED before each reading; a disk, or
the host of a virtual one, may still have them). Warm: it holds all of them.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import statistics
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from memos.ports.block_wire import PAGE, packed
from memos.ports.blocks import Layout, block_name
from memos.stores.block_memory import Memory
from memos.stores.block_probe import measured
from memos.stores.block_reading import WAYS, Reader
from memos.stores.blocks_files import THREADS, BlockFiles

if TYPE_CHECKING:
    from collections.abc import Callable

LAYOUT = Layout(layers=30, heads=3, key_width=64, value_width=64, dtype="float32", block_tokens=64)
GOAL = 0.85


class Shelf:
    """Blocks of one size in a folder, and every way of reading all of them."""

    def __init__(self, folder: Path, mib: int, total_mib: int) -> None:
        self.blocks = BlockFiles(folder / "plain")
        self.sealed = BlockFiles(folder / "sealed", cipher_key=secrets.token_bytes(32))
        self.names = [block_name("0" * 64, [mib, number]) for number in range(total_mib // mib)]
        body = random.Random(mib).randbytes((mib << 20) - PAGE)  # noqa: S311 - no secret
        for name in self.names:
            content = packed(name, body, codec="raw", tokens=1, layout=LAYOUT)
            self.blocks.put(name, content)
            self.sealed.put(name, content)
        self.bytes = len(self.names) * (mib << 20)
        self._buffer = Memory(0).take(mib << 20)
        self._paths = [self.blocks.path(name) for name in self.names]
        self._sealed_paths = [self.sealed.path(name) for name in self.names]

    def rows(self) -> dict[str, Callable[[], None]]:
        """What is clocked."""
        ways: dict[str, Callable[[], None]] = {way: self._by(Reader(way)) for way in WAYS}
        return {
            "plain": self.plain,
            **ways,
            "get": self._one_by_one,
            "get_many": lambda: self._many(self.blocks),
            "get_many, encrypted": lambda: self._many(self.sealed),
        }

    def plain(self) -> None:
        """One large read a file."""
        for path in self._paths:
            with path.open("rb", buffering=0) as file:
                assert file.readinto(self._buffer) == len(self._buffer)

    def cool(self) -> None:
        """Push all files out of the page cache."""
        for path in (*self._paths, *self._sealed_paths):
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)

    def heat(self) -> None:
        """Have all files in the page cache."""
        self.plain()
        for path in self._sealed_paths:
            path.read_bytes()

    def _by(self, reader: Reader) -> Callable[[], None]:
        def read() -> None:
            for path in self._paths:
                assert len(reader.read(path)) == len(self._buffer)

        return read

    def _one_by_one(self) -> None:
        for name in self.names:
            assert len(self.blocks.get(name)) == len(self._buffer)

    def _many(self, blocks: BlockFiles) -> None:
        for _, content in blocks.get_many(self.names):
            assert content is not None


def rates(shelf: Shelf, prepare: Callable[[], None], rounds: int) -> dict[str, list[float]]:
    """MB a second, by row; each round in another order."""
    found: dict[str, list[float]] = {name: [] for name in shelf.rows()}
    listed = list(shelf.rows().items())
    for number in range(rounds):
        first = number % len(listed)
        for name, read in listed[first:] + listed[:first]:
            prepare()
            begun = time.perf_counter()
            read()
            found[name].append(shelf.bytes / 1e6 / (time.perf_counter() - begun))
    return found


def sums() -> str:
    """How fast the sum over a body is, by one thread and by as many as read."""
    bodies = [secrets.token_bytes(16 << 20) for _ in range(THREADS)]
    lines = ["| sum over 16 MiB | one thread, MB/s | several threads, MB/s |", "|---|---:|---:|"]
    for name, crc32 in _sums().items():
        told = []
        for some in (bodies[:1], bodies):
            spent = []
            for _ in range(5):
                threads = [threading.Thread(target=crc32, args=(body,)) for body in some]
                begun = time.perf_counter()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                spent.append(time.perf_counter() - begun)
            told.append(len(some) * len(bodies[0]) / 1e6 / statistics.median(spent))
        lines.append(f"| {name} | {told[0]:,.0f} | {told[1]:,.0f} |")
    return "\n".join(lines)


def _sums() -> dict[str, Callable[[bytes], int]]:
    """What computes the sum: isal where it is installed, zlib otherwise."""
    try:
        from isal import isal_zlib
    except ImportError:
        return {"zlib": zlib.crc32}
    return {"zlib": zlib.crc32, "isal": isal_zlib.crc32}


def table(folder: Path, sizes: list[int], total_mib: int, rounds: int) -> str:
    """All figures."""
    columns = ["plain", *WAYS, "get", "get_many", "get_many, encrypted"]
    lines = [f"| blocks | cache | {' | '.join(columns)} | way | get_many / plain |",
             f"|---|---|{'---:|' * len(columns)}---|---:|"]  # fmt: skip
    for mib in sizes:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            shelf = Shelf(Path(place), mib, total_mib)
            for cache, prepare in (("cold", shelf.cool), ("warm", shelf.heat)):
                found = rates(shelf, prepare, rounds)
                middle = {name: statistics.median(some) for name, some in found.items()}
                share = middle["get_many"] / middle["plain"]
                told = " | ".join(f"{middle[name]:,.0f}" for name in columns)
                lines.append(f"| {len(shelf.names)} of {mib} MiB | {cache} | {told} | "
                             f"{shelf.blocks.reading} | {share:.0%} |")  # fmt: skip
            shelf.blocks.close()
            shelf.sealed.close()
    return "\n".join(lines)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--mib", type=int, nargs="+", default=[1, 4, 16, 32])
    parser.add_argument("--total-mib", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        begun = time.perf_counter()
        tried = measured(Path(place))
        spent = time.perf_counter() - begun
    told = ", ".join(f"{way} {rate:,} MiB/s" for way, rate in tried.items())
    print(f"tried when the folder is opened first: {told}; {spent:.2f} s\n\nMB/s")
    print(table(asked.folder, asked.mib, asked.total_mib, asked.rounds))
    print(f"get_many / plain: at least {GOAL:.0%} is the aim\n")
    print(sums())


if __name__ == "__main__":
    main()
