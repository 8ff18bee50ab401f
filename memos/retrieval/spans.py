"""One hit for one passage, where a source was remembered in several views.

    turns       0 1 2 3 4 5 6 7 8 9
    windows     [---------)            overlap: of two that share half of the shorter or more,
                      [---------)      the worse is dropped
    session     [-------------------)

Two units of the finest view are never compared: what they share is not their text. A view, which
is put together from units, is served only while each of them is what it was, and can be found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.header import FINDABLE
from memos.ingest.whole import VIEW, is_view
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from memos.cube import MemCube, Parent, Scope
    from memos.ports.catalog import Catalog

_MANY = 500

Span = tuple[int, int]


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share at least half of the shorter of them."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    shorter = min(one[1] - one[0], other[1] - other[0])
    return shared > 0 and 2 * shared >= shorter


def distinct(cubes: Iterable[MemCube]) -> list[MemCube]:
    """Of cubes in the order of their scores those that no better one of the same source covers."""
    taken = Taken()
    return [cube for cube in cubes if taken.takes(cube)]


def stands(
    parents: Iterable[Parent], contents: Mapping[str, int], findable: Collection[str]
) -> bool:
    """Whether everything that a view was put together from is what it was, and can be found.

    Args:
        parents: what it was put together from, at which versions.
        contents: the versions that brought their current contents, by id.
        findable: the ids of those that a search may find.
    """
    return all(
        parent.id in findable and contents.get(parent.id, parent.version + 1) <= parent.version
        for parent in parents
    )


class Taken:
    """The spans of the hits so far; pure."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, Scope], list[tuple[Span, bool]]] = {}

    def takes(self, cube: MemCube) -> bool:
        """Whether it says something new; its span counts from now on if so."""
        source = cube.provenance.source
        if source is None or source.span is None or VIEW not in cube.metadata:
            return True
        view = is_view(cube)
        there = self._taken.setdefault((source.uri, cube.scope), [])
        for span, of_view in there:
            if (view or of_view) and overlap(span, source.span):
                return False
        there.append((source.span, view))
        return True


class Spans:
    """The hits of one search: no passage twice, and no view that has lost its ground."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._taken = Taken()

    def takes(self, cube: MemCube) -> bool:
        """Whether the cube, which is worse than all before it, is a hit."""
        if is_view(cube) and not self._stands(cube):
            return False
        return self._taken.takes(cube)

    def _stands(self, view: MemCube) -> bool:
        parents = view.provenance.parents
        return all(
            self._stand(parents[start : start + _MANY]) for start in range(0, len(parents), _MANY)
        )

    def _stand(self, parents: tuple[Parent, ...]) -> bool:
        ids = [parent.id for parent in parents]
        named = Condition("id", Operator.IN, [*ids])
        findable = Condition("state", Operator.IN, [str(state) for state in FINDABLE])
        found = set(self._catalog.ids(Selection(where=Every((named, findable)))))
        return stands(parents, self._catalog.contents(ids), found)
