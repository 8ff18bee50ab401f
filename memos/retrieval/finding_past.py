"""Finds memories as they were: candidates from the indexes of today, and from the texts of then.

    texts that have not changed    the indexes of today, asked for these alone
    texts that have                a scratch index, made for this search

Nearness is comparable between the two. The weight of a word is not: it depends on how many texts
have it. So where there are old texts, words are weighed anew, among them and all candidates.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from memos.cube.scope import EVERYBODY
from memos.kinds.plaintext import indexed_text
from memos.ports.vectors import VectorEntry
from memos.ports.words import Room, WordEntry
from memos.retrieval.finding import POOL, joined, neighbours
from memos.retrieval.hit import Hit
from memos.retrieval.rank import fused, with_neighbours

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memos.cube import MemCube
    from memos.ports.catalog import Catalog
    from memos.ports.embedder import Embedder
    from memos.ports.near import Near
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words
    from memos.retrieval.past import Findable
    from memos.retrieval.rank import Ranked
    from memos.retrieval.scratch import OpenScratch


class PastFinder:
    """Searches the plaintext cubes as they were; the more have changed since, the longer."""

    def __init__(
        self, *, catalog: Catalog, words: Words, embedder: Embedder, open_scratch: OpenScratch
    ) -> None:
        self._catalog = catalog
        self._words = words
        self._embedder = embedder
        self._open_scratch = open_scratch

    def find(self, query: str, vectors: Vectors, then: Findable, *, k: int) -> list[Hit]:
        """The best ``k`` cubes of then, best first."""
        pool = max(POOL, 3 * k)
        vector = self._embedder.embed_query(query)
        near: list[Near] = []
        worded: list[Near] = []
        if then.indexed:
            near = vectors.near(vector, k=pool, scope=then.scope, among=then.indexed)
            worded = self._words.near(query, k=pool, within=[Room(then.scope, then.indexed)])
        if then.old:
            candidates = self._as_then([each.id for each in chain(near, worded)], then)
            near, worded = self._weighed(
                query, vector, then.old, near=near, others=list(candidates.values()), pool=pool
            )
        parts = fused(near, worded)
        return self._hits(with_neighbours(parts, neighbours(self._catalog, parts)), then, k=k)

    def _weighed(
        self,
        query: str,
        vector: NDArray[np.float32],
        old: Sequence[MemCube],
        *,
        near: Sequence[Near],
        others: Sequence[MemCube],
        pool: int,
    ) -> tuple[list[Near], list[Near]]:
        texts = {cube.id: indexed_text(cube) for cube in (*others, *old)}
        made = self._embedder.embed([texts[cube.id] for cube in old])
        with self._open_scratch(self._embedder.dimension) as scratch:
            scratch.vectors.put(
                [VectorEntry(cube.id, row, EVERYBODY) for cube, row in zip(old, made, strict=True)]
            )
            scratch.words.put([WordEntry(one, text, EVERYBODY) for one, text in texts.items()])
            olden = scratch.vectors.near(vector, k=pool, scope=EVERYBODY)
            return joined([near, olden]), scratch.words.near(
                query, k=pool, within=[Room(EVERYBODY)]
            )

    def _hits(self, ranked: Sequence[Ranked], then: Findable, *, k: int) -> list[Hit]:
        there = [each for each in ranked if each.id in then.indexed or each.id in then.changed][:k]
        cubes = self._as_then([each.id for each in there], then)
        return [
            Hit(cube=cubes[each.id], score=each.score, parts=each.parts)
            for each in there
            if each.id in cubes
        ]

    def _as_then(self, ids: Sequence[str], then: Findable) -> dict[str, MemCube]:
        """The cubes as they were; what has not changed is read as it is."""
        same = self._catalog.find_all([one for one in ids if one not in then.changed])
        return {
            **{cube.id: cube for cube in same},
            **{one: then.changed[one] for one in ids if one in then.changed},
        }
