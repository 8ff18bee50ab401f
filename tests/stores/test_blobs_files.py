"""Blobs in files keep the port's promises, and the files are as drawn in the module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.errors import BackendError
from memos.stores.blobs_files import FileBlobs
from memos.testing.blobs import BlobsSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.blobs import Blobs


class TestFileBlobs(BlobsSuite):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        self.folder = tmp_path / "blobs"
        return FileBlobs(self.folder)

    def reopened(self, blobs: Blobs) -> Blobs:
        return FileBlobs(self.folder)

    def files(self) -> Path:
        return self.folder

    def damage(self, blobs: Blobs, digest: str, content: bytes) -> None:
        (self.folder / digest[:2] / digest).write_bytes(content)


def test_a_blob_is_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    digest = FileBlobs(folder).put(b"private")
    path = folder / digest[:2] / digest
    assert path.read_bytes() == b"private"
    modes = [part.stat().st_mode & 0o777 for part in (folder, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]


def test_nothing_but_the_blob_is_left_by_a_put(tmp_path: Path) -> None:
    digest = FileBlobs(tmp_path).put(b"content")
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [digest]


def test_a_blob_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    digest = blobs.put(b"content")
    path = tmp_path / digest[:2] / digest
    before = path.stat()
    blobs.put(b"content")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_a_crash_left_unfinished_is_no_blob_and_goes_at_the_next_opening(
    tmp_path: Path,
) -> None:
    digest = FileBlobs(tmp_path).put(b"whole")
    unfinished = tmp_path / ".0123456789abcdef.part"
    unfinished.write_bytes(b"ha")
    assert FileBlobs(tmp_path).get(digest) == b"whole"
    assert not unfinished.exists()


def test_files_that_are_no_blobs_are_left_alone_and_not_listed(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    digest = blobs.put(b"content")
    strangers = [tmp_path / "notes.txt", tmp_path / digest[:2] / "notes.txt"]
    for stranger in strangers:
        stranger.write_text("mine")
    assert list(FileBlobs(tmp_path).digests()) == [digest]
    assert all(stranger.exists() for stranger in strangers)


def test_a_folder_that_cannot_be_used_is_an_error_and_not_an_empty_store(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("in the way")
    with pytest.raises(BackendError, match="file"):
        FileBlobs(place)


def test_a_blob_that_cannot_be_looked_at_is_not_called_absent(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    digest = blobs.put(b"content")
    (tmp_path / digest[:2] / digest).unlink()
    (tmp_path / digest[:2]).rmdir()
    (tmp_path / digest[:2]).write_text("in the way")
    for call in (blobs.get, blobs.drop, blobs.size_bytes):
        with pytest.raises(BackendError, match=digest):
            call(digest)
    with pytest.raises(BackendError, match=digest):
        blobs.put(b"content")
