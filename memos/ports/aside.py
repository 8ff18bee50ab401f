"""Damaged files, taken out of the way and kept for whoever can read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection


class Aside(Protocol):
    """Where damaged files go; what lies there belongs to no store, and is served to nobody."""

    def blob(self, digest: str) -> bool:
        """Take a blob's files out of its store; False where there are none."""
        ...

    def vectors(self) -> None:
        """Take the whole vector index out of the way; it must be closed."""
        ...

    def forget_vectors(self) -> None:
        """Erase every index of vectors that was taken aside: a text can be guessed from them."""
        ...

    def forget_blobs(self) -> None:
        """Erase every blob that was taken aside."""
        ...

    def discard(self, digests: Collection[str]) -> None:
        """Erase what was taken aside of these blobs; what is not there is no error."""
        ...
