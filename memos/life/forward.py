"""Recorded times never go backwards, whatever the clock does."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from memos.ports.clock import Clock

_STEP = timedelta(microseconds=1)


class ForwardClock:
    """A clock each of whose readings is later than the one before it, and than ``latest``.

    What was known at a time can be told only if times grow; where the clock of the machine is
    set back, recorded times creep forward by microseconds until it has caught up.
    """

    def __init__(self, clock: Clock, latest: datetime | None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._latest = latest

    def now(self) -> datetime:
        """The time of day, or just after the last reading if that was later."""
        with self._lock:
            now = self._clock.now()
            if self._latest is not None and now <= self._latest:
                now = self._latest + _STEP
            self._latest = now
            return now

    def seconds(self) -> float:
        """A reading for measuring intervals."""
        return self._clock.seconds()
