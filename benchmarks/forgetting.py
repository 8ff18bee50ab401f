"""What it costs to forget from disk: to drop, to purge, and to search all bytes.

    python -m benchmarks.forgetting [--cubes 1000 10000] [--share 0.01]

Made-up remarks, each with a number that no other has, indexed with the hash embedder in 384
dimensions. One in a hundred is forgotten, by calling the stores as a kernel does. The rival of a
purge of Chroma is an index made anew from what remains. Before and after, all files are searched
for the texts and vectors of what was forgotten; what others still say is spared.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.machine import machine
from benchmarks.throughput import texts
from memos.models.embedder_hash import HashEmbedder
from memos.plugins import find
from memos.ports.catalog import Change
from memos.ports.vectors import VectorEntry
from memos.ports.words import WordEntry
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.stores.traces_files import FileTraces
from memos.stores.words_postings import PostingWords
from memos.testing.catalog import audit, plaintext, put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube
    from memos.ports.traces import Search

EMBEDDER = HashEmbedder(384)
BATCH = 500
COLUMNS = (
    "vectors",
    "cubes",
    "MiB",
    "drop",
    "purge: words",
    "catalog",
    "vectors",
    "index anew",
    "purge again",
    "search",
    "traces before",
    "after",
)


@dataclass
class Clocked:
    """CPU and wall seconds of one step."""

    told: str = ""
    _start: tuple[float, float] = field(default=(0, 0))

    def __enter__(self) -> Self:
        self._start = (time.process_time(), time.perf_counter())
        return self

    def __exit__(self, *_: object) -> None:
        cpu, wall = self._start
        self.told = f"{time.process_time() - cpu:.2f} / {time.perf_counter() - wall:.2f}"


class Stores:
    """Catalog, words and vectors in one folder."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.folder = folder
        engine = open_engine(folder / "catalog.db")
        upgrade(engine)
        self.catalog = SqlCatalog(engine)
        self.words = PostingWords(engine)
        self.vectors = index(folder / "vectors" / backend, backend)

    def put(self, cubes: Sequence[MemCube]) -> None:
        """Store cubes in all three."""
        self.catalog.commit(put(*cubes))
        vectors = EMBEDDER.embed([cube.text for cube in cubes])
        pairs = zip(cubes, vectors, strict=True)
        self.vectors.put([VectorEntry(cube.id, vector, cube.scope) for cube, vector in pairs])
        self.words.put([WordEntry(cube.id, cube.text, cube.scope) for cube in cubes])
        self.catalog.settle(self.catalog.pending(BATCH))

    def forget(self, cubes: Sequence[MemCube]) -> None:
        """Remove cubes from all three."""
        ids = tuple(cube.id for cube in cubes)
        self.catalog.commit(Change(audit=audit(), forget=ids))
        self.words.drop(ids)
        self.vectors.drop(ids)
        self.catalog.settle(self.catalog.pending(len(ids)))

    def search(self, gone: Sequence[MemCube], kept: Sequence[MemCube]) -> Search:
        """What is left of cubes that others do not say too."""
        said = [cube.text for cube in gone]
        vectors = list(EMBEDDER.embed(said))
        living = (cube.text for cube in kept)
        return FileTraces(self.folder).find(said, vectors=vectors, living=living)

    def close(self) -> None:
        """Let go of the files."""
        self.vectors.close()
        self.catalog.close()


def index(path: Path, backend: str) -> Any:
    """An index of vectors."""
    return find("vectors", backend)(path, collection=EMBEDDER.name, dimension=EMBEDDER.dimension)


def row(folder: Path, backend: str, count: int, share: float) -> list[str]:
    """Measure one backend with so many cubes."""
    cubes = [plaintext(f"{n:07} {said}") for n, said in enumerate(texts(count))]
    stores = Stores(folder, backend)
    for start in range(0, count, BATCH):
        stores.put(cubes[start : start + BATCH])
    every = round(1 / share)
    gone, kept = cubes[::every], [cube for n, cube in enumerate(cubes) if n % every]
    drop, words, catalog, vectors, again, search = (Clocked() for _ in range(6))
    with drop:
        stores.forget(gone)
    before = stores.search(gone, kept)
    with words:
        stores.words.purge()
    with catalog:
        stores.catalog.purge()
    with vectors:
        stores.vectors.purge()
    with again:
        stores.words.purge()
        stores.catalog.purge()
        stores.vectors.purge()
    with search:
        after = stores.search(gone, kept)
    anew = rebuilt(folder, backend, kept)
    stores.close()
    steps = [each.told for each in (drop, words, catalog, vectors, anew, again, search)]
    size = f"{after.size_bytes / 2**20:.0f}"
    found = [str(len(each.traces)) for each in (before, after)]
    return [backend, f"{count:,}", size, *steps, *found]


def rebuilt(folder: Path, backend: str, kept: Sequence[MemCube]) -> Clocked:
    """What an index of the same entries costs, without embedding them."""
    vectors = EMBEDDER.embed([cube.text for cube in kept])
    pairs = zip(kept, vectors, strict=True)
    entries = [VectorEntry(cube.id, vector, cube.scope) for cube, vector in pairs]
    clocked = Clocked()
    rival = index(folder / "vectors" / "rival", backend)
    with clocked:
        rival.put(entries)
    rival.close()
    return clocked


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cubes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--share", type=float, default=0.01)
    asked = parser.parse_args()
    print(machine())
    print("seconds are CPU / wall\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for backend in ("exact", "chroma"):
        for count in asked.cubes:
            with tempfile.TemporaryDirectory() as folder:
                measured = row(Path(folder), backend, count, asked.share)
            print(f"| {' | '.join(measured)} |", flush=True)


if __name__ == "__main__":
    main()
