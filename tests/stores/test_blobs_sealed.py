"""Encrypted blobs keep the port's promises, and tell nothing to who has no key."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from memos.cube.identity import digest_of
from memos.errors import CorruptionError
from memos.stores import boxes
from memos.stores.blobs_sealed import SealedBlobs
from memos.stores.files import Files
from memos.testing.blobs import CONTENT, BlobsSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.blobs import Blobs

KEYS = {"content_key": secrets.token_bytes(32), "name_key": secrets.token_bytes(32)}


def open_blobs(folder: Path, **keys: bytes) -> SealedBlobs:
    return SealedBlobs(Files(folder), **{**KEYS, **keys})


def only_file(folder: Path) -> Path:
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path


class TestSealedBlobs(BlobsSuite):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        self.folder = tmp_path / "blobs"
        return open_blobs(self.folder)

    def reopened(self, blobs: Blobs) -> Blobs:
        return open_blobs(self.folder)

    def files(self) -> Path:
        return self.folder

    def damage(self, blobs: Blobs, digest: str, content: bytes) -> None:
        only_file(self.folder).write_bytes(content)


class TestSealedBlobsInManyParts(TestSealedBlobs):
    @pytest.fixture(autouse=True)
    def small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(boxes, "_PART", 1000)


def test_neither_content_nor_digest_is_in_a_file_or_its_name(tmp_path: Path) -> None:
    digest = open_blobs(tmp_path).put(CONTENT)
    path = only_file(tmp_path)
    sealed = path.read_bytes()
    for clear in (CONTENT[:16], digest.encode(), bytes.fromhex(digest)):
        assert clear not in sealed
        assert clear not in str(path).encode()
    assert digest[:16] not in path.name
    modes = [part.stat().st_mode & 0o777 for part in (path, path.parent)]
    assert modes == [0o600, 0o700]


def test_equal_contents_in_two_stores_have_nothing_in_common(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    open_blobs(first).put(CONTENT)
    open_blobs(second, content_key=secrets.token_bytes(32), name_key=secrets.token_bytes(32)).put(
        CONTENT
    )
    one, other = only_file(first), only_file(second)
    assert one.name != other.name
    assert one.read_bytes()[4:32] != other.read_bytes()[4:32]


def test_the_same_content_is_never_encrypted_alike(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path)
    digest = blobs.put(CONTENT)
    before = only_file(tmp_path).read_bytes()
    blobs.drop(digest)
    blobs.put(CONTENT)
    assert only_file(tmp_path).read_bytes() != before


def test_putting_it_again_does_not_touch_the_file(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path)
    blobs.put(CONTENT)
    before = only_file(tmp_path).stat()
    blobs.put(CONTENT)
    after = only_file(tmp_path).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("key", KEYS)
def test_with_a_wrong_key_nothing_is_served(tmp_path: Path, key: str) -> None:
    digest = open_blobs(tmp_path).put(CONTENT)
    with pytest.raises(CorruptionError, match=digest):
        open_blobs(tmp_path, **{key: secrets.token_bytes(32)}).get(digest)
    assert open_blobs(tmp_path).get(digest) == CONTENT


@pytest.mark.parametrize("place", [0, 10, 20, 50, 63, 64, 80, 1000, -1])
def test_a_bit_flipped_anywhere_is_damage_and_is_mended_by_another_put(
    tmp_path: Path, place: int
) -> None:
    blobs = open_blobs(tmp_path)
    digest = blobs.put(CONTENT)
    sealed = bytearray(only_file(tmp_path).read_bytes())
    sealed[place] ^= 1
    only_file(tmp_path).write_bytes(sealed)
    with pytest.raises(CorruptionError, match=digest):
        blobs.get(digest)
    blobs.put(CONTENT)
    assert blobs.get(digest) == CONTENT
    assert list(blobs.digests()) == [digest]


@pytest.mark.parametrize("length", [0, 3, 4, 63, 64, 64 + 27, 64 + 1028, 64 + 1029, -1])
def test_what_is_cut_short_is_damage(
    tmp_path: Path, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "_PART", 1000)
    blobs = open_blobs(tmp_path)
    digest = blobs.put(CONTENT)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptionError, match=digest):
        blobs.get(digest)
    assert blobs.size_bytes(digest) is not None


def test_parts_cannot_change_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "_PART", 1000)
    blobs = open_blobs(tmp_path)
    digest = blobs.put(b"a" * 1000 + b"b" * 1000)
    sealed = only_file(tmp_path).read_bytes()
    head, first, second = sealed[:64], sealed[64 : 64 + 1028], sealed[64 + 1028 :]
    only_file(tmp_path).write_bytes(head + second + first)
    with pytest.raises(CorruptionError, match=digest):
        blobs.get(digest)


def test_one_blob_cannot_stand_in_the_place_of_another(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path)
    blobs.put(b"the truth")
    truth = only_file(tmp_path)
    lie = blobs.put(b"something else")
    (other,) = (path for path in tmp_path.rglob("*") if path.is_file() and path != truth)
    other.write_bytes(truth.read_bytes())
    with pytest.raises(CorruptionError, match=lie):
        blobs.get(lie)
    assert list(blobs.digests()) == [digest_of(b"the truth")]
