"""Chroma keeps the port's promises, with and without windows in RAM beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos.cube import EVERYBODY, Scope
from memos.errors import BackendError
from memos.ports.vectors import VectorEntry
from memos.stores.vectors_chroma import ChromaVectors
from memos.testing.vectors import DIMENSION, VectorsSuite, entry, ids_near, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memos.ports.vectors import Vectors


class ChromaSuite(VectorsSuite):
    window_limit: int

    @pytest.fixture
    def vectors(self, tmp_path: Path, request: pytest.FixtureRequest) -> Vectors:
        self.path = tmp_path / "chroma"
        self.finish = request.addfinalizer
        return self._open()

    def reopened(self, vectors: Vectors) -> Vectors:
        vectors.close()
        return self._open()

    def files(self) -> Path:
        return self.path

    def _open(self) -> Vectors:
        vectors = ChromaVectors(
            self.path,
            collection="a/model@1",
            dimension=DIMENSION,
            window_limit=self.window_limit,
        )
        self.finish(vectors.close)
        return vectors


class TestChromaVectors(ChromaSuite):
    window_limit = 50_000


class TestChromaVectorsWithoutWindows(ChromaSuite):
    window_limit = 0


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., ChromaVectors]]:
    """Opens collections in one folder, and closes them."""
    there: list[ChromaVectors] = []

    def one(collection: str, **options: int) -> ChromaVectors:
        options = {"dimension": DIMENSION, **options}
        there.append(ChromaVectors(tmp_path / "chroma", collection=collection, **options))
        return there[-1]

    yield one
    for vectors in there:
        vectors.close()


@pytest.mark.parametrize(
    "name",
    ["", "x", "..", "-", "a/b\\c:d", "имя", "n" * 600, "all-MiniLM-L6-v2@0123456789ab", "a\nb"],
)
def test_any_name_is_a_collection(opened: Callable[..., ChromaVectors], name: str) -> None:
    vectors = opened(name)
    vectors.put([entry("a", 1)])
    assert vectors.ids() == {"a"}


def test_collections_in_one_folder_do_not_see_each_other(
    opened: Callable[..., ChromaVectors],
) -> None:
    one, like_it, narrow = opened("model 1"), opened("model-1"), opened("model 2", dimension=2)
    one.put([entry("a", 1)])
    like_it.put([entry("b", 1)])
    narrow.put([VectorEntry("c", np.array([0, 1], dtype=np.float32), EVERYBODY)])
    assert (one.ids(), like_it.ids(), narrow.ids()) == ({"a"}, {"b"}, {"c"})
    one.close()
    assert ids_near(like_it) == ["b"]


def test_nothing_is_left_when_it_is_closed_and_it_can_be_opened_again(
    opened: Callable[..., ChromaVectors],
) -> None:
    before = threading.enumerate()
    for number in range(3):
        vectors = opened("model")
        vectors.put([entry(f"{number}", 1)])
        vectors.close()
        vectors.close()
        assert threading.enumerate() == before
    assert opened("model").ids() == {"0", "1", "2"}


def test_a_scope_that_outgrows_the_room_in_ram_is_still_searched_whole(
    opened: Callable[..., ChromaVectors],
) -> None:
    vectors = opened("model", window_limit=10)
    alice, bob = Scope(user_id="alice"), Scope(user_id="bob")
    vectors.put([entry(f"alice {number}", 1, number, scope=alice) for number in range(8)])
    vectors.put([entry(f"bob {number}", 1, number, scope=bob) for number in range(8)])
    assert len(ids_near(vectors, scope=alice)) == 8
    assert len(ids_near(vectors, scope=bob)) == 8
    vectors.put([entry(f"alice {number}", 1, number, scope=alice) for number in range(8, 20)])
    assert len(ids_near(vectors, scope=alice)) == 20
    assert len(ids_near(vectors)) == 28


def test_the_second_answer_is_exact(opened: Callable[..., ChromaVectors]) -> None:
    vectors = opened("model", dimension=64)
    numbers = np.random.default_rng(0).standard_normal((3000, 64)).astype(np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    names = np.array([f"{number:04}" for number in range(len(numbers))])
    vectors.put([VectorEntry(str(n), v, EVERYBODY) for n, v in zip(names, numbers, strict=True)])
    question = numbers[0]
    best = names[np.argsort(-(numbers @ question))[:100]].tolist()
    first, second = (vectors.near(question, k=100, scope=EVERYBODY) for _ in range(2))
    assert len(set(best) & {near.id for near in first}) >= 90
    assert [near.id for near in second] == best


def test_a_damaged_folder_is_an_error_until_it_is_removed(
    tmp_path: Path, opened: Callable[..., ChromaVectors]
) -> None:
    folder = tmp_path / "chroma"
    folder.mkdir()
    (folder / "chroma.sqlite3").write_bytes(b"no database" * 500)
    vectors = opened("model")
    for _ in range(2):
        with pytest.raises(BackendError, match="not a database"):
            vectors.near(unit(1), k=1, scope=EVERYBODY)
    shutil.rmtree(folder)
    vectors.put([entry("a", 1)])
    assert ids_near(vectors) == ["a"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("in the way")
    with pytest.raises(BackendError, match="file"):
        ChromaVectors(place, collection="model", dimension=DIMENSION).ids()


def test_what_was_put_survives_the_death_of_the_process(
    tmp_path: Path, opened: Callable[..., ChromaVectors]
) -> None:
    script = f"""
import os, signal
from pathlib import Path
from memos.stores.vectors_chroma import ChromaVectors
from memos.testing.vectors import DIMENSION, entry
path = Path({str(tmp_path / "chroma")!r})
vectors = ChromaVectors(path, collection="model", dimension=DIMENSION)
vectors.put([entry("a", 1), entry("b", 1, 1)])
vectors.drop(["b"])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert ids_near(opened("model")) == ["a"]


def test_chroma_is_not_imported_before_it_is_needed(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from memos.stores.vectors_chroma import ChromaVectors
ChromaVectors(Path({str(tmp_path)!r}), collection="model", dimension=8).close()
assert "chromadb" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
