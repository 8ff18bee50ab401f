"""Finds memories as they were: candidates from the indexes of today, and from the texts of then.

    texts that have not changed    the indexes of today, asked for these alone
    texts that have                a scratch index, made for this search

Nearness is comparable between the two. The weight of a word is not: it depends on how many texts
have it. So where there are old texts, words are weighed anew, among them and all candidates.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from memos.cube.scope import EVERYBODY
from memos.kinds.plaintext import indexed_text
from memos.ports.vectors import VectorEntry
from memos.ports.words import Room, WordEntry
from memos.retrieval.finding import joined
from memos.retrieval.gathering import POOL, Asked, Gatherer
from memos.retrieval.hit import Hit
from memos.retrieval.outlines_past import PastOutlines
from memos.retrieval.question import Question
from memos.retrieval.rank import ranked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.cube import MemCube
    from memos.ports.catalog import Catalog
    from memos.ports.embedder import Embedder
    from memos.ports.near import Near
    from memos.ports.outlines import Outlines
    from memos.ports.vectors import Vectors
    from memos.ports.words import Matches, Words
    from memos.retrieval.past import Findable
    from memos.retrieval.rank import Ranked
    from memos.retrieval.scratch import OpenScratch, Scratch

    class Nearest(Protocol):
        """The nearest by meaning, of all or of some."""

        def __call__(self, count: int, among: frozenset[str], /) -> list[Near]:
            """At most ``count``."""
            ...


class PastFinder:
    """Searches the plaintext cubes as they were; the more have changed since, the longer."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        outlines: Outlines,
        words: Words,
        embedder: Embedder,
        open_scratch: OpenScratch,
    ) -> None:
        self._catalog = catalog
        self._outlines = outlines
        self._words = words
        self._embedder = embedder
        self._open_scratch = open_scratch

    def find(self, query: str, vectors: Vectors, then: Findable, *, k: int) -> list[Hit]:
        """The best ``k`` cubes of then, best first."""
        pool = max(POOL, k + k // 2)
        vector = self._embedder.embed_query(query)

        def near(count: int, among: frozenset[str] = then.indexed) -> list[Near]:
            if not among:
                return []
            return vectors.near(vector, k=count, scope=then.scope, among=among)

        matches = self._words.ask(query, within=[Room(then.scope, then.indexed)])
        if not then.old:
            asked = self._asked(query, near(pool), near, matches)
            return self._found(asked, then, k=k, pool=pool)
        candidates = [each.id for each in chain(near(pool), matches.best(pool))]
        others = list(self._as_then(candidates, then).values())
        with self._open_scratch(self._embedder.dimension) as scratch:
            self._fill(scratch, then.old, others)

            def nearer(count: int, among: frozenset[str] | None = None) -> list[Near]:
                olden = scratch.vectors.near(vector, k=count, scope=EVERYBODY, among=among)
                today = then.indexed if among is None else then.indexed & among
                return joined([near(count, today), olden])

            matches = scratch.words.ask(query, within=[Room(EVERYBODY)])
            asked = self._asked(query, nearer(pool), nearer, matches)
            return self._found(asked, then, k=k, pool=pool)

    def _asked(self, query: str, nearest: Sequence[Near], near: Nearest, matches: Matches) -> Asked:
        return Asked(
            question=Question.read(query),
            near=nearest,
            cosines=lambda ids: {one.id: one.score for one in near(len(ids), frozenset(ids))},
            matches=matches,
            admits=lambda _: True,  # PastOutlines has none but what could be found then
        )

    def _fill(self, scratch: Scratch, old: Sequence[MemCube], others: Sequence[MemCube]) -> None:
        texts = {cube.id: indexed_text(cube) for cube in (*others, *old)}
        made = self._embedder.embed([texts[cube.id] for cube in old])
        scratch.vectors.put(
            [VectorEntry(cube.id, row, EVERYBODY) for cube, row in zip(old, made, strict=True)]
        )
        scratch.words.put([WordEntry(one, text, EVERYBODY) for one, text in texts.items()])

    def _found(self, asked: Asked, then: Findable, *, k: int, pool: int) -> list[Hit]:
        gatherer = Gatherer(PastOutlines(self._outlines, then))
        return self._hits(ranked(gatherer.gather(asked, pool=pool)), then, k=k)

    def _hits(self, found: Iterator[Ranked], then: Findable, *, k: int) -> list[Hit]:
        best = list(islice(found, k))
        cubes = self._as_then([each.id for each in best], then)
        return [
            Hit(cube=cubes[each.id], score=each.score, parts=each.parts)
            for each in best
            if each.id in cubes
        ]

    def _as_then(self, ids: Sequence[str], then: Findable) -> dict[str, MemCube]:
        """The cubes as they were; what has not changed is read as it is."""
        same = self._catalog.find_all([one for one in ids if one not in then.changed])
        return {
            **{cube.id: cube for cube in same},
            **{one: then.changed[one] for one in ids if one in then.changed},
        }
