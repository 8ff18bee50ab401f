"""Cubes go, and whatever was derived from them goes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.life.report import Doomed, Forgotten
from memos.ports.catalog import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.life.index import Index
    from memos.life.once import Once
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock
    from memos.ports.graph import Graph
    from memos.ports.ledger import Entry


class Forgetter:
    """Erases cubes with all their versions, their derivations, index rows and blobs."""

    def __init__(self, *, catalog: Catalog, graph: Graph, index: Index, clock: Clock) -> None:
        self._catalog = catalog
        self._graph = graph
        self._index = index
        self._clock = clock

    def forget(
        self,
        cubes: Sequence[MemCube],
        once: Once,
        *,
        act: Act,
        dry_run: bool,
        also: tuple[Entry, ...] = (),
    ) -> Forgotten:
        """Forget cubes, or say what forgetting them would take along.

        ``also`` is written along, even where there is no cube to forget.
        """
        if once.answer is not None:
            return Forgotten.model_validate(once.answer)
        forgotten = self.doomed(cubes, dry_run=dry_run)
        if dry_run or not (forgotten.cubes or also):
            act.outcome = "dry run" if dry_run else "nothing to forget"
            return forgotten
        change = Change(
            audit=act.audit(forgotten.ids),
            forget=forgotten.ids,
            expects={cube.id: cube.version for cube in cubes},
            receipt=once.receipt(_without_content(forgotten)),
            also=also,
        )
        self._catalog.commit(change)
        self._index.drain()
        return forgotten

    def doomed(self, cubes: Sequence[MemCube], *, dry_run: bool) -> Forgotten:
        """What goes: the cubes themselves, then everything derived from them."""
        asked = {cube.id: cube for cube in cubes}
        derived = [one for one in self._graph.descendants(list(asked)) if one not in asked]
        everything = [*cubes, *self._catalog.find_all(derived)]
        doomed = [
            Doomed(id=cube.id, kind=cube.kind, title=cube.header.title, because=_why(cube, asked))
            for cube in everything
        ]
        blobs = tuple(sorted({digest for cube in everything for digest in cube.blobs}))
        return Forgotten(cubes=tuple(doomed), blobs=blobs, dry_run=dry_run)


def _why(cube: MemCube, asked: dict[str, MemCube]) -> str | None:
    if cube.id in asked:
        return None
    parents = [parent.id for parent in cube.provenance.parents]
    return next((parent for parent in parents if parent in asked), parents[0])


def _without_content(forgotten: Forgotten) -> JsonValue:
    # The receipt outlives the cubes: titles, which hold their text, are left out.
    cubes = tuple(doomed.model_copy(update={"title": ""}) for doomed in forgotten.cubes)
    answer: JsonValue = forgotten.model_copy(update={"cubes": cubes}).model_dump(mode="json")
    return answer
