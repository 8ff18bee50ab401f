"""Finds memories: candidates from the indexes, one ranking, then the cubes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Kind
from memos.ports.catalog import Selection
from memos.ports.filters import EVERYTHING, Filter
from memos.ports.graph import Relation
from memos.retrieval.hit import Hit
from memos.retrieval.rank import Ranked, fused, with_neighbours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from memos.cube import MemCube, Scope
    from memos.ports.catalog import Catalog
    from memos.ports.embedder import Embedder
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words

_POOL = 30
"""Candidates asked of each index, at least."""
_SPARE = 2
"""Cubes read beyond ``k``, for those that turn out not to be admitted."""
_SEEDS = 8
"""Direct hits whose neighbours are considered."""


class Finder:
    """Searches the plaintext cubes that a scope covers."""

    def __init__(self, *, catalog: Catalog, words: Words, embedder: Embedder) -> None:
        self._catalog = catalog
        self._words = words
        self._embedder = embedder

    def find(
        self, query: str, vectors: Vectors, *, scope: Scope, k: int, where: Filter
    ) -> list[Hit]:
        """The best ``k`` cubes, best first; scope and filter are enforced before ranking."""
        among = self._among(scope, where)
        if among is not None and not among:
            return []
        pool = max(_POOL, 3 * k)
        near = vectors.near(self._embedder.embed_query(query), k=pool, scope=scope, among=among)
        worded = self._words.near(query, k=pool, scope=scope, among=among)
        parts = fused(near, worded)
        ranked = with_neighbours(parts, self._neighbours(parts))
        return self._hits(ranked, scope=scope, among=among, k=k)

    def _among(self, scope: Scope, where: Filter) -> set[str] | None:
        if where == EVERYTHING:
            return None
        selection = Selection(scope=scope, where=where, kinds=(Kind.PLAINTEXT,))
        return set(self._catalog.ids(selection))

    def _neighbours(self, parts: dict[str, dict[str, float]]) -> dict[str, list[str]]:
        strongest = sorted(parts, key=lambda each: (-sum(parts[each].values()), each))[:_SEEDS]
        edges = self._catalog.edges_of(strongest, [Relation.NEXT])
        neighbours: dict[str, list[str]] = {seed: [] for seed in strongest}
        for edge in edges:
            for here, there in ((edge.source, edge.target), (edge.target, edge.source)):
                if here in neighbours:
                    neighbours[here].append(there)
        return neighbours

    def _hits(
        self, ranked: Sequence[Ranked], *, scope: Scope, among: Collection[str] | None, k: int
    ) -> list[Hit]:
        hits: list[Hit] = []
        for cube, each in self._cubes(ranked, k + _SPARE):
            admitted = scope.covers(cube.scope) and (among is None or cube.id in among)
            if admitted and cube.kind is Kind.PLAINTEXT:
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
