"""How the units of a source are put together into larger memories: a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Segment = tuple[int, ...]
"""The places of the units that belong together, ascending; at least one."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a segmenter knows of an entry of a source."""

    text: str
    conversation: str = ""
    """Units of one conversation have the same; empty for what is no turn of any."""
    headings: tuple[str, ...] = ()
    """The headings that a piece of a document stands under, the highest first."""
    block: int = 0
    """Which paragraph it is of, where the units are sentences."""


class Segmenter(Protocol):
    """Decides what is remembered together; it reads nothing but its arguments."""

    def __call__(self, units: Sequence[Unit]) -> list[Segment]:
        """The segments, in the order of their first units; units may be in several, or in none.

        The same units give the same segments. Units of different conversations are never in one
        segment.
        """
        ...
