"""Blobs as encrypted files, whose names tell nothing of what they hold: see memos.stores.boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.errors import CorruptionError
from memos.stores.boxes import HEAD, Boxes, content_bytes
from memos.stores.digests import REPAIR, absent, verified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.stores.files import Files


class SealedBlobs:
    """One file a blob, under AES-256-GCM; nobody without the keys can tell what is stored."""

    def __init__(self, files: Files, *, content_key: bytes, name_key: bytes) -> None:
        """Blobs in ``files``; both keys have 32 bytes."""
        self._files = files
        self._boxes = Boxes(content_key=content_key, name_key=name_key)

    def put(self, content: bytes) -> str:
        """Store ``content`` durably and return its digest; a damaged copy is replaced."""
        digest = digest_of(content)
        name = self._boxes.file_of(digest)
        if self._is_whole(digest):
            self._files.settle(name)
        else:
            self._files.put(name, self._boxes.sealed(digest, content))
        return digest

    def get(self, digest: str) -> bytes:
        """The content, decrypted, and verified against ``digest``."""
        sealed = self._files.find(self._boxes.file_of(digest))
        if sealed is None:
            raise absent(digest)
        content = self._boxes.opened(sealed, digest)
        if content is None:
            message = f"blob {digest} is not what was written: it cannot be decrypted"
            raise CorruptionError(message, hint=REPAIR)
        return verified(content, digest)

    def drop(self, digest: str) -> None:
        """Remove the blob, if it is there."""
        self._files.drop(self._boxes.file_of(digest))

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order.

        A file whose digest cannot be decrypted has none: :meth:`get` tells who refers to it.
        """
        found = (self._digest(name) for name in self._files.names())
        return iter(sorted(digest for digest in found if digest is not None))

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob's content, None where there is no such blob."""
        size = self._files.size_bytes(self._boxes.file_of(digest))
        return None if size is None else content_bytes(size)

    def path(self, digest: str) -> Path:
        """Where the file of a blob lies, or would lie."""
        return self._files.path(self._boxes.file_of(digest))

    def _digest(self, name: str) -> str | None:
        head = self._files.find(name, HEAD)
        return None if head is None else self._boxes.named(head, name)

    def _is_whole(self, digest: str) -> bool:
        try:
            self.get(digest)
        except CorruptionError:
            return False
        return True
