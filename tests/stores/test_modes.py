"""What others may read is listed, and taken from them; what is private is left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos.cube import EVERYBODY
from memos.ports.vectors import VectorEntry
from memos.stores.modes import loose, tighten
from memos.stores.vectors_chroma import ChromaVectors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def test_what_others_may_touch_is_listed_and_taken_from_them(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    (folder / "private").touch(mode=0o600)
    (folder / "open").touch(mode=0o644)
    (folder / "inner").mkdir(mode=0o755)
    (folder / "inner" / "open").touch(mode=0o660)
    (folder / "inner" / "link").symlink_to("/etc/hostname")
    expected = [folder / "inner", folder / "inner" / "open", folder / "open"]
    assert loose(folder) == expected
    assert tighten(folder) == expected
    assert loose(folder) == []
    assert (folder / "inner").stat().st_mode & 0o777 == 0o700
    assert (folder / "inner" / "open").stat().st_mode & 0o777 == 0o600
    assert loose(tmp_path / "absent") == []


def test_what_chroma_writes_is_private_whenever_one_looks(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    path = tmp_path / "vectors" / "chroma"
    vectors = ChromaVectors(path, collection="model", dimension=8)
    for start in (0, 600, 1200):  # past the 1000 entries after which Chroma writes its graph
        made = chance.normal(size=(600, 8)).astype(np.float32)
        vectors.put([VectorEntry(f"{start + n}", made[n], EVERYBODY) for n in range(600)])
        assert loose(path) == []
        vectors.near(made[0], k=3, scope=EVERYBODY)
        assert loose(path) == []
    vectors.drop(["1", "700"])
    assert loose(path) == []
    vectors.purge()
    assert loose(path) == []
    vectors.close()
    assert loose(path) == []
    assert len([each for each in path.rglob("*") if each.is_file()]) > 3
    assert os.umask(0) == 0
