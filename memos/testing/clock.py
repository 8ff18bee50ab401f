"""What every clock must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from memos.ports.clock import Clock


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
