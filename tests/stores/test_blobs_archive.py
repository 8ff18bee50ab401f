"""Archived blobs keep the port's promises, and take less room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.errors import CorruptionError
from memos.stores.blobs_archive import ArchiveBlobs
from memos.testing.blobs import CONTENT, BlobsSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.blobs import Blobs


class TestArchiveBlobs(BlobsSuite):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        self.folder = tmp_path / "archive"
        return ArchiveBlobs(self.folder)

    def reopened(self, blobs: Blobs) -> Blobs:
        return ArchiveBlobs(self.folder)

    def damage(self, blobs: Blobs, digest: str, content: bytes) -> None:
        (self.folder / digest[:2] / digest).write_bytes(content)


def test_what_repeats_itself_takes_little_room(tmp_path: Path) -> None:
    blobs = ArchiveBlobs(tmp_path)
    digest = blobs.put(CONTENT)
    assert blobs.path(digest).stat().st_size < len(CONTENT) / 10


def test_a_damaged_length_unpacks_nothing_that_was_not_there(tmp_path: Path) -> None:
    blobs = ArchiveBlobs(tmp_path)
    digest = blobs.put(CONTENT)
    packed = blobs.path(digest).read_bytes()
    for length in (0, 1, len(CONTENT) - 1, 1 << 63):
        blobs.path(digest).write_bytes(length.to_bytes(8, "little") + packed[8:])
        try:
            assert blobs.get(digest) == CONTENT
        except CorruptionError:
            continue
