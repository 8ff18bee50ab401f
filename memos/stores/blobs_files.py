"""Blobs as files, named after their content: see memos.stores.files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.errors import CorruptionError
from memos.stores.digests import absent, checked, verified
from memos.stores.files import Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FileBlobs:
    """One file a blob, readable by its owner only; its name is the digest of what it holds."""

    def __init__(self, folder: Path, *, owned: bool = True) -> None:
        """Blobs in a folder; one that is not ``owned`` belongs to a process that is at work."""
        self._files = Files(folder, owned=owned)

    def put(self, content: bytes) -> str:
        """Store ``content`` durably and return its digest; a damaged copy is replaced."""
        digest = digest_of(content)
        if self._is_whole(digest):
            self._files.settle(digest)
        else:
            self._files.put(digest, content)
        return digest

    def get(self, digest: str) -> bytes:
        """The content, verified against ``digest``."""
        content = self._files.find(checked(digest))
        if content is None:
            raise absent(digest)
        return verified(content, digest)

    def drop(self, digest: str) -> None:
        """Remove the blob, if it is there."""
        self._files.drop(checked(digest))

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order."""
        return self._files.names()

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob, None where there is no such blob."""
        return self._files.size_bytes(checked(digest))

    def path(self, digest: str) -> Path:
        """Where the file of a blob lies, or would lie."""
        return self._files.path(checked(digest))

    def _is_whole(self, digest: str) -> bool:
        try:
            self.get(digest)
        except CorruptionError:
            return False
        return True
