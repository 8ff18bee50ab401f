"""What every clock must do, and a clock that is set by hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from memos.ports.clock import Clock


class HandClock:
    """A clock that stands still until it is set on."""

    def __init__(self, start: datetime = datetime(2024, 5, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def seconds(self) -> float:
        return self._now.timestamp()

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class ClockSuite(ABC):
    """Inherit from it and say how a clock is made."""

    @pytest.fixture
    @abstractmethod
    def clock(self) -> Clock:
        """A clock."""

    def test_the_time_of_day_is_aware_and_in_utc(self, clock: Clock) -> None:
        assert clock.now().utcoffset() == timedelta(0)

    def test_seconds_never_go_backwards(self, clock: Clock) -> None:
        readings = [clock.seconds() for _ in range(1000)]
        assert readings == sorted(readings)
