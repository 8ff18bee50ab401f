"""The system call that says which adapters serve a question: route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memos.cube import Parametric, Right
from memos.errors import Forbidden, WrongKind
from memos.kernel.arguments import require_count
from memos.kernel.searching import SearchCalls
from memos.kinds.answering import require_model
from memos.kinds.drafts import checked_text
from memos.life.routing import Sought
from memos.ports.filters import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.kinds.recital import Recital
    from memos.kinds.routing import Route

HITS = 16
"""Hits by whose way adapters are looked for."""
_LARGEST_K = 1000


class RouteCalls(SearchCalls):
    """Find the adapters that serve a question, and ask them what they hold."""

    def route(self, question: str, *, k: int = HITS, **whose: Unpack[Whose]) -> tuple[Route, ...]:
        """The adapters that were made from what is found for a question, best first.

        One serves where the question names what those memories tell of, and is to the model like
        a question that was trained. It must be fit, of the configured model, and current. Those
        that do not serve come last, each with the reason.

        Args:
            question: what would be asked.
            k: how many hits of a search lead to adapters.
            whose: only these ids' memories and adapters.

        Raises:
            BadInput: the question is empty, or ``k`` is out of range.
            CorruptionError: an adapter is not what it was.
        """
        with self._act("route", Right.READ, **whose) as act:
            text = checked_text(question, "the question")
            require_count(k, "k", largest=_LARGEST_K)
            return self._routes([text], act, k=k)[0]

    def recite(
        self,
        id: str,  # noqa: A002 - the name every user expects
        **whose: Unpack[Whose],
    ) -> Recital:
        """Ask an adapter for all that it was taught, and compare that with its sources.

        Raises:
            UnknownCube: there is none in this scope.
            WrongKind: it is not parametric.
            Forbidden: one may not read, unredacted, all that it was made from.
            StaleCube: a source has been revised since.
            ExpiredCube: its time, or that of a source, is over.
            ModelMismatch: it was made for another model.
        """
        with self._act("recite", Right.READ, **whose) as act:
            cube = self._seen(id, act)
            return self._recital(cube, self._taught(cube, act))

    def _recital(self, cube: MemCube, sources: Sequence[MemCube]) -> Recital:
        (adapter,) = self._answerer.adapters([cube], allow_unfit=True)
        return self._reciter.ask(cube, sources, adapter)

    def _routes(
        self,
        questions: Sequence[str],
        act: Act,
        *,
        k: int = HITS,
        examined: str | None = None,
    ) -> list[tuple[Route, ...]]:
        """The routes of each question, by way of an ordinary search without optional steps."""
        sought = [
            Sought(
                text,
                [hit.cube for hit in self._found(text, act, k=k, where=EVERYTHING, at=act.at)],
            )
            for text in questions
        ]
        routes = self._router.routes(sought, act, examined=examined)
        act.touch(one.cube_id for each in routes for one in each)
        return routes

    def _serving(self, routes: Sequence[Route]) -> tuple[MemCube, ...]:
        """The adapters that serve, nearest first."""
        ids = [one.cube_id for one in routes if one.serves]
        return tuple(self._parts.catalog.find_all(ids)) if ids else ()

    def _taught(self, cube: MemCube, act: Act) -> list[MemCube]:
        """What an adapter was made from, in that order, at the versions that were used.

        Raises:
            WrongKind: it is no adapter.
            StaleCube, ExpiredCube: it does not speak for its sources any more.
            Forbidden: the principal may not read them all, unredacted.
            ModelMismatch: it was made for another model.
        """
        if not isinstance(cube.payload, Parametric):
            message = f"cube {cube.id} is {cube.kind}, and holds nothing that was trained"
            raise WrongKind(message, hint="name a parametric cube: memos lora ls")
        act.require_whole([cube])
        lineage = self._currency.require_current(cube)
        there = {one.cube.id: one.cube for one in lineage.ancestors}
        parents = [parent.id for parent in cube.provenance.parents]
        if set(parents) - there.keys() or set(parents) - act.readable(parents):
            message = f"{act.principal} may not read all that cube {cube.id} was made from"
            raise Forbidden(message, hint="ask its owner for a grant: memos grant")
        sources = [there[one] for one in parents]
        act.require_whole(sources)
        require_model(cube, self._parts.runtime)
        return sources
