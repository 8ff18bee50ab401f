"""Gathers candidates and all that is known of them, from indexes, catalog and graph."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from math import log1p
from typing import TYPE_CHECKING

import numpy as np

from memos.cube import Kind
from memos.cube.header import FINDABLE
from memos.kinds.entities import asked_names, entity_of
from memos.ports.graph import Relation
from memos.retrieval.evidence import Evidence, Named
from memos.retrieval.features import direct_score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from memos.kinds.whens import When
    from memos.ports.near import Near
    from memos.ports.outlines import Outline, Outlines
    from memos.ports.words import Matches
    from memos.retrieval.evidence import Met
    from memos.retrieval.question import Question

    Cosines = Callable[[Sequence[str]], Mapping[str, float]]
    """How near to the question the memories of these ids are."""
    Meeting = Callable[[Sequence[str]], Met | None]
    """How near the question's tokens come to the texts of these ids."""
    Admits = Callable[[Outline], bool]

POOL = 150
"""Candidates asked of each index, at least."""
_SEEDS = 30
"""Candidates whose neighbours become candidates."""
_NAMED = 20
"""Candidates whose names lead to others."""
_REACHED = 100
"""Candidates that may come from names."""
_HUB = 64
"""A name in more memories than so many leads nowhere."""


@dataclass(frozen=True)
class Asked:
    """A question, and where its answer is looked for."""

    question: Question
    near: Sequence[Near]
    """The nearest by meaning."""
    cosines: Cosines
    matches: Matches
    meet: Meeting
    admits: Admits
    times: Sequence[When] = ()
    """The times that it asks about."""
    said_then: Sequence[str] = ()
    """Memories of these times."""
    said_last: Sequence[str] = ()
    """The newest memories, where it asks for them."""
    follows: bool = False
    """Whether names may lead to memories beyond the indexes' answers. In how many memories a name
    is decides whether it leads anywhere: that is told only to one who may read all of them."""


class Gatherer:
    """Reads what ranking needs to know, and nothing that is not admitted."""

    def __init__(self, outlines: Outlines) -> None:
        self._outlines = outlines

    def gather(self, asked: Asked, *, pool: int) -> Evidence:
        """The evidence on the best ``pool`` of each index and on what these lead to."""
        known = _Known(asked, self._outlines)
        known.take([near.id for near in asked.near[:pool]])
        known.take([near.id for near in asked.matches.best(pool)])
        known.take(asked.said_then)
        known.take(asked.said_last)
        best = known.best(_SEEDS)
        turns = [one for one in best if known.outlines[one].position is not None]
        texts = [one for one in best[:_NAMED] if known.outlines[one].position is None]
        known.take(known.turns_beside(turns))
        hubs = self._follow_names(texts, known) if texts and asked.follows else set()
        candidates = list(known.outlines)
        for _ in range(2):  # the turns next to each, and next to these
            known.take(known.turns_beside(list(known.outlines)))
        return known.evidence(candidates, self._named(candidates, hubs, known))

    def _follow_names(self, texts: Sequence[str], known: _Known) -> set[str]:
        """Take what shares a name with good candidates or the question; tell hubs."""
        names = {name for _, _, name in self._outlines.names_in(texts)}
        names |= known.asked_names()
        edges = self._outlines.naming(names, most=_HUB)
        reached = Counter(cube for cube, _, _ in edges if cube not in known.outlines)
        known.take([one for one, _ in sorted(reached.items(), key=_most_first)[:_REACHED]])
        return names - {name for _, _, name in edges}

    def _named(self, candidates: Sequence[str], hubs: set[str], known: _Known) -> Named:
        texts = [one for one in candidates if known.outlines[one].position is None]
        edges = (
            [edge for edge in self._outlines.names_in(texts) if edge[2] not in hubs]
            if texts
            else []
        )
        if not edges:
            return Named()
        rows = {one: row for row, one in enumerate(candidates)}
        inside: list[dict[str, float]] = [{} for _ in candidates]
        titles: list[str | None] = [None] * len(candidates)
        often = Counter(name for _, _, name in edges)
        weights = {name: log1p(len(texts) / count) for name, count in often.items()}
        for cube, relation, name in edges:
            row = rows[cube]
            inside[row][name] = weights[name]
            if relation == Relation.TITLED:
                titles[row] = name
        return Named(tuple(inside), tuple(titles), frozenset(known.asked_names()))


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


class _Known:
    """What has been read so far, in the order in which it was come across."""

    def __init__(self, asked: Asked, outlines: Outlines) -> None:
        self._asked = asked
        self._source = outlines
        self._cosines = {near.id: near.score for near in asked.near}
        self._edges: dict[tuple[str, str], None] = {}
        self._looked: set[str] = set()
        self._turned: set[str] = set()
        self.outlines: dict[str, Outline] = {}

    def take(self, ids: Iterable[str]) -> None:
        """Read those that are new; what is not admitted is as if it were not there."""
        new = [one for one in dict.fromkeys(ids) if one not in self._looked]
        if not new:
            return
        self._looked.update(new)
        found = self._source.of(new)
        fit = [one for one in new if one in found and self._asked.admits(found[one])]
        missing = [one for one in fit if one not in self._cosines]
        if missing:
            self._cosines.update(self._asked.cosines(missing))
        self.outlines.update({one: found[one] for one in fit})

    def best(self, count: int) -> list[str]:
        """The ids of the best so far, by meaning and words alone."""
        ids = list(self.outlines)
        direct = direct_score(self.evidence(ids, Named()))
        return [ids[row] for row in np.argsort(-direct, kind="stable")[:count]]

    def turns_beside(self, ids: Sequence[str]) -> list[str]:
        """The turns before and after these, whether known or not."""
        turns = [
            one
            for one in ids
            if self.outlines[one].position is not None and one not in self._turned
        ]
        if not turns:
            return []
        self._turned.update(turns)
        edges = self._source.turns_beside(turns)
        self._edges.update(dict.fromkeys(edges))
        return list(chain.from_iterable(edges))

    def asked_names(self) -> set[str]:
        """What the question may name, among the memories of each user and agent found so far."""
        whose = {(each.user_id, each.agent_id) for each in self.outlines.values()}
        return {
            entity_of(name, *each)
            for each in whose
            for name in asked_names(self._asked.question.text)
        }

    def evidence(self, candidates: Sequence[str], named: Named) -> Evidence:
        """All that is known, the candidates first."""
        first = set(candidates)
        ids = [*candidates, *(one for one in self.outlines if one not in first)]
        rows = {one: row for row, one in enumerate(ids)}
        before, after = np.full(len(ids), -1), np.full(len(ids), -1)
        for earlier, later in self._edges:
            if earlier in rows and later in rows:
                after[rows[earlier]], before[rows[later]] = rows[later], rows[earlier]
        least = min(self._cosines.values(), default=0.0)
        return Evidence(
            question=self._asked.question,
            outlines=[self.outlines[one] for one in ids],
            count=len(candidates),
            cosines=np.array([self._cosines.get(one, least) for one in ids]),
            match=self._asked.matches.of(ids),
            rareness=self._asked.matches.rareness,
            terms=self._asked.matches.terms,
            before=before,
            after=after,
            meet=self._asked.meet,
            named=named,
            times=self._asked.times,
        )


def findable(outline: Outline) -> bool:
    """Whether a search may find it."""
    return outline.kind == Kind.PLAINTEXT and outline.state in FINDABLE
