"""What was dropped is erased from Chroma's own files, and the rest is found as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos.cube import EVERYBODY, Scope
from memos.errors import BackendError
from memos.ports.vectors import VectorEntry
from memos.stores import vectors_chroma, vectors_chroma_files
from memos.stores.traces_files import FileTraces
from memos.stores.vectors_chroma import ChromaVectors
from memos.testing.traces import assert_gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

DIMENSION = 64
COUNT = 1500
"""More than Chroma holds back before it writes its graph."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "chroma"


@pytest.fixture
def opened(folder: Path) -> Iterator[Callable[..., ChromaVectors]]:
    """Opens collections in one folder, none held in RAM, and closes them."""
    there: list[ChromaVectors] = []

    def one(collection: str = "model", dimension: int = DIMENSION) -> ChromaVectors:
        there.append(
            ChromaVectors(folder, collection=collection, dimension=dimension, window_limit=0)
        )
        return there[-1]

    yield one
    for vectors in there:
        vectors.close()


def made(count: int = COUNT, dimension: int = DIMENSION) -> list[VectorEntry]:
    """Entries in thirty clusters."""
    chance = np.random.default_rng(11)
    centres = chance.standard_normal((30, dimension))
    numbers = centres[np.arange(count) % 30] + 0.8 * chance.standard_normal((count, dimension))
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    return [
        VectorEntry(f"entry {n:05}", row, Scope(user_id=f"the owner of entry {n:05}"))
        for n, row in enumerate(numbers.astype(np.float32))
    ]


def told(entries: list[VectorEntry]) -> tuple[list[str], list[NDArray[np.float32]]]:
    """What must not be found of entries: ids and owners, and vectors."""
    owners = [str(each.scope.user_id) for each in entries]
    return [*(each.id for each in entries), *owners], [each.vector for each in entries]


def traces(folder: Path, entries: list[VectorEntry]) -> set[str]:
    """The names of the files that something of ``entries`` lies in."""
    texts, vectors = told(entries)
    found = FileTraces(folder).find(texts, vectors=vectors).traces
    return {trace.file.split("/")[-1] for trace in found}


def test_without_a_purge_chroma_keeps_what_was_dropped(
    folder: Path, opened: Callable[..., ChromaVectors]
) -> None:
    entries, vectors = made(), opened()
    vectors.put(entries)
    vectors.drop([entry.id for entry in entries[:200]])
    vectors.close()
    kept = {"chroma.sqlite3", "data_level0.bin", "index_metadata.pickle"}
    assert traces(folder, entries[:200]) == kept
    vectors.purge()
    assert traces(folder, entries[:200]) == set()
    assert traces(folder, entries[200:400]) == kept


@pytest.mark.parametrize("every", [2, 10])
def test_what_remains_is_found_as_well_as_before(
    opened: Callable[..., ChromaVectors], every: int
) -> None:
    entries, vectors = made(), opened()
    vectors.put(entries)
    gone = [entry.id for number, entry in enumerate(entries) if number % every]
    there = [entry for number, entry in enumerate(entries) if not number % every]
    vectors.drop(gone)
    vectors.purge()
    matrix = np.stack([entry.vector for entry in there])
    found = 0
    for question in made(COUNT + 20)[COUNT:]:
        order = np.argsort(-(matrix @ question.vector))[:10]
        best = {there[int(row)].id for row in order}
        found += len(best & {n.id for n in vectors.near(question.vector, k=10, scope=EVERYBODY)})
    assert found >= 190


def test_every_collection_in_the_folder_is_purged(
    folder: Path, opened: Callable[..., ChromaVectors]
) -> None:
    old, empty, new = opened("old", dimension=16), opened("empty"), opened("new")
    before, after = made(50, dimension=16), made(50)
    assert empty.ids() == set()
    old.put(before)
    new.put(after)
    old.drop([entry.id for entry in before])
    new.drop([entry.id for entry in after[:10]])
    old.close()
    empty.close()
    new.purge()
    assert_gone(folder, told(after[:10])[0], [each.vector for each in (*before, *after[:10])])
    assert new.ids() == {entry.id for entry in after[10:]}
    assert old.ids() == set()


def test_a_folder_that_another_index_has_open_is_not_touched(
    folder: Path, opened: Callable[..., ChromaVectors]
) -> None:
    one, other = opened("one"), opened("other")
    one.put(made(5))
    assert other.ids() == set()
    one.drop(["entry 00001"])
    with pytest.raises(BackendError, match="in use elsewhere"):
        one.purge()
    assert len(one.ids()) == 4
    one.close()
    other.close()
    one.purge()
    assert_gone(folder, *told(made(5)[1:2]))


def test_a_purge_that_was_cut_short_is_finished_by_the_next(
    folder: Path, opened: Callable[..., ChromaVectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    entries, vectors = made(), opened()
    vectors.put(entries)
    vectors.drop([entries[7].id])

    def full(_folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(vectors_chroma, "erase", full)
        with pytest.raises(BackendError, match="No space left"):
            vectors.purge()
    assert len(vectors.ids()) == COUNT - 1
    assert vectors.near(entries[8].vector, k=1, scope=EVERYBODY)[0].id == entries[8].id
    vectors.purge()
    assert_gone(folder, *told(entries[7:8]))


def test_the_haste_that_a_purge_which_died_has_left_ends_with_the_next_opening(
    opened: Callable[..., ChromaVectors],
) -> None:
    vectors = opened()
    vectors.put(made(5))
    assert vectors._opened is not None
    vectors_chroma._set_threshold(vectors._opened, vectors_chroma._EAGER)
    vectors.close()
    vectors.ids()
    settings = vectors._opened.configuration_json["hnsw"]
    assert settings["sync_threshold"] == vectors_chroma._PATIENT
    assert settings["ef_search"] == vectors_chroma._SEARCH_WIDTH


def test_files_of_an_unknown_layout_are_refused_and_left_alone(
    opened: Callable[..., ChromaVectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = opened()
    vectors.put(made(5))
    vectors.drop(["entry 00001"])
    with monkeypatch.context() as patch:
        patch.setattr(vectors_chroma_files, "_KNOWN", 2)
        with pytest.raises(BackendError, match="not known here") as caught:
            vectors.purge()
    assert "memos check --repair" in caught.value.hint
    assert len(vectors.ids()) == 4
    vectors.purge()


def test_that_nothing_was_written_since_a_purge_is_remembered(
    folder: Path, opened: Callable[..., ChromaVectors]
) -> None:
    def written() -> int:
        return (folder / "chroma.sqlite3").stat().st_mtime_ns

    vectors = opened()
    vectors.purge()
    assert not folder.exists()
    vectors.put(made(5))
    vectors.purge()
    vectors.close()
    before = written()
    opened().purge()
    assert written() == before
    vectors.drop(["entry 00001"])
    vectors.purge()
    assert written() > before
    before = written()
    vectors.put(made(6)[5:])
    vectors.purge()
    assert written() > before
