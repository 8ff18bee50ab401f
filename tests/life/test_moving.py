"""Bytes of weights move between their places, and can be read after a crash at any point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos import Kind, MemOS
from memos.errors import BadInput, CorruptionError, Forbidden, WrongKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos import MemCube
    from memos.config import Settings
    from memos.ports.catalog import Change


class Crash(BaseException):
    """The process died here."""


@pytest.fixture
def mem(tmp_path: Path, quick: Settings) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", settings=quick) as opened:
        yield opened


@pytest.fixture
def weights(mem: MemOS) -> MemCube:
    (text,) = mem.add("Alice moved to Lisbon.", user_id="alice")
    return mem.transform([text.id], to=Kind.PARAMETRIC)


def where(mem: MemOS, cube: MemCube) -> list[str]:
    return mem._shelves.where(cube.blobs[0])


def test_a_cube_goes_to_the_archive_and_back_and_is_served_from_either(
    mem: MemOS, weights: MemCube
) -> None:
    content = mem._parts.blobs.get(weights.blobs[0])
    for place in ("archive", "archive", "disk", "disk"):
        moved = mem.move(weights.id, to=place)
        assert (moved.place, moved.size_bytes) == (place, len(content))
        assert mem.where(weights.id) == moved
        assert where(mem, weights) == [place]
        assert mem._parts.blobs.get(weights.blobs[0]) == content
        assert mem.chat(
            "Where is Alice?", memories=[weights.id], allow_unfit=True, max_tokens=2
        ).tokens
        assert mem.check().problems == ()
    calls = [row.call for row in mem.audit(limit=100) if row.call == "move"]
    assert len(calls) == 4  # those that had nothing to do leave a row as well


def test_what_is_forgotten_goes_out_of_the_archive(mem: MemOS, weights: MemCube) -> None:
    mem.move(weights.id, to="archive")
    mem.delete(weights.id)
    assert where(mem, weights) == []
    assert mem._parts.ledger.places() == {}
    assert mem.check().problems == ()


def test_a_text_and_an_unknown_place_are_refused(mem: MemOS, weights: MemCube) -> None:
    text = mem.get_all(kind=Kind.PLAINTEXT)[0]
    assert mem.where(text.id).place == "catalog"
    with pytest.raises(WrongKind):
        mem.move(text.id, to="archive")
    with pytest.raises(BadInput, match="disk, archive"):
        mem.move(weights.id, to="moon")
    for place in ("gpu", "ram", "shared"):
        with pytest.raises(BadInput, match="a LoRA cube lies in: disk, archive"):
            mem.move(weights.id, to=place)


def test_whoever_may_only_read_moves_nothing(mem: MemOS, weights: MemCube) -> None:
    mem.grant("user:bob", "read", id=weights.id)
    with pytest.raises(Forbidden):
        mem.acting("user:bob").move(weights.id, to="archive")
    assert where(mem, weights) == ["disk"]


def test_damaged_bytes_are_not_moved(mem: MemOS, weights: MemCube, tmp_path: Path) -> None:
    digest = weights.blobs[0]
    (tmp_path / "store" / "blobs" / digest[:2] / digest).write_bytes(b"other")
    with pytest.raises(CorruptionError):
        mem.move(weights.id, to="archive")
    assert mem.where(weights.id).place == "disk"


@pytest.mark.parametrize("step", ["copied", "switched"])
def test_a_crash_leaves_a_copy_too_many_which_the_next_opening_sweeps(
    tmp_path: Path, quick: Settings, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    mem = MemOS.open(store, settings=quick)
    (text,) = mem.add("Alice moved to Lisbon.")
    cube = mem.transform([text.id], to=Kind.PARAMETRIC)
    commit = mem._parts.catalog.commit

    def dying(change: Change) -> None:
        if step == "switched":
            commit(change)
        raise Crash

    monkeypatch.setattr(mem._parts.catalog, "commit", dying)
    with pytest.raises(Crash):
        mem.move(cube.id, to="archive")
    assert where(mem, cube) == ["disk", "archive"]
    mem._parts.catalog.close()
    mem._index.close()
    lock = mem._parts.release.__self__  # type: ignore[attr-defined]
    lock.release(clean=False)  # as the end of the process would
    with MemOS.open(store, settings=quick) as again:
        there = "archive" if step == "switched" else "disk"
        assert where(again, cube) == [there]
        assert again.where(cube.id).place == there
        assert again.check().problems == ()


def test_the_archive_may_lie_on_another_disk(tmp_path: Path, quick: Settings) -> None:
    far = quick.archive.model_copy(update={"folder": str(tmp_path / "far")})
    settings = quick.model_copy(update={"archive": far})
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        (text,) = mem.add("Alice moved to Lisbon.")
        cube = mem.transform([text.id], to=Kind.PARAMETRIC)
        mem.move(cube.id, to="archive")
        assert (tmp_path / "far" / cube.blobs[0][:2] / cube.blobs[0]).exists()
        assert mem.check().problems == ()


def test_in_memory_there_is_an_archive_too(quick: Settings) -> None:
    with MemOS.open(None, settings=quick) as mem:
        (text,) = mem.add("Alice moved to Lisbon.")
        cube = mem.transform([text.id], to=Kind.PARAMETRIC)
        assert mem.move(cube.id, to="archive").place == "archive"


def test_bytes_that_two_cubes_share_stay_in_the_archive_when_they_are_made_again(
    mem: MemOS, weights: MemCube
) -> None:
    mem.move(weights.id, to="archive")
    twin = mem.transform([parent.id for parent in weights.provenance.parents], to=Kind.PARAMETRIC)
    assert twin.blobs == weights.blobs
    assert where(mem, twin) == ["archive"]
    mem.delete(weights.id)
    assert mem.where(twin.id).place == "archive"
    assert mem.check().problems == ()
