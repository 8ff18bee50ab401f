"""Chroma's files are compared with what they were when they were closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.errors import CorruptionError
from memos.stores.vectors_chroma import ChromaVectors
from memos.testing.vectors import DIMENSION, entry, ids_near

if TYPE_CHECKING:
    from pathlib import Path


def opened(folder: Path, name: str = "model") -> ChromaVectors:
    return ChromaVectors(folder, collection=name, dimension=DIMENSION)


def test_any_flipped_bit_in_any_file_is_found_before_it_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    vectors = opened(folder)
    vectors.put([entry(name, 1, number) for number, name in enumerate("abcdefgh")])
    vectors.drop(["a"])
    vectors.purge()
    vectors.close()
    files = [path for path in folder.rglob("*") if path.suffix in {".bin", ".sqlite3", ".json"}]
    assert len(files) == 6
    for path in files:
        whole, sums = path.read_bytes(), (folder / "sums.json").read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(CorruptionError, match="check --repair"):
                opened(folder).ids()
            (folder / "sums.json").write_bytes(sums)
            path.write_bytes(whole)
    again = opened(folder)
    assert ids_near(again) == ids_near(again, k=7)
    again.close()


def test_whoever_dies_at_work_leaves_no_sums_and_is_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    one, two = opened(folder, "one"), opened(folder, "two")
    one.put([entry("a", 1)])
    assert not (folder / "sums.json").exists()
    two.put([entry("b", 1)])
    two.close()
    one.put([entry("c", 1)])
    assert not (folder / "sums.json").exists()
    one.close()
    again = opened(folder, "two")
    assert again.ids() == {"b"}
    again.close()


def test_a_folder_that_was_never_used_has_no_sums(tmp_path: Path) -> None:
    opened(tmp_path / "chroma").close()
    assert not (tmp_path / "chroma").exists()
