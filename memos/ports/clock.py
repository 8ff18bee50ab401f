"""The time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Tells the time. Recorded times come from here and from nowhere else."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def seconds(self) -> float:
        """A reading for measuring intervals; it never goes backwards."""
        ...
