"""The exact index keeps the port's promises, in a file and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import text

from memos.cube import EVERYBODY
from memos.errors import CorruptionError
from memos.ports.vectors import VectorEntry
from memos.stores.engine_sqlite import open_engine
from memos.stores.vectors_exact import ExactVectors
from memos.testing.vectors import DIMENSION, VectorsSuite, entry, ids_near, unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.ports.vectors import Vectors


class TestExactVectorsInAFile(VectorsSuite):
    @pytest.fixture
    def vectors(self, tmp_path: Path, request: pytest.FixtureRequest) -> Vectors:
        self.path = tmp_path / "vectors" / "exact"
        self.finish = request.addfinalizer
        return self._open()

    def reopened(self, vectors: Vectors) -> Vectors:
        vectors.close()
        return self._open()

    def files(self) -> Path:
        return self.path.parent

    def _open(self) -> Vectors:
        vectors = ExactVectors(self.path, collection="model", dimension=DIMENSION)
        self.finish(vectors.close)
        return vectors


class TestExactVectorsInMemory(VectorsSuite):
    @pytest.fixture
    def vectors(self) -> Iterator[Vectors]:
        vectors = ExactVectors(None, collection="model", dimension=DIMENSION)
        yield vectors
        vectors.close()

    def reopened(self, vectors: Vectors) -> Vectors:
        return vectors

    def files(self) -> None:
        return None


def test_collections_in_one_file_do_not_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    one = ExactVectors(path, collection="one", dimension=DIMENSION)
    two = ExactVectors(path, collection="two", dimension=2)
    one.put([entry("a", 1)])
    two.put([VectorEntry("a", np.array([0, 1], dtype=np.float32), EVERYBODY)])
    two.drop(["a"])
    assert ids_near(one) == ["a"]
    assert two.ids() == set()
    one.close()
    two.close()


def test_a_score_is_exact_to_the_last_digits(tmp_path: Path) -> None:
    vectors = ExactVectors(tmp_path / "vectors", collection="model", dimension=DIMENSION)
    vectors.put([entry("a", 1, 2, 3)])
    (near,) = vectors.near(unit(3, 1, 2), k=1, scope=EVERYBODY)
    expected = float(unit(1, 2, 3).astype(np.float64) @ unit(3, 1, 2).astype(np.float64))
    assert near.score == pytest.approx(expected, abs=1e-12)
    vectors.close()


def test_a_vector_that_is_cut_short_is_not_searched(tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    vectors = ExactVectors(path, collection="model", dimension=DIMENSION)
    vectors.put([entry("a", 1)])
    engine = open_engine(path)
    with engine.begin() as connection:
        connection.execute(text("UPDATE vectors SET vector = substr(vector, 1, 5)"))
    engine.dispose()
    with pytest.raises(CorruptionError, match="a"):
        ids_near(vectors)
    vectors.close()


def test_a_file_that_is_no_database_is_an_error_and_not_an_empty_index(tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(CorruptionError, match="not a database"):
        ExactVectors(path, collection="model", dimension=DIMENSION)
