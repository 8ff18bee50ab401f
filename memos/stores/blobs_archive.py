"""Blobs compressed, for those that are seldom read: see memos.stores.files.

file <digest>
├── 8 bytes       length of the content, little-endian
└── the rest      the content, compressed by zlib
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.errors import CorruptionError
from memos.stores.digests import REPAIR, absent, checked, verified
from memos.stores.files import Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LENGTH = 8


class ArchiveBlobs:
    """One compressed file a blob, readable by its owner only."""

    def __init__(self, folder: Path, *, owned: bool = True) -> None:
        """Blobs in a folder; one that is not ``owned`` belongs to a process that is at work."""
        self._files = Files(folder, owned=owned)

    def put(self, content: bytes) -> str:
        """Store ``content`` durably and return its digest; a damaged copy is replaced."""
        digest = digest_of(content)
        if self._is_whole(digest):
            self._files.settle(digest)
        else:
            packed = len(content).to_bytes(_LENGTH, "little") + zlib.compress(content)
            self._files.put(digest, packed)
        return digest

    def get(self, digest: str) -> bytes:
        """The content, verified against ``digest``."""
        packed = self._files.find(checked(digest))
        if packed is None:
            raise absent(digest)
        return verified(_unpacked(packed, digest), digest)

    def drop(self, digest: str) -> None:
        """Remove the blob, if it is there."""
        self._files.drop(checked(digest))

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order."""
        return self._files.names()

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob's content, None where there is no such blob."""
        head = self._files.find(checked(digest), _LENGTH)
        return None if head is None else int.from_bytes(head, "little")

    def path(self, digest: str) -> Path:
        """Where the file of a blob lies, or would lie."""
        return self._files.path(checked(digest))

    def _is_whole(self, digest: str) -> bool:
        try:
            self.get(digest)
        except CorruptionError:
            return False
        return True


def _unpacked(packed: bytes, digest: str) -> bytes:
    # A damaged file may unpack to anything: no more of it is unpacked than should be there.
    limit = min(int.from_bytes(packed[:_LENGTH], "little"), 1 << 62) + 1
    try:
        return zlib.decompressobj().decompress(packed[_LENGTH:], limit)
    except zlib.error as error:
        message = f"blob {digest} is not what was written: it cannot be unpacked"
        raise CorruptionError(message, hint=REPAIR) from error
