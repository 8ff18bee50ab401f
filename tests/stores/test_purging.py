"""Texts that were added, revised and forgotten leave no byte in the folder of a store.

The stores stand here as a kernel puts them together: the catalog and the words in one file, the
vectors beside them, blobs in a folder.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pytest

from memos.kinds.plaintext import indexed_text
from memos.models.embedder_hash import HashEmbedder
from memos.plugins import find
from memos.ports.catalog import Change, Selection
from memos.ports.traces import Search, Spelling
from memos.ports.vectors import VectorEntry
from memos.ports.words import WordEntry
from memos.stores.blobs_files import FileBlobs
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.stores.traces_files import FileTraces
from memos.stores.words_postings import PostingWords
from memos.testing.catalog import activation, audit, plaintext, put, revised
from memos.testing.traces import assert_gone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from memos.cube import MemCube
    from memos.ports.vectors import Vectors

COUNT = 120
EMBEDDER = HashEmbedder(64)


@dataclass
class Stores:
    """What lies in one folder."""

    folder: Path
    catalog: SqlCatalog
    words: PostingWords
    vectors: Vectors
    blobs: FileBlobs

    @classmethod
    def open(cls, folder: Path, backend: str) -> Self:
        engine = open_engine(folder / "catalog.db")
        upgrade(engine)
        vectors = find("vectors", backend)(
            folder / "vectors" / backend,
            collection=EMBEDDER.name,
            dimension=EMBEDDER.dimension,
        )
        blobs = FileBlobs(folder / "blobs")
        return cls(folder, SqlCatalog(engine), PostingWords(engine), vectors, blobs)

    def put(self, cubes: Sequence[MemCube]) -> None:
        self.catalog.commit(put(*cubes))
        texts = {cube.id: indexed_text(cube) for cube in cubes}
        entries = [VectorEntry(c.id, EMBEDDER.embed_query(texts[c.id]), c.scope) for c in cubes]
        self.vectors.put(entries)
        self.words.put([WordEntry(cube.id, texts[cube.id], cube.scope) for cube in cubes])
        self.catalog.settle(self.catalog.pending(10_000))

    def forget(self, cubes: Sequence[MemCube]) -> None:
        ids = [cube.id for cube in cubes]
        self.catalog.commit(Change(audit=audit(), forget=tuple(ids)))
        self.words.drop(ids)
        self.vectors.drop(ids)
        for cube in cubes:
            for digest in cube.blobs:
                self.blobs.drop(digest)
        self.catalog.settle(self.catalog.pending(10_000))

    def purge(self) -> None:
        self.words.purge()
        self.catalog.purge()
        self.vectors.purge()

    def close(self) -> None:
        self.vectors.close()
        self.catalog.close()


@pytest.fixture(params=["exact", "chroma"])
def stores(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stores]:
    stores = Stores.open(tmp_path, request.param)
    yield stores
    stores.close()


def remarks(seed: int) -> list[MemCube]:
    """Cubes of short and long made-up texts, no two alike; some are longer than a page."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    cubes = []
    for number in range(COUNT):
        count = chance.choice([4, 8, 30, 200, 1000]) if number % 10 == 0 else 8
        said = " ".join(chance.randbytes(4).hex() for _ in range(count))
        cubes.append(plaintext(f"{number} {said}", labels=(f"about {said[:17]}",)))
    return cubes


def vectors_of(cubes: Sequence[MemCube]) -> list[NDArray[np.float32]]:
    return [EMBEDDER.embed_query(indexed_text(cube)) for cube in cubes]


def told(search: Search) -> tuple[set[int], set[int]]:
    """Which texts were found, and which vectors."""
    vectors = {trace.sought for trace in search.traces if trace.spelling is Spelling.FLOAT32}
    texts = {trace.sought for trace in search.traces if trace.spelling is not Spelling.FLOAT32}
    return texts, vectors


def test_what_was_forgotten_is_gone_from_disk_while_open_and_after(stores: Stores) -> None:
    kept, gone = remarks(1), remarks(2)
    stores.put([*kept, *gone])
    state = activation(gone, b"attention paid to what will be forgotten" * 500)
    stores.blobs.put(b"attention paid to what will be forgotten" * 500)
    stores.catalog.commit(put(state))
    said = [revised(cube, f"rather {indexed_text(cube)[::-1]}") for cube in gone[: COUNT // 2]]
    stores.put(said)

    texts = [indexed_text(cube) for cube in (*gone, *said)]
    texts += ["attention paid to what will be forgotten"]
    texts += [cube.header.labels[0] for cube in gone]
    vectors = vectors_of([*gone, *said])
    living = [indexed_text(cube) for cube in kept]
    found = FileTraces(stores.folder).find(texts, vectors=vectors, living=living)
    assert told(found) == (set(range(len(texts))), set(range(len(vectors))))

    stores.forget([*gone, state])
    stores.purge()
    assert_gone(stores.folder, texts, vectors)
    assert stores.catalog.select(Selection()) == kept
    assert stores.words.ids() == stores.vectors.ids() == {cube.id for cube in kept}
    left = FileTraces(stores.folder).find(living, vectors=vectors_of(kept))
    assert told(left) == (set(range(COUNT)), set(range(COUNT)))

    stores.close()
    assert_gone(stores.folder, texts, vectors)


def test_forgetting_again_and_again_leaves_nothing_of_any_round(stores: Stores) -> None:
    texts, vectors = [], []
    for seed in range(4):
        cubes = remarks(seed)[:60]
        stores.put(cubes)
        stores.forget(cubes[:50])
        stores.purge()
        texts += [indexed_text(cube) for cube in cubes[:50]]
        vectors += vectors_of(cubes[:50])
        assert_gone(stores.folder, texts, vectors)
    assert len(stores.vectors.ids()) == 40
