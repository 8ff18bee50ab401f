"""A cube's bytes change their place, and can be read at every moment.

copy ──> read it back and verify ──> switch the catalog ──> drop the old copy
  └─ crash: a copy too many, which is swept          └─ crash: likewise

The blocks of a KV cube go the same way, one by one; no row of the catalog names their places.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from memos.cube import Activation, Kind
from memos.errors import WrongKind
from memos.life.places import DISK, MEMORY, require_place
from memos.life.report import Moved
from memos.ports.catalog import Change
from memos.ports.kv import PLACES
from memos.ports.ledger import Placed

if TYPE_CHECKING:
    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.life.currency import Currency
    from memos.life.keeping import Keeper
    from memos.life.shelves import Shelves
    from memos.ports.catalog import Catalog
    from memos.ports.kv import Kv
    from memos.ports.ledger import Ledger

NOWHERE, PARTLY = "nowhere", "in part"


class Mover:
    """Moves the bytes of KV and LoRA cubes between their places."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        ledger: Ledger,
        shelves: Shelves,
        kv: Kv,
        keeper: Keeper,
        currency: Currency,
    ) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._shelves = shelves
        self._kv = kv
        self._keeper = keeper
        self._currency = currency

    def move(self, cube: MemCube, to: str, *, act: Act) -> Moved:
        """Move a cube's bytes; nothing is done where they are there already.

        Raises:
            WrongKind: a text has no bytes beside the catalog.
            BadInput: no cube of this kind lies there, or this store has no such place.
            StaleCube, ExpiredCube: a KV cube that is never served has no place in memory.
            OutOfSpace: blocks do not fit there; those that were moved before stay.
            CorruptionError: the bytes are damaged or missing.
            BackendError: they cannot be written there; nothing was changed.
        """
        if cube.kind is Kind.PLAINTEXT:
            message = f"cube {cube.id} is {cube.kind}, which lies in the catalog"
            raise WrongKind(message, hint="only KV and LoRA cubes can be moved")
        require_place(to, cube.kind)
        if cube.kind is Kind.ACTIVATION:
            self._move_blocks(cube, to, act)
        else:
            self._move_blobs(cube, to, act)
        return self.whereabouts(cube)

    def place(self, digest: str) -> str:
        """The place that the catalog names."""
        return self._ledger.places().get(digest, DISK)

    def whereabouts(self, cube: MemCube) -> Moved:
        """Where a cube's bytes lie, and how many they are."""
        if isinstance(cube.payload, Activation):
            return self._blocks_of(cube, cube.payload)
        sizes = [self._shelves.size_bytes(digest) or 0 for digest in cube.blobs]
        return Moved(
            id=cube.id,
            kind=cube.kind,
            place=next(map(self.place, cube.blobs), "catalog"),
            blobs=cube.blobs,
            size_bytes=sum(sizes),
        )

    def _move_blobs(self, cube: MemCube, to: str, act: Act) -> None:
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

    def _move_blocks(self, cube: MemCube, to: str, act: Act) -> None:
        if to in MEMORY:  # which is there only once the model is
            self._keeper.warm(cube, self._currency.sources(cube), act=act)
        self._kv.move(self._keeper.names([cube])[cube.id], to)
        if not act.recorded:
            self._catalog.commit(Change(audit=act.audit([cube.id])))

    def _blocks_of(self, cube: MemCube, payload: Activation) -> Moved:
        names = self._keeper.names([cube])[cube.id]
        there = self._kv.where(names)
        counts = Counter(place for places in there.values() for place in places)
        whole = [place for place in PLACES if names and counts[place] == len(names)]
        return Moved(
            id=cube.id,
            kind=cube.kind,
            place=next(iter(whole), PARTLY if there else NOWHERE),
            blobs=cube.blobs,
            size_bytes=payload.size_bytes,
            blocks=len(names),
            places=dict(counts),
        )
