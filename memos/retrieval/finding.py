"""Finds memories: candidates from the indexes, one ranking, then the cubes themselves."""

from __future__ import annotations

from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from memos.cube import EVERYBODY, Kind
from memos.kinds.whens import spans_in
from memos.ports.catalog import Selection
from memos.ports.cores import one_core
from memos.ports.embedder import read_query
from memos.ports.filters import EVERYTHING, Every, Filter, Some
from memos.ports.words import Room
from memos.retrieval.gathering import POOL, Asked, Gatherer, findable
from memos.retrieval.meeting import met
from memos.retrieval.question import Question
from memos.retrieval.rank import ranked
from memos.retrieval.reasons import explained
from memos.retrieval.said import said_last, said_within
from memos.retrieval.spans import Spans
from memos.retrieval.times import told_by
from memos.retrieval.truth import is_past, lasting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from memos.cube import MemCube, Scope
    from memos.governance.access import Area, Reach
    from memos.kinds.whens import When
    from memos.ports.catalog import Catalog
    from memos.ports.embedder import Asking, Embedder
    from memos.ports.imprints import Imprints
    from memos.ports.near import Near
    from memos.ports.outlines import Outline, Outlines
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words
    from memos.retrieval.evidence import Evidence
    from memos.retrieval.hit import Hit
    from memos.retrieval.rank import Ranked

_SPARE = 2
"""Cubes read beyond ``k``, for those that are gone meanwhile."""
_OF_A_TIME = 50
"""Candidates for each time that a question asks about, where no word or meaning leads to them."""
_NEWEST = 50
"""Candidates of each room that are the newest, where a question asks for what is."""
_WIDER = 4
"""How many times as many candidates are asked for when there were too few."""


class Finder:
    """Searches the plaintext cubes that a principal may read."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        outlines: Outlines,
        words: Words,
        imprints: Imprints,
        embedder: Embedder,
    ) -> None:
        self._catalog = catalog
        self._words = words
        self._imprints = imprints
        self._embedder = embedder
        self._gatherer = Gatherer(outlines)

    @one_core()
    def find(
        self,
        query: str,
        vectors: Vectors,
        *,
        reach: Reach,
        k: int,
        where: Filter,
        now: datetime,
        at: datetime | None = None,
    ) -> list[Hit]:
        """The best ``k`` cubes, best first; reach and filter are enforced before ranking.

        What the question says of time, such as "last May", is meant as it is at ``now``.

        With ``at``, what was over by then is left out: where cubes are listed anyway, by storage;
        otherwise after their outlines were read, since few are.

        Each whole scope of the reach is asked by itself of the vectors: they are quick for a
        scope, and slow for a union of scopes, and cosines are comparable wherever they come from.
        Words are asked of all at once: how rare one is depends on the texts that count.
        """
        asking = read_query(self._embedder, query)
        times = spans_in(query, anchor=now)
        rooms = self._rooms(reach.areas, where if where == EVERYTHING else _lasting(where, at))
        pool = max(POOL, k + k // 2)
        while rooms:
            evidence, is_all = self._gathered(
                query,
                asking,
                vectors,
                rooms,
                times=times,
                pool=pool,
                at=at,
                follows=_is_whole(reach),
            )
            hits = self._hits(evidence, k=k)
            if len(hits) == k or is_all:
                return hits
            pool *= _WIDER  # what was found is over, or says the same as better hits
        return []

    def evidence(
        self, query: str, vectors: Vectors, *, reach: Reach, now: datetime
    ) -> Evidence | None:
        """What there is to rank for a question without a filter; None where there is nothing."""
        asking = read_query(self._embedder, query)
        rooms = self._rooms(reach.areas, EVERYTHING)
        times = spans_in(query, anchor=now)
        if not rooms:
            return None
        return self._gathered(
            query,
            asking,
            vectors,
            rooms,
            times=times,
            pool=POOL,
            at=None,
            follows=_is_whole(reach),
        )[0]

    def _gathered(
        self,
        query: str,
        asking: Asking,
        vectors: Vectors,
        rooms: Sequence[Room],
        *,
        times: Sequence[When],
        pool: int,
        at: datetime | None,
        follows: bool,
    ) -> tuple[Evidence, bool]:
        """What there is in these rooms, and whether that is all there is."""
        near = partial(_near, vectors, asking.vector, rooms)
        nearest = near(pool)
        question = Question.read(query)
        asked = Asked(
            question=question,
            near=nearest,
            cosines=lambda ids: {one.id: one.score for one in near(len(ids), among=ids)},
            matches=self._words.ask(query, within=rooms),
            meet=lambda ids: met(asking, ids, self._imprints.of(ids)),
            admits=lambda outline: (
                findable(outline)
                and (at is None or not is_past(outline.valid_to, at))
                and any(_holds(room, outline) for room in rooms)
            ),
            times=times,
            said_then=self._said_then(rooms, times),
            said_last=self._said_last(rooms, at) if question.newest else (),
            follows=follows,
        )
        return self._gatherer.gather(asked, pool=pool), len(nearest) < pool

    def _said_then(self, rooms: Sequence[Room], times: Sequence[When]) -> list[str]:
        """Memories of the times that a question asks about, some of each."""
        return [
            one
            for asked in times
            for one in said_within(self._catalog, rooms, *told_by(asked), limit=_OF_A_TIME)
        ]

    def _said_last(self, rooms: Sequence[Room], at: datetime | None) -> list[str]:
        """The newest memories, some of each room."""
        return said_last(self._catalog, rooms, lasting=_lasting(EVERYTHING, at), limit=_NEWEST)

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

    def _hits(self, evidence: Evidence, *, k: int) -> list[Hit]:
        found = ranked(evidence)
        best: list[Ranked] = []
        cubes: dict[str, MemCube] = {}
        spans = Spans(self._catalog)
        while len(best) < k and (page := list(islice(found, k + _SPARE))):
            cubes |= {cube.id: cube for cube in self._catalog.find_all([one.id for one in page])}
            best += [
                one  # one may be gone since it was ranked
                for one in page
                if one.id in cubes and spans.takes(cubes[one.id])
            ]
        return explained(evidence, best[:k], cubes)


def _near(
    vectors: Vectors,
    vector: NDArray[np.float32],
    rooms: Sequence[Room],
    count: int,
    *,
    among: Collection[str] | None = None,
) -> list[Near]:
    """The nearest of all rooms, of those ``among`` them."""
    return joined(
        vectors.near(vector, k=count, scope=room.scope, among=_both(room.among, among))
        for room in rooms
    )


def _is_whole(reach: Reach) -> bool:
    """Whether all memories of the users and agents in question may be read."""
    return all(area.where == EVERYTHING and area.scope.session_id is None for area in reach.areas)


def _lasting(where: Filter, at: datetime | None) -> Filter:
    return where if at is None else Every((where, lasting(at)))


def _holds(room: Room, outline: Outline) -> bool:
    return outline.is_in(room.scope) and (room.among is None or outline.id in room.among)


def _both(these: Collection[str] | None, those: Collection[str] | None) -> Collection[str] | None:
    if these is None or those is None:
        return those if these is None else these
    return [one for one in those if one in these]


def joined(lists: Iterable[Sequence[Near]]) -> list[Near]:
    """One list of all, each id once, best first."""
    best: dict[str, Near] = {}
    for near in chain.from_iterable(lists):
        if near.id not in best or best[near.id].score < near.score:
            best[near.id] = near
    return sorted(best.values(), key=lambda near: (-near.score, near.id))
