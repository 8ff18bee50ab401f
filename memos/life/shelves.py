"""Blobs over their places: written to the usual one, read from wherever they are.

put ──> disk <── get ──> archive          drop: from both, and from what was taken aside
            move: memos.life.moving
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.errors import CorruptionError
from memos.life.places import ARCHIVE, DISK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from memos.ports.aside import Aside
    from memos.ports.blobs import Blobs


class Shelves:
    """A store of blobs over two others; see :class:`memos.ports.blobs.Blobs`.

    What a blob is named by is what it holds, so any copy that has its digest is the right one.

    Args:
        disk: the usual place.
        archive: the other place; None where there is none.
        aside: where damaged blobs were taken.
    """

    def __init__(
        self, disk: Blobs, archive: Blobs | None = None, aside: Aside | None = None
    ) -> None:
        self._aside = aside
        self._by_place = {DISK: disk} if archive is None else {DISK: disk, ARCHIVE: archive}

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the places there are."""
        return tuple(self._by_place)

    def at(self, place: str) -> Blobs:
        """The store of one place."""
        return self._by_place[place]

    def put(self, content: bytes) -> str:
        """Store ``content`` and return its digest: in the usual place, unless it is in another.

        So what two cubes share stays where the one was moved to.
        """
        digest = digest_of(content)
        if any(self._is_whole(place, digest) for place in self._by_place if place != DISK):
            return digest
        return self._by_place[DISK].put(content)

    def get(self, digest: str) -> bytes:
        """The content, from the first place that has it whole."""
        there = [one for one in self._by_place.values() if one.size_bytes(digest) is not None]
        for blobs in there[:-1]:
            try:
                return blobs.get(digest)
            except CorruptionError:
                continue  # the next copy may be whole; if it is not, that one tells
        return (there[-1] if there else self._by_place[DISK]).get(digest)

    def drop(self, digest: str) -> None:
        """Remove the blob wherever it is."""
        for blobs in self._by_place.values():
            blobs.drop(digest)
        if self._aside is not None:
            self._aside.discard([digest])

    def drop_at(self, place: str, digest: str) -> None:
        """Remove the copy in one place."""
        self._by_place[place].drop(digest)

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order."""
        yield from sorted({one for blobs in self._by_place.values() for one in blobs.digests()})

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob, None where there is no such blob."""
        sizes = (blobs.size_bytes(digest) for blobs in self._by_place.values())
        return next((size for size in sizes if size is not None), None)

    def where(self, digest: str) -> list[str]:
        """The places that have a copy."""
        return [
            place for place, blobs in self._by_place.items() if blobs.size_bytes(digest) is not None
        ]

    def strays(self, referred: Collection[str], places: Mapping[str, str]) -> list[tuple[str, str]]:
        """(place, digest) of copies that nobody needs.

        Those to which no cube refers, and second copies outside of the place that ``places``
        names, as a move leaves them that did not come to its end.
        """
        found = []
        for place, blobs in self._by_place.items():
            for digest in blobs.digests():
                home = places.get(digest, DISK)
                if digest not in referred or (place != home and self._is_whole(home, digest)):
                    found.append((place, digest))
        return found

    def _is_whole(self, place: str, digest: str) -> bool:
        blobs = self._by_place.get(place)
        if blobs is None or blobs.size_bytes(digest) is None:
            return False
        try:
            blobs.get(digest)
        except CorruptionError:
            return False
        return True
