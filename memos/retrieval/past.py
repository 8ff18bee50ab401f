"""What was known at a time: the versions that were current then.

    select, unchanged since    cubes whose version of then is their version of now: storage filters
    then, changed since        the others, as they were: filtered here, by the same rules

Whether one may read a cube is decided by what it is like now, as it is for its history.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from memos.cube import Kind, MemCube
from memos.cube.header import FINDABLE
from memos.governance.matching import admits
from memos.ports.filters import EVERYTHING, Condition, Every, Filter, Operator, Some

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memos.cube import Scope
    from memos.ports.catalog import Catalog, Selection


@dataclass(frozen=True, slots=True)
class Findable:
    """What a search could find then."""

    scope: Scope
    indexed: frozenset[str]
    """Cubes whose text the indexes hold, as it was then."""
    changed: Mapping[str, MemCube] = field(default_factory=dict)
    """As they were then: those that have changed since."""
    old: tuple[MemCube, ...] = ()
    """Those of them whose text the indexes do not hold any more."""


class Past:
    """Reads what was known; cubes that were forgotten since are gone from the past, too."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    def cubes(self, readable: Selection, where: Filter, at: datetime) -> list[MemCube]:
        """The versions of then that ``where`` admits, of cubes that are readable today."""
        narrowed = Every((readable.where, where))
        here = replace(readable, where=narrowed, unchanged_since=at)
        there = self._catalog.then(replace(readable, limit=None), at)
        found = [*self._catalog.select(here), *(cube for cube in there if admits(where, cube))]
        found.sort(key=lambda cube: cube.id, reverse=readable.newest_first)
        return found[: readable.limit]

    def one(self, cube_id: str, readable: Selection, at: datetime) -> MemCube | None:
        """The cube as it was then; None where there was none that is readable today."""
        named = Every((Condition("id", Operator.EQ, cube_id), readable.where))
        return next(iter(self.cubes(replace(readable, where=named), EVERYTHING, at)), None)

    def history(self, then: MemCube) -> list[MemCube]:
        """The versions that a cube had when ``then`` was its current one, oldest first."""
        versions = self._catalog.history(then.id)
        return [cube for cube in versions if cube.version <= then.version]

    def findable(self, readable: Selection, where: Filter, at: datetime) -> Findable:
        """What a search could find then, and where its texts are."""
        texts = replace(readable, kinds=(Kind.PLAINTEXT,))
        narrowed = Every((texts.where, where, _findable_at(at)))
        same = self._catalog.ids(replace(texts, where=narrowed, unchanged_since=at))
        asked = Every((where, _findable_at(at)))
        changed = {cube.id: cube for cube in self._catalog.then(texts, at) if admits(asked, cube)}
        now = {cube.id: cube for cube in self._catalog.find_all(list(changed))}
        old = tuple(cube for cube in changed.values() if not _is_indexed(cube, now.get(cube.id)))
        kept = changed.keys() - {cube.id for cube in old}
        return Findable(readable.scope, frozenset({*same, *kept}), changed, old)


def _findable_at(at: datetime) -> Filter:
    time = at.isoformat()
    return Every(
        (
            Condition("state", Operator.IN, [str(state) for state in FINDABLE]),
            Some(
                (
                    Condition("expires_at", Operator.EQ, None),
                    Condition("expires_at", Operator.GT, time),
                )
            ),
        )
    )


def _is_indexed(then: MemCube, now: MemCube | None) -> bool:
    """Whether the indexes hold the text of then."""
    return now is not None and now.state in FINDABLE and now.content_version == then.content_version
