"""The time of this machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        return datetime.now(UTC)

    def seconds(self) -> float:
        """A reading for measuring intervals; it never goes backwards."""
        return time.perf_counter()
