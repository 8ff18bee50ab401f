"""Finds memories: candidates from the indexes, one ranking, then the cubes themselves."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from memos.cube import EVERYBODY, Kind
from memos.cube.header import FINDABLE
from memos.ports.catalog import Selection
from memos.ports.filters import EVERYTHING, Every, Filter, Some
from memos.ports.graph import Relation
from memos.ports.words import Room
from memos.retrieval.hit import Hit
from memos.retrieval.rank import Ranked, fused, with_neighbours
from memos.retrieval.truth import is_over, lasting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from memos.cube import MemCube, Scope
    from memos.governance.access import Area, Reach
    from memos.ports.catalog import Catalog
    from memos.ports.embedder import Embedder
    from memos.ports.near import Near
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words

POOL = 30
"""Candidates asked of each index, at least."""
_SPARE = 2
"""Cubes read beyond ``k``, for those that turn out not to be admitted."""
_SEEDS = 8
"""Direct hits whose neighbours are considered."""


class Finder:
    """Searches the plaintext cubes that a principal may read."""

    def __init__(self, *, catalog: Catalog, words: Words, embedder: Embedder) -> None:
        self._catalog = catalog
        self._words = words
        self._embedder = embedder

    def find(
        self,
        query: str,
        vectors: Vectors,
        *,
        reach: Reach,
        k: int,
        where: Filter,
        at: datetime | None = None,
    ) -> list[Hit]:
        """The best ``k`` cubes, best first; reach and filter are enforced before ranking.

        With ``at``, what was over by then is left out: where cubes are listed anyway, by storage;
        otherwise after they were read, since few are. If too few are left although there are more
        candidates, those that last are listed after all.

        Each whole scope of the reach is asked by itself of the vectors: they are quick for a
        scope, and slow for a union of scopes, and cosines are comparable wherever they come from.
        Words are asked of all at once: how rare one is depends on the texts that count.
        """
        lasts = where if at is None else Every((where, lasting(at)))
        asked = where if where == EVERYTHING else lasts
        said = query, self._embedder.embed_query(query)
        rooms = self._rooms(reach.areas, asked)
        hits, short = self._found(said, vectors, rooms, k=k, at=at)
        if short and asked != lasts:
            rooms = self._rooms(reach.areas, lasts)
            hits, _ = self._found(said, vectors, rooms, k=k, at=at)
        return hits

    def _found(
        self,
        query: tuple[str, NDArray[np.float32]],
        vectors: Vectors,
        rooms: Sequence[Room],
        *,
        k: int,
        at: datetime | None,
    ) -> tuple[list[Hit], bool]:
        """Hits in these rooms, and whether fewer than ``k`` are left though there may be more."""
        if not rooms:
            return [], False
        pool = max(POOL, 3 * k)
        near = joined(
            vectors.near(query[1], k=pool, scope=room.scope, among=room.among) for room in rooms
        )
        worded = self._words.near(query[0], k=pool, within=rooms)
        parts = fused(near, worded)
        ranked = with_neighbours(parts, neighbours(self._catalog, parts))
        hits = self._hits(ranked, rooms, k=k, at=at)
        return hits, len(hits) < k and len(near) >= pool

    def _rooms(self, areas: Sequence[Area], where: Filter) -> list[Room]:
        """A room for each whole scope, and one for everything that has to be listed by its ids."""
        if where == EVERYTHING:
            rooms = [Room(area.scope, None) for area in areas if area.where == EVERYTHING]
            areas = [area for area in areas if area.where != EVERYTHING]
        else:
            rooms = []
        by_scope: dict[Scope, list[Filter]] = {}
        for area in areas:
            by_scope.setdefault(area.scope, []).append(area.where)
        listed: set[str] = set()
        for scope, wheres in by_scope.items():  # storage has an index for each of them
            both = Every((Some(tuple(wheres)), where))
            selection = Selection(scope=scope, where=both, kinds=(Kind.PLAINTEXT,))
            listed.update(self._catalog.ids(selection))
        if listed:
            (scope,) = by_scope if len(by_scope) == 1 else (EVERYBODY,)
            rooms.append(Room(scope, frozenset(listed)))
        return rooms

    def _hits(
        self, ranked: Sequence[Ranked], rooms: Sequence[Room], *, k: int, at: datetime | None
    ) -> list[Hit]:
        hits: list[Hit] = []
        for cube, each in self._cubes(ranked, k + _SPARE):
            counts = _is_found(cube) and (at is None or not is_over(cube, at))
            if counts and any(_holds(room, cube) for room in rooms):
                hits.append(Hit(cube=cube, score=each.score, parts=each.parts))
            if len(hits) == k:
                break
        return hits

    def _cubes(self, ranked: Sequence[Ranked], page: int) -> Iterator[tuple[MemCube, Ranked]]:
        # Page by page: a neighbour may turn out to be another's, or outside the filter.
        for start in range(0, len(ranked), page):
            part = ranked[start : start + page]
            cubes = {cube.id: cube for cube in self._catalog.find_all([one.id for one in part])}
            yield from ((cubes[one.id], one) for one in part if one.id in cubes)


def _holds(room: Room, cube: MemCube) -> bool:
    return room.scope.covers(cube.scope) and (room.among is None or cube.id in room.among)


def _is_found(cube: MemCube) -> bool:
    return cube.kind is Kind.PLAINTEXT and cube.state in FINDABLE


def neighbours(catalog: Catalog, parts: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """What stands next to the strongest hits in their conversations."""
    strongest = sorted(parts, key=lambda each: (-sum(parts[each].values()), each))[:_SEEDS]
    edges = catalog.edges_of(strongest, [Relation.NEXT])
    beside: dict[str, list[str]] = {seed: [] for seed in strongest}
    for edge in edges:
        for here, there in ((edge.source, edge.target), (edge.target, edge.source)):
            if here in beside:
                beside[here].append(there)
    return beside


def joined(lists: Iterable[Sequence[Near]]) -> list[Near]:
    """One list of all, each id once, best first."""
    best: dict[str, Near] = {}
    for near in chain.from_iterable(lists):
        if near.id not in best or best[near.id].score < near.score:
            best[near.id] = near
    return sorted(best.values(), key=lambda near: (-near.score, near.id))
