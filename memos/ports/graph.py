"""How cubes hang together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memos.ports.near import Near


class Relation(StrEnum):
    """What an edge says of its two ends."""

    NEXT = "next"
    """turn -> the turn that followed it"""
    MENTIONS = "mentions"
    """cube -> an entity (a node that is no cube)"""
    TITLED = "titled"
    """cube -> the entity that it stands under as its title"""
    DERIVED = "derived"
    """derived cube -> one of its parents"""
    SUPERSEDES = "supersedes"
    """cube -> one whose valid time it ended"""
    CONTRADICTS = "contradicts"
    """cube -> an older one with another value, of which nobody knows which holds"""
    DUPLICATES = "duplicates"
    """cube -> an older one that says the same"""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A directed edge between two nodes; a node is a cube's id or an entity's name."""

    source: str
    relation: Relation
    target: str
    version: int = 1
    """For DERIVED: the parent's version that the child was made from; for SUPERSEDES: the version
    of the older cube that was written to end its time; otherwise 1."""


class Edges(Protocol):
    """Where a graph reads its edges: the catalog."""

    def edges_of(
        self, nodes: Collection[str], relations: Collection[Relation] | None = None
    ) -> list[Edge]:
        """Every edge that starts or ends in one of ``nodes``, in ascending order."""
        ...


class Graph(Protocol):
    """A view over the catalog's edges; it holds nothing that could go stale."""

    def near(
        self, nodes: Collection[str], *, relations: Collection[Relation], hops: int
    ) -> list[Near]:
        """The nodes reached from ``nodes`` over at most ``hops`` edges, either way round.

        A score is 1 / distance, from the nearest of ``nodes``; the starting nodes are left out.
        Nearest first; ties are ordered by id.
        """
        ...

    def ancestors(self, node: str) -> list[Edge]:
        """The DERIVED edges on every way from ``node`` up to its origins, nearest first."""
        ...

    def descendants(self, nodes: Collection[str]) -> Sequence[str]:
        """Everything derived from ``nodes``, directly or not, children before grandchildren.

        Nothing comes before what it was derived from. The starting nodes are left out.
        """
        ...
