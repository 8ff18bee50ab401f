"""Finds memories as they were: candidates from the indexes of today, and from the texts of then.

    texts that have not changed    the indexes of today, asked for these alone
    texts that have                a scratch index, made for this search

Nearness is comparable between the two. The weight of a word is not: it depends on how many texts
have it. So where there are old texts, words are weighed anew, among them and all candidates.
"""

from __future__ import annotations

from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from memos.cube.scope import EVERYBODY
from memos.kinds.plaintext import indexed_text
from memos.ports.cores import one_core
from memos.ports.embedder import read, read_query
from memos.ports.vectors import VectorEntry
from memos.ports.words import Room, WordEntry
from memos.retrieval.finding import joined
from memos.retrieval.gathering import POOL, Asked, Gatherer
from memos.retrieval.meeting import met
from memos.retrieval.outlines_past import PastOutlines
from memos.retrieval.question import Question
from memos.retrieval.rank import ranked
from memos.retrieval.reasons import explained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.cube import MemCube
    from memos.ports.catalog import Catalog
    from memos.ports.embedder import Asking, Embedder
    from memos.ports.imprint import Imprint
    from memos.ports.imprints import Imprints
    from memos.ports.near import Near
    from memos.ports.outlines import Outlines
    from memos.ports.vectors import Vectors
    from memos.ports.words import Matches, Words
    from memos.retrieval.evidence import Met
    from memos.retrieval.gathering import Meeting
    from memos.retrieval.hit import Hit
    from memos.retrieval.past import Findable
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
        imprints: Imprints,
        embedder: Embedder,
        open_scratch: OpenScratch,
    ) -> None:
        self._catalog = catalog
        self._outlines = outlines
        self._words = words
        self._imprints = imprints
        self._embedder = embedder
        self._open_scratch = open_scratch

    @one_core()
    def find(self, query: str, vectors: Vectors, then: Findable, *, k: int) -> list[Hit]:
        """The best ``k`` cubes of then, best first."""
        pool = max(POOL, k + k // 2)
        asking = read_query(self._embedder, query)
        vector = asking.vector

        def near(count: int, among: frozenset[str] = then.indexed) -> list[Near]:
            if not among:
                return []
            return vectors.near(vector, k=count, scope=then.scope, among=among)

        matches = self._words.ask(query, within=[Room(then.scope, then.indexed)])
        if not then.old:
            meeting = partial(self._met, asking, {})
            asked = self._asked(query, near(pool), near, matches=matches, meeting=meeting)
            return self._found(asked, then, k=k, pool=pool)
        candidates = [each.id for each in chain(near(pool), matches.best(pool))]
        others = list(self._as_then(candidates, then).values())
        with self._open_scratch(self._embedder.dimension) as scratch:
            olden = self._fill(scratch, then.old, others)

            def nearer(count: int, among: frozenset[str] | None = None) -> list[Near]:
                before = scratch.vectors.near(vector, k=count, scope=EVERYBODY, among=among)
                today = then.indexed if among is None else then.indexed & among
                return joined([near(count, today), before])

            matches = scratch.words.ask(query, within=[Room(EVERYBODY)])
            meeting = partial(self._met, asking, olden)
            asked = self._asked(query, nearer(pool), nearer, matches=matches, meeting=meeting)
            return self._found(asked, then, k=k, pool=pool)

    def _met(self, asking: Asking, olden: Mapping[str, Imprint], ids: Sequence[str]) -> Met | None:
        """Of what has not changed by the index; of the rest, as it was."""
        same = self._imprints.of([one for one in ids if one not in olden])
        return met(asking, ids, {**same, **olden})

    def _asked(
        self,
        query: str,
        nearest: Sequence[Near],
        near: Nearest,
        *,
        matches: Matches,
        meeting: Meeting,
    ) -> Asked:
        return Asked(
            question=Question.read(query),
            near=nearest,
            cosines=lambda ids: {one.id: one.score for one in near(len(ids), frozenset(ids))},
            matches=matches,
            meet=meeting,
            admits=lambda _: True,  # PastOutlines has none but what could be found then
        )

    def _fill(
        self, scratch: Scratch, old: Sequence[MemCube], others: Sequence[MemCube]
    ) -> dict[str, Imprint]:
        """Index the texts of then and of today; the imprints of those of then."""
        texts = {cube.id: indexed_text(cube) for cube in (*others, *old)}
        readings = read(self._embedder, [texts[cube.id] for cube in old])
        made = {cube.id: reading for cube, reading in zip(old, readings, strict=True)}
        scratch.vectors.put(
            [VectorEntry(one, each.vector, EVERYBODY) for one, each in made.items()]
        )
        scratch.words.put([WordEntry(one, text, EVERYBODY) for one, text in texts.items()])
        return {one: each.imprint for one, each in made.items() if each.imprint is not None}

    def _found(self, asked: Asked, then: Findable, *, k: int, pool: int) -> list[Hit]:
        gatherer = Gatherer(PastOutlines(self._outlines, then))
        evidence = gatherer.gather(asked, pool=pool)
        best = list(islice(ranked(evidence), k))
        cubes = self._as_then([each.id for each in best], then)
        return explained(evidence, [each for each in best if each.id in cubes], cubes)

    def _as_then(self, ids: Sequence[str], then: Findable) -> dict[str, MemCube]:
        """The cubes as they were; what has not changed is read as it is."""
        same = self._catalog.find_all([one for one in ids if one not in then.changed])
        return {
            **{cube.id: cube for cube in same},
            **{one: then.changed[one] for one in ids if one in then.changed},
        }
