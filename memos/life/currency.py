"""Whether a derived cube still speaks for its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Kind, State
from memos.errors import ExpiredCube, NotFound, StaleCube
from memos.ingest.whole import is_view
from memos.kinds.evidence import is_fact
from memos.life.expectation import require_unexpired
from memos.life.kv_report import Standing
from memos.life.lineage import Ancestor, Lineage
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from memos.cube import MemCube, Parent
    from memos.ports.catalog import Catalog
    from memos.ports.graph import Graph


class Currency:
    """Reads lineages; a cube is current while no ancestor has been revised, or has expired."""

    def __init__(self, *, catalog: Catalog, graph: Graph) -> None:
        self._catalog = catalog
        self._graph = graph

    def lineage(self, cube: MemCube) -> Lineage:
        """The cube and everything it was derived from, nearest first."""
        edges = self._graph.ancestors(cube.id)
        above = {edge.target for edge in edges}
        now = self._catalog.contents(above)
        expired = set(self._catalog.ids(_expired(above))) if above else set()
        distance = {cube.id: 0}
        children: dict[tuple[str, int], list[str]] = {}
        for edge in edges:
            children.setdefault((edge.target, edge.version), []).append(edge.source)
            step = distance.get(edge.source, 0) + 1
            distance[edge.target] = min(step, distance.get(edge.target, step))
        found = {(target, version): self._catalog.find(target, version)
                 for target, version in children}  # fmt: skip
        there = [one for one in (cube, *found.values()) if one is not None]
        apart = {one.id for one in there if not _speaks(one)}
        followed = {each: not apart.issuperset(below) for each, below in children.items()}
        ancestors = [
            Ancestor(
                cube=ancestor,
                children=tuple(children[each]),
                distance=distance[ancestor.id],
                stale=followed[each]
                and now.get(ancestor.id) != ancestor.content_version
                and not self._is_same(ancestor),
                expired=followed[each] and ancestor.id in expired,
            )
            for each, ancestor in found.items()
            if ancestor is not None
        ]
        return Lineage(cube=cube, ancestors=tuple(ancestors))

    def outdated(self, cubes: Sequence[MemCube], at: datetime | None = None) -> set[str]:
        """The ids of those that are facts whose sources have been revised, or have expired, since.

        With ``at``, also of those whose sources held no more by then. A source that is not here at
        all, as of a fact that was imported alone, is not missed.
        """
        facts = [cube for cube in cubes if is_fact(cube)]
        if not facts:
            return set()
        named = {parent.id for fact in facts for parent in fact.provenance.parents}
        now = {source.id: source for source in self._catalog.find_all(sorted(named))}
        return {
            fact.id
            for fact in facts
            for parent in fact.provenance.parents
            if parent.id in now and not self._holds(now[parent.id], parent, at)
        }

    def require_current(self, cube: MemCube) -> Lineage:
        """The lineage of a cube that may be served.

        Raises:
            StaleCube: an ancestor has been revised since.
            ExpiredCube: its own time, or that of an ancestor, is over.
        """
        require_unexpired(cube)
        lineage = self.lineage(cube)
        if lineage.stale:
            # Whoever was granted this cube alone is not to learn the ids of its sources.
            message = f"{cube.kind} cube {cube.id} was made from what has been revised since"
            raise StaleCube(message, hint="transform the sources again: memos lineage names them")
        if lineage.expired:
            message = f"{cube.kind} cube {cube.id} was made from what has expired since"
            raise ExpiredCube(message, hint="transform what has not expired: memos lineage")
        return lineage

    def sources(self, state: MemCube) -> tuple[MemCube, ...]:
        """The texts that a KV cube which may be served was made from, in their order.

        Raises:
            StaleCube, ExpiredCube: it may not be served.
            NotFound: it is no KV cube, or one of them is gone.
        """
        lineage = self.require_current(state)
        there = {ancestor.cube.id: ancestor.cube for ancestor in lineage.ancestors}
        missing = [one.id for one in state.provenance.parents if one.id not in there]
        if missing or state.kind is not Kind.ACTIVATION:
            raise NotFound(f"KV cube {state.id} was made from what is gone")
        return tuple(there[parent.id] for parent in state.provenance.parents)

    def speaks_still(self, text: MemCube) -> bool:
        """Whether a text can be taken as it is: neither it nor what it speaks for has changed."""
        return self.standing(text) is Standing.CURRENT

    def standing(self, state: MemCube) -> Standing:
        """Whether a derived cube may be served, and if not, why."""
        if state.state is State.EXPIRED:
            return Standing.EXPIRED
        lineage = self.lineage(state)
        if lineage.stale:
            return Standing.STALE
        return Standing.EXPIRED if lineage.expired else Standing.CURRENT

    def _holds(self, source: MemCube, parent: Parent, at: datetime | None) -> bool:
        """Whether a source is still what a fact was drawn from."""
        ends = source.header.valid_to
        if source.state is State.EXPIRED or (at is not None and ends is not None and ends <= at):
            return False
        if source.content_version == parent.version:
            return True
        then = self._catalog.find(parent.id, parent.version)
        return then is not None and self._is_same(then)

    def _is_same(self, then: MemCube) -> bool:
        """Whether an adapter was only examined anew since then: its weights are what they were."""
        if then.kind is not Kind.PARAMETRIC:
            return False
        now = self._catalog.find(then.id)
        return now is not None and now.blobs == then.blobs


def _expired(ids: Collection[str]) -> Selection:
    named = Condition("id", Operator.IN, [*sorted(ids)])
    return Selection(where=Every((named, Condition("state", Operator.EQ, str(State.EXPIRED)))))


def _speaks(cube: MemCube) -> bool:
    """Whether a cube speaks for its sources; a fork or a merged text speaks for itself."""
    return cube.kind is not Kind.PLAINTEXT or is_view(cube) or is_fact(cube)
