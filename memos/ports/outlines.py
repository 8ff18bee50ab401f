"""What ranking asks about many cubes at once: little of each, and quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from memos.cube.scope import Scope


class Outline(NamedTuple):
    """A cube's current version as ranking sees it."""

    id: str
    kind: str
    state: str
    user_id: str | None
    agent_id: str | None
    session_id: str | None
    position: int | None
    """Which turn of its session it is; None where it is no turn."""
    speaker: str | None
    text: str
    """Its beginning: at least :data:`BEGINNING` characters, where it has so many."""
    length: int
    """Characters of the whole text."""
    valid_from: int | None
    """Microseconds since 1970."""
    valid_to: int | None

    def is_in(self, scope: Scope) -> bool:
        """Whether ``scope`` covers the cube."""
        return (
            scope.user_id in (None, self.user_id)
            and scope.agent_id in (None, self.agent_id)
            and scope.session_id in (None, self.session_id)
        )


Naming = tuple[str, str, str]
"""A MENTIONS or TITLED edge: a cube, which of the two, and a name; a search reads thousands."""

BEGINNING = 2000
"""Characters of a text that an outline holds."""


class Outlines(Protocol):
    """A view over the catalog; it holds nothing that could go stale."""

    def of(self, ids: Collection[str]) -> dict[str, Outline]:
        """The outline of each id that exists."""
        ...

    def turns_beside(self, ids: Collection[str]) -> list[tuple[str, str]]:
        """Each NEXT edge that starts or ends in one of ``ids``: a turn and the one after it."""
        ...

    def names_in(self, ids: Collection[str]) -> list[Naming]:
        """The MENTIONS and TITLED edges that start in one of ``ids``."""
        ...

    def naming(self, entities: Collection[str], *, most: int) -> list[Naming]:
        """The MENTIONS and TITLED edges that end in one of ``entities``.

        An entity in which more than ``most`` end tells nothing, and is left out.
        """
        ...
