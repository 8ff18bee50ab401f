"""Blobs in RAM, gone with the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.stores.digests import absent, checked, verified

if TYPE_CHECKING:
    from collections.abc import Iterator


class MemoryBlobs:
    """A dict; see :class:`memos.ports.blobs.Blobs` for what is promised."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its digest."""
        digest = digest_of(content)
        self._contents[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        """The content, verified against ``digest``."""
        content = self._contents.get(checked(digest))
        if content is None:
            raise absent(digest)
        return verified(content, digest)

    def drop(self, digest: str) -> None:
        """Remove the blob, if it is there."""
        self._contents.pop(checked(digest), None)

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order."""
        yield from sorted(self._contents)

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob, None where there is no such blob."""
        content = self._contents.get(checked(digest))
        return None if content is None else len(content)
