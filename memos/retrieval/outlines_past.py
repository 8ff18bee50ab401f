"""Outlines of cubes as they were at a time: of none but those that a search could find then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import MemCube, Plaintext
from memos.ports.outlines import BEGINNING, Outline

if TYPE_CHECKING:
    from collections.abc import Collection

    from memos.ports.outlines import Naming, Outlines
    from memos.retrieval.past import Findable


class PastOutlines:
    """A view over the outlines of today; what has changed since is outlined as it was.

    The names in a text that has changed are not known any more: it has none.
    """

    def __init__(self, today: Outlines, then: Findable) -> None:
        self._today = today
        self._then = then

    def of(self, ids: Collection[str]) -> dict[str, Outline]:
        """The outline of each id that a search could find then."""
        changed, indexed = self._then.changed, self._then.indexed
        same = self._today.of([one for one in ids if one in indexed and one not in changed])
        return {**same, **{one: outlined(changed[one]) for one in ids if one in changed}}

    def turns_beside(self, ids: Collection[str]) -> list[tuple[str, str]]:
        """Each NEXT edge that starts or ends in one of ``ids``."""
        return self._today.turns_beside(ids)

    def names_in(self, ids: Collection[str]) -> list[Naming]:
        """The names of those that have not changed."""
        return self._today.names_in([one for one in ids if one not in self._then.changed])

    def naming(self, entities: Collection[str], *, most: int) -> list[Naming]:
        """The edges of those that have not changed."""
        edges = self._today.naming(entities, most=most)
        return [edge for edge in edges if edge[0] not in self._then.changed]


def outlined(cube: MemCube) -> Outline:
    """A cube as ranking sees it; valid times are not looked at in the past."""
    text = cube.payload.text if isinstance(cube.payload, Plaintext) else cube.header.title
    position = cube.payload.position if isinstance(cube.payload, Plaintext) else None
    return Outline(
        id=cube.id,
        kind=str(cube.kind),
        state=str(cube.state),
        user_id=cube.scope.user_id,
        agent_id=cube.scope.agent_id,
        session_id=cube.scope.session_id,
        position=position,
        speaker=cube.speaker,
        text=text[:BEGINNING],
        length=len(text),
        valid_from=None,
        valid_to=None,
    )
