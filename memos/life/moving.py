"""A cube's bytes change their place, and can be read at every moment.

copy ──> read it back and verify ──> switch the catalog ──> drop the old copy
  └─ crash: a copy too many, which is swept          └─ crash: likewise
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Kind
from memos.errors import BadInput, WrongKind
from memos.life.places import DISK
from memos.life.report import Moved
from memos.ports.catalog import Change
from memos.ports.ledger import Placed

if TYPE_CHECKING:
    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.life.shelves import Shelves
    from memos.ports.catalog import Catalog
    from memos.ports.ledger import Ledger


class Mover:
    """Moves the bytes of KV and LoRA cubes between their places."""

    def __init__(self, *, catalog: Catalog, ledger: Ledger, shelves: Shelves) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._shelves = shelves

    def move(self, cube: MemCube, to: str, *, act: Act) -> Moved:
        """Move a cube's bytes; nothing is done where they are there already.

        Raises:
            WrongKind: a text has no bytes beside the catalog.
            CorruptionError: the bytes are damaged or missing.
            BackendError: they cannot be written there; nothing was changed.
        """
        if cube.kind is Kind.PLAINTEXT:
            message = f"cube {cube.id} is {cube.kind}, which lies in the catalog"
            raise WrongKind(message, hint="only KV and LoRA cubes can be moved")
        if to not in self._shelves.places:
            raise BadInput(f"this store has no place {to!r}", hint="disk is the usual one")
        away = [digest for digest in cube.blobs if self.place(digest) != to]
        for digest in away:
            self._shelves.at(to).put(self._shelves.get(digest))
            self._shelves.at(to).get(digest)
        if away:
            self._catalog.commit(
                Change(
                    audit=act.audit([cube.id]),
                    expects={cube.id: cube.version},
                    also=tuple(Placed(digest, to) for digest in away),
                )
            )
        for digest in away:
            for place in self._shelves.places:
                if place != to:
                    self._shelves.drop_at(place, digest)
        return self.whereabouts(cube)

    def place(self, digest: str) -> str:
        """The place that the catalog names."""
        return self._ledger.places().get(digest, DISK)

    def whereabouts(self, cube: MemCube) -> Moved:
        """Where a cube's bytes lie, and how many they are."""
        sizes = [self._shelves.size_bytes(digest) or 0 for digest in cube.blobs]
        return Moved(
            id=cube.id,
            kind=cube.kind,
            place=next(map(self.place, cube.blobs), "catalog"),
            blobs=cube.blobs,
            size_bytes=sum(sizes),
        )
