"""Bytes by the digest of their content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Blobs(Protocol):
    """A content-addressed store: what is put can be read under its SHA-256, and is never changed.

    A blob is either whole or absent, also after a crash at any point of ``put``. A digest is 64
    lower-case hexadecimal digits; anything else is refused as BadInput.
    """

    def put(self, content: bytes) -> str:
        """Store ``content`` durably and return its digest. Putting it again changes nothing.

        Where the stored blob was damaged, putting it again mends it.
        """
        ...

    def get(self, digest: str) -> bytes:
        """The content, verified against ``digest``.

        Raises:
            CorruptionError: it is absent, or is not what was written.
        """
        ...

    def drop(self, digest: str) -> None:
        """Remove the blob and every byte of it. Removing what is absent is no error."""
        ...

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order."""
        ...

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob, None where there is no such blob."""
        ...
