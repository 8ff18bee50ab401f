"""Facts become cubes: each a text of its own that knows the memories it was drawn from.

    memory a at version 2 ----> fact at version 1: text, evidence, parent (a, 2)

A fact is found as any text is. It speaks for its sources as they were: when one is revised,
expires or is superseded, it is found no more; when one is forgotten, it goes along. Who
revises the fact itself speaks for it from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import MemCube, Parent, Provenance, Step
from memos.governance.scope import inherited, joint
from memos.kinds.drafts import Draft
from memos.kinds.entities import entity_edges
from memos.kinds.evidence import BETWEEN, EVIDENCE, is_fact
from memos.kinds.plaintext import born
from memos.life.writing import CODE
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memos.cube import Governance
    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.kinds.verdicts import Proven
    from memos.life.index import Index
    from memos.ports.catalog import Catalog


class FactWriter:
    """Writes facts, in one transaction a call."""

    def __init__(self, *, catalog: Catalog, index: Index, identities: Identities) -> None:
        self._catalog = catalog
        self._index = index
        self._identities = identities

    def new(self, proven: Sequence[Proven], act: Act) -> list[Proven]:
        """Those that were not drawn from the same versions of the same memories before.

        A fact that somebody else has drawn and the principal may not read is to it as if it were
        not there.
        """
        seen = self._drawn({source.id for one in proven for source in one.sources}, act)
        fresh = []
        for one in proven:
            key = (one.text.casefold(), frozenset(_parents(one.sources)))
            if key not in seen:
                seen.add(key)
                fresh.append(one)
        return fresh

    def write(
        self,
        proven: Sequence[Proven],
        step: Step,
        *,
        act: Act,
        progress: Progress = silent,
    ) -> list[MemCube]:
        """A cube a fact.

        Raises:
            VersionConflict: one of the memories was changed since it was read.
        """
        if not proven:
            return []
        cubes = [self._born(one, step, act) for one in proven]
        ready = self._index.embed(cubes, progress)
        sources = {source.id: source.version for one in proven for source in one.sources}
        derived = [
            Edge(cube.id, Relation.DERIVED, parent.id, parent.version)
            for cube in cubes
            for parent in cube.provenance.parents
        ]
        change = Change(
            audit=act.audit([*(cube.id for cube in cubes), *sources]),
            put=tuple(cubes),
            edges=(*derived, *(edge for cube in cubes for edge in entity_edges(cube))),
            expects={**dict.fromkeys((cube.id for cube in cubes), 0), **sources},
        )
        self._catalog.commit(change)
        self._index.drain(cubes, ready)
        return cubes

    def _born(self, one: Proven, step: Step, act: Act) -> MemCube:
        times = [at for source in one.sources if (at := source.header.valid_from) is not None]
        draft = Draft(
            text=one.text,
            scope=joint(one.sources),
            said_at=max(times, default=None),
            attributes={EVIDENCE: BETWEEN.join(one.evidence)},
            governance=governance_of(one.sources, act),
        )
        provenance = Provenance(
            actor=act.actor, time=act.at, step=step, parents=_parents(one.sources)
        )
        return born(
            draft,
            self._identities.new(act.at),
            now=act.at,
            position=None,
            provenance=provenance,
            owner=act.owner,
        )

    def _drawn(self, ids: Collection[str], act: Act) -> set[tuple[str, frozenset[Parent]]]:
        """The facts that are there of these memories, as far as the principal may read them."""
        edges = self._catalog.edges_of(sorted(ids), [Relation.DERIVED])
        children = act.readable({edge.source for edge in edges if edge.target in ids})
        facts = [cube for cube in self._catalog.find_all(sorted(children)) if is_fact(cube)]
        return {(cube.text.casefold(), frozenset(cube.provenance.parents)) for cube in facts}


def extraction(name: str, by: str | None) -> Step:
    """The step of a fact: by which extractor, and which model in it."""
    return Step(operation="extract", by=by or CODE, parameters={"extractor": name, "code": CODE})


def _parents(sources: Sequence[MemCube]) -> tuple[Parent, ...]:
    """The memories, at the versions that brought what they say."""
    return tuple(Parent(id=source.id, version=source.content_version) for source in sources)


def governance_of(sources: Sequence[MemCube], act: Act) -> Governance:
    """As strict as the strictest source; owned by whoever made it, or else as the sources were."""
    rules = inherited([source.header.governance for source in sources])
    return rules if act.owner is None else rules.model_copy(update={"owner": None})
