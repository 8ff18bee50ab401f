"""Everything as it was known at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import Right
from memos.errors import UnknownCube
from memos.kernel.arguments import read_kind, require_count, require_id, require_page
from memos.kernel.valid import found_at, listed_at
from memos.kinds.drafts import checked_text
from memos.ports.catalog import Selection
from memos.ports.filters import EVERYTHING, Every
from memos.retrieval.filters import read_filter
from memos.retrieval.reasons import as_shown
from memos.retrieval.truth import is_over, lasting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from memos.cube import Kind, MemCube, State
    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.ports.filters import Filter
    from memos.retrieval.hit import Hit
    from memos.retrieval.past import Findable, Past

_LARGEST_K = 1000
_NAMED = 1000


class View:
    """A store as it was known at a time, to be read and not to be changed.

    Each cube is shown in the version that was current then. Whoever may read it today may read
    what it was; what was forgotten since is gone from the past as well. Every call leaves a row
    in the journal that names the time. A view needs no closing; it ends with the store.

    Args:
        at: the time, aware, in UTC.
        act: how a call begins; see :meth:`memos.kernel.handle.Handle._act`.
        past: reads the old versions.
        recall: the best of them for a query.
    """

    def __init__(
        self,
        at: datetime,
        *,
        act: Callable[..., AbstractContextManager[Act]],
        past: Past,
        recall: Callable[[str, Findable, int], list[Hit]],
    ) -> None:
        self.at = at
        self._act = act
        self._past = past
        self._recall = recall

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        filters: Mapping[str, Any] | None = None,
        as_of: datetime | str | float | None = None,
        include_superseded: bool = False,
        **whose: Unpack[Whose],
    ) -> list[Hit]:
        """The ``k`` memories that would have answered a query best, best first.

        What could be found then is found: neither what had expired, been put away or superseded by
        then, nor what came later. How rare a word is, is judged by the texts of today.

        Args:
            query: what to look for.
            k: at most so many, and at most 1,000.
            filters: see ``memos.retrieval.filters``.
            as_of: what was true at that time, as far as was known at the time of the view.
            include_superseded: also what held no more then.
            whose: only these ids' memories.

        Raises:
            BadInput: the query is empty, ``k`` is out of range, a filter or a time cannot be read,
                or both ``as_of`` and ``include_superseded`` were given.
        """
        with self._begun("search", **whose) as act:
            text = checked_text(query, "the query")
            require_count(k, "k", largest=_LARGEST_K)
            where = read_filter(filters)
            readable = _readable(act, where)
            true = found_at(as_of, include_superseded=include_superseded)
            if true is None:
                true = EVERYTHING if include_superseded else lasting(self.at)
            then = self._past.findable(readable, Every((act.asked(where), true)), self.at)
            hits = self._recall(text, then, k)
            act.touch(hit.cube.id for hit in hits)
            shown = act.shown([hit.cube for hit in hits])
            return [
                hit.model_copy(update={"superseded": is_over(hit.cube, self.at)})
                for hit in as_shown(hits, shown)
            ]

    def get(
        self,
        id: str,  # noqa: A002 - the name every user expects
        **whose: Unpack[Whose],
    ) -> MemCube:
        """One cube as it was.

        Raises:
            UnknownCube: there was none then, in this scope.
        """
        with self._begun("get", **whose) as act:
            return act.shown([self._seen(id, act)])[0]

    def get_all(
        self,
        *,
        kind: Kind | str | None = None,
        state: State | str | None = None,
        filters: Mapping[str, Any] | None = None,
        as_of: datetime | str | float | None = None,
        include_superseded: bool = True,
        limit: int | None = None,
        after: str | None = None,
        newest_first: bool = False,
        **whose: Unpack[Whose],
    ) -> list[MemCube]:
        """Cubes as they were, in the order in which they were made; see ``MemOS.get_all``.

        Raises:
            BadInput: the kind, the state, a filter, a time or the limit cannot be read.
        """
        with self._begun("get_all", **whose) as act:
            require_page(limit, after, newest_first=newest_first)
            kinds = () if kind is None else (read_kind(kind),)
            where = read_filter(filters)
            readable = _readable(
                act, where, kinds=kinds, after=after, newest_first=newest_first, limit=limit
            )
            narrowed = listed_at(state, as_of, self.at, include_superseded=include_superseded)
            cubes = self._past.cubes(readable, Every((act.asked(where), narrowed)), self.at)
            act.touch(cube.id for cube in cubes[:_NAMED])
            return act.shown(cubes)

    def history(
        self,
        id: str,  # noqa: A002
        **whose: Unpack[Whose],
    ) -> list[MemCube]:
        """Every version of a cube that there was by then, oldest first.

        Raises:
            UnknownCube: there was none then, in this scope.
        """
        with self._begun("history", **whose) as act:
            return act.shown(self._past.history(self._seen(id, act)))

    def __repr__(self) -> str:
        return f"View(at={self.at.isoformat()!r})"

    @contextmanager
    def _begun(self, call: str, **whose: Unpack[Whose]) -> Iterator[Act]:
        with self._act(f"at.{call}", Right.READ, **whose) as act:
            act.reason = f"{act.reason} [at {self.at.isoformat()}]".lstrip()
            yield act

    def _seen(self, cube_id: str, act: Act) -> MemCube:
        require_id(cube_id)
        act.touch([cube_id])
        cube = self._past.one(cube_id, _readable(act), self.at)
        if cube is None:
            where = f" in this scope ({act.scope})" if act.scope.named() else ""
            message = f"there was no cube {cube_id}{where} at {self.at}"
            raise UnknownCube(message, hint="memos history tells when it was first recorded")
        return cube


def _readable(act: Act, asked: Filter = EVERYTHING, **more: Any) -> Selection:
    """What the principal may read today, and be asked about by this filter today."""
    return Selection(scope=act.scope, where=Every((act.visible(), act.open_to(asked))), **more)
