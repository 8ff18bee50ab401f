"""The clock of the operating system keeps the port's promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.stores.clock_system import SystemClock
from memos.testing.clock import ClockSuite

if TYPE_CHECKING:
    from memos.ports.clock import Clock


class TestSystemClock(ClockSuite):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()
