"""The system calls that find: by a query, by conditions, and by time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import Right
from memos.kernel.arguments import read_kind, require_count, require_page
from memos.kernel.moments import MomentCalls
from memos.kernel.valid import found_at, listed_at
from memos.kinds.drafts import checked_text
from memos.ports.catalog import Selection
from memos.ports.filters import Every
from memos.retrieval.filters import read_filter
from memos.retrieval.links import links_of
from memos.retrieval.truth import is_over

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memos.cube import Kind, MemCube, State
    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.ports.filters import Filter
    from memos.retrieval.hit import Hit
    from memos.retrieval.links import Link

_LARGEST_K = 1000
_NAMED = 1000
"""How many of the cubes that a listing returned its row in the journal names."""


class SearchCalls(MomentCalls):
    """Find memories, and what they have to do with each other."""

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        filters: Mapping[str, Any] | None = None,
        as_of: datetime | str | float | None = None,
        known_at: datetime | str | float | None = None,
        include_superseded: bool = False,
        **whose: Unpack[Whose],
    ) -> list[Hit]:
        """The ``k`` memories that answer a query best, best first.

        As many come back as the scope and the filters admit, up to ``k``: both are enforced
        before ranking. ``hit.parts`` says what the score is made of, ``hit.links`` with which
        other memories a hit agrees or not.

        Args:
            query: what to look for.
            k: at most so many, and at most 1,000.
            filters: see ``memos.retrieval.filters``.
            as_of: what was true in the world then, by valid time, instead of what holds now.
            known_at: what this store knew then, by recorded time; as ``at(known_at).search``.
            include_superseded: also what holds no more; ``hit.superseded`` tells which.
            whose: only these ids' memories.

        Raises:
            BadInput: the query is empty, ``k`` is out of range, a filter or a time cannot be read,
                or both ``as_of`` and ``include_superseded`` were given.
            NotFound: ``known_at`` names a snapshot that one has not.
        """
        if known_at is not None:
            return self.at(known_at).search(
                query,
                k=k,
                filters=filters,
                as_of=as_of,
                include_superseded=include_superseded,
                **whose,
            )
        with self._act("search", Right.READ, **whose) as act:
            text = checked_text(query, "the query")
            require_count(k, "k", largest=_LARGEST_K)
            where = act.asked(read_filter(filters))
            true = found_at(as_of, include_superseded=include_superseded)
            asked = where if true is None else Every((where, true))
            now = act.at if as_of is None and not include_superseded else None
            return self._search(text, act, k=k, where=asked, at=now)

    def get_all(  # noqa: PLR0913 - each of them is part of the contract
        self,
        *,
        kind: Kind | str | None = None,
        state: State | str | None = None,
        filters: Mapping[str, Any] | None = None,
        as_of: datetime | str | float | None = None,
        known_at: datetime | str | float | None = None,
        include_superseded: bool = True,
        limit: int | None = None,
        after: str | None = None,
        newest_first: bool = False,
        **whose: Unpack[Whose],
    ) -> list[MemCube]:
        """Cubes in the order in which they were made; unlike a search, whether they hold or not.

        Args:
            kind: only this kind.
            state: only in this state.
            filters: see ``memos.retrieval.filters``.
            as_of: only what was true in the world then, by valid time.
            known_at: what this store knew then, by recorded time.
            include_superseded: False leaves out what holds no more.
            limit: at most so many.
            after: a cube's id; only cubes beyond it, for reading page by page.
            newest_first: the other way round.
            whose: only these ids' cubes.

        Raises:
            BadInput: the kind, the state, a filter, a time or the limit cannot be read.
            NotFound: ``known_at`` names a snapshot that one has not.
        """
        if known_at is not None:
            return self.at(known_at).get_all(
                kind=kind,
                state=state,
                filters=filters,
                as_of=as_of,
                include_superseded=include_superseded,
                limit=limit,
                after=after,
                newest_first=newest_first,
                **whose,
            )
        with self._act("get_all", Right.READ, **whose) as act:
            require_page(limit, after, newest_first=newest_first)
            narrowed = listed_at(state, as_of, act.at, include_superseded=include_superseded)
            selection = Selection(
                scope=act.scope,
                where=Every((act.asked(read_filter(filters)), narrowed, act.visible())),
                kinds=() if kind is None else (read_kind(kind),),
                after=after,
                newest_first=newest_first,
                limit=limit,
            )
            cubes = self._parts.catalog.select(selection)
            act.touch(cube.id for cube in cubes[:_NAMED])
            return act.shown(cubes, current=True)

    def links(
        self,
        id: str,  # noqa: A002 - the name every user expects
        **whose: Unpack[Whose],
    ) -> tuple[Link, ...]:
        """What a cube has superseded, what superseded it, what it contradicts or says again.

        Raises:
            UnknownCube: there is none in this scope.
        """
        with self._act("links", Right.READ, **whose) as act:
            cube = self._seen(id, act)
            return links_of([cube], self._parts.catalog, act.widened()).get(cube.id, ())

    def _search(
        self, text: str, act: Act, *, k: int, where: Filter, at: datetime | None
    ) -> list[Hit]:
        hits = self._found(text, act, k=k, where=where, at=at)
        act.touch(hit.cube.id for hit in hits)
        return hits

    def _found(
        self, text: str, act: Act, *, k: int, where: Filter, at: datetime | None
    ) -> list[Hit]:
        """What a search finds, as it may be shown; the journal is told when it is."""
        with self._lock:
            vectors = self._index.vectors
        hits = self._finder.find(text, vectors, reach=act.reach(), k=k, where=where, at=at)
        links = links_of([hit.cube for hit in hits], self._parts.catalog, act.widened())
        shown = act.shown([hit.cube for hit in hits], current=True)
        return [
            hit.model_copy(
                update={
                    "cube": cube,
                    "superseded": is_over(cube, act.at),
                    "links": links.get(cube.id, ()),
                }
            )
            for hit, cube in zip(hits, shown, strict=True)
        ]
