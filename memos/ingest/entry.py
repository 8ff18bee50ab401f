"""One entry of a source, as a reader found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn of a chat or a piece of a document; or the reason why there is none."""

    place: str
    """Where in the source, for people: ``line 12``."""
    message: Mapping[str, JsonValue] | None
    """In the form that ``MemOS.add`` takes: ``text``, ``speaker``, ``timestamp`` and so on."""
    problem: str = ""
    """Why it could not be read."""
    left_out: tuple[str, ...] = ()
    """What of it was not kept, and why."""
    turn: bool = True
    """Whether it is a turn of a conversation."""
    uri: str | None = None
    """Its own source, such as one conversation of an export; None for that of the whole."""
    span: tuple[int, int] | None = None
    """First and last-plus-one character, or page; None for the number of the entry."""
    headings: tuple[str, ...] = ()
    gap: str = "\n"
    """What stood between it and the entry before."""
    block: int = 0
    """Which paragraph it is of."""

    @property
    def is_empty(self) -> bool:
        """Whether it is there and says nothing, as a call of no tool."""
        return self.message is None and not self.problem
