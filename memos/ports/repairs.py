"""What only a check asks of the catalog: its rows as they are, and the mending of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memos.cube import MemCube
    from memos.ports.graph import Edge
    from memos.ports.journal import Audit
    from memos.ports.ledger import Certificate, Entry, Grant, Quarantined


@dataclass(frozen=True, slots=True)
class Stored:
    """One version as it lies in the catalog."""

    cube_id: str
    version: int
    current: bool
    """Whether the catalog names it as the cube's newest."""
    body: str
    cube: MemCube | None
    """None where the body cannot be read as this version of this cube."""
    damage: str = ""
    """Why not."""
    differs: tuple[str, ...] = ()
    """Columns, and ``labels``, that do not say what the body says."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A grant or a certificate as it lies in the ledger."""

    kind: str
    """``grant`` or ``certificate``, as in the bonds of the journal."""
    name: str
    """Its number or id."""
    digest: str
    """Of every value of its row; the journal binds it."""
    entry: Grant | Certificate | None
    """None where it cannot be read."""
    damage: str = ""
    """Why not."""


@dataclass(frozen=True, slots=True)
class Mending:
    """What a repair writes; applied whole or not at all."""

    audit: Audit
    quarantine: tuple[Quarantined, ...] = ()
    """Versions that leave the catalog for the quarantine.

    The newest version that is left becomes the current one; a cube without any leaves as well.
    """
    rewrite: tuple[str, ...] = ()
    """Ids whose columns and labels are written anew, from the bodies."""
    unlink: tuple[Edge, ...] = ()
    link: tuple[Edge, ...] = ()
    drop_edges: tuple[int, ...] = ()
    """Edges by the numbers that :meth:`Repairs.loose_edges` gave."""
    drop_receipts: bool = False
    """Whether receipts that cannot be read go."""
    also: tuple[Entry, ...] = ()


class Repairs(Protocol):
    """The catalog seen by a check: nothing here takes a row for what it says it is."""

    def stored(self) -> Iterator[Stored]:
        """Every version, by cube and number; a cube whose current version is missing, as damaged.

        Raises:
            CorruptionError: the table itself cannot be read.
        """
        ...

    def loose_edges(self) -> Mapping[int, str]:
        """Edges that start or end in a cube that is not there, or say nothing we know, in words."""
        ...

    def referred(self) -> set[str]:
        """Every digest of a blob that the body of any version names, and those in the columns.

        Those of trainings among them.

        Raises:
            CorruptionError: the table itself cannot be read.
        """
        ...

    def broken_receipts(self) -> list[str]:
        """The keys of receipts that cannot be read."""
        ...

    def kept(self) -> Iterator[Kept]:
        """Every grant, then every certificate."""
        ...

    def mend(self, mending: Mending) -> None:
        """Apply it, and owe the derived stores what follows from it."""
        ...

    def reindex(self) -> None:
        """Make the database's own indexes anew, from its tables."""
        ...
