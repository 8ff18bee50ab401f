"""The system calls that find: by a query, by conditions, and by time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import Right
from memos.kernel.arguments import read_kind, require_count, require_page
from memos.kernel.moments import MomentCalls
from memos.kernel.stepping import USUAL, Choice, Stepping
from memos.kernel.valid import found_at, listed_at
from memos.kinds.drafts import checked_text
from memos.kinds.times import read_time
from memos.ports.catalog import Selection
from memos.ports.filters import Every
from memos.retrieval.filters import read_filter
from memos.retrieval.links import links_of
from memos.retrieval.reasons import as_shown
from memos.retrieval.truth import is_over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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


class SearchCalls(Stepping, MomentCalls):
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
        rewrite: str | None = None,
        rerank: str | None = None,
        **whose: Unpack[Whose],
    ) -> list[Hit]:
        """The ``k`` memories that answer a query best, best first.

        As many come back as the scope and the filters admit, up to ``k``: both are enforced
        before ranking. ``hit.parts`` says what the score is made of, ``hit.why`` what a part comes
        from, ``hit.links`` with which other memories a hit agrees or not.

        Args:
            query: what to look for.
            k: at most so many, and at most 1,000.
            filters: see ``memos.retrieval.filters``.
            as_of: what was true in the world then, by valid time, instead of what holds now.
            known_at: what this store knew then, by recorded time; as ``at(known_at).search``.
            include_superseded: also what holds no more; ``hit.superseded`` tells which.
            rewrite: search for other wordings, too: ``none``, ``llm``, ``auto`` (a language model
                where the settings name one), or a plugin's; None for what the settings say.
            rerank: put the best hits in another order: the same names.
            whose: only these ids' memories.

        Raises:
            BadInput: the query is empty, ``k`` is out of range, a filter or a time cannot be read,
                or two that exclude each other were given: ``as_of`` and ``include_superseded``,
                ``known_at`` and a step.
            NotFound: ``known_at`` names a snapshot that one has not.
            UnknownBackend: there is no step of that name.
            MissingModel: a step needs a language model, and the settings name none.
            BackendError: a language model could not be asked, or gave no answer of use; of what
                is found without it, nothing is lost: search again with ``none``.
        """
        if known_at is not None:
            Choice.read(rewrite, rerank).require_none()
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
            choice = Choice.read(rewrite, rerank)
            where = act.asked(read_filter(filters))
            true = found_at(as_of, include_superseded=include_superseded)
            asked = where if true is None else Every((where, true))
            then = act.at if as_of is None else read_time(as_of)
            at = None if include_superseded else then
            return self._search(text, act, k=k, where=asked, at=at, choice=choice)

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
        self,
        text: str,
        act: Act,
        *,
        k: int,
        where: Filter,
        at: datetime | None,
        choice: Choice = USUAL,
    ) -> list[Hit]:
        """The best hits, by way of the steps that are chosen."""
        rewriter = self._steps.rewriter(choice.rewriter)
        reranker = self._steps.reranker(choice.reranker)

        def find(query: str, most: int) -> list[Hit]:
            return self._ranked(query, act, k=most, where=where, at=at)

        hits = self._worded(text, max(k, reranker.offered), find, rewriter)
        act.touch(hit.cube.id for hit in hits)  # also what a reranker is shown, and puts away
        return self._reranked(text, self._shown(hits, act), reranker)[:k]

    def _found(
        self, text: str, act: Act, *, k: int, where: Filter, at: datetime | None
    ) -> list[Hit]:
        """What a search finds without any step, as it may be shown.

        The journal is told when it is.
        """
        return self._shown(self._ranked(text, act, k=k, where=where, at=at), act)

    def _ranked(
        self, text: str, act: Act, *, k: int, where: Filter, at: datetime | None
    ) -> list[Hit]:
        """The best hits, less facts that do not speak for their sources any more."""
        with self._lock:
            vectors = self._index.vectors
        wanted = k
        while True:
            hits = self._finder.find(
                text,
                vectors,
                reach=act.reach(Right.READ),
                k=wanted,
                where=where,
                now=at or act.at,
                at=at,
            )
            outdated = self._currency.outdated([hit.cube for hit in hits], at)
            kept = [hit for hit in hits if hit.cube.id not in outdated]
            if len(kept) >= k or len(hits) < wanted:
                return kept[:k]
            wanted *= 2  # others may stand behind those that were outdated

    def _shown(self, hits: Sequence[Hit], act: Act) -> list[Hit]:
        """Hits as the principal may see them, and what they have to do with other memories."""
        links = links_of([hit.cube for hit in hits], self._parts.catalog, act.widened())
        shown = act.shown([hit.cube for hit in hits], current=True)
        return [
            hit.model_copy(
                update={
                    "superseded": is_over(hit.cube, act.at),
                    "links": links.get(hit.cube.id, ()),
                }
            )
            for hit in as_shown(hits, shown)
        ]
