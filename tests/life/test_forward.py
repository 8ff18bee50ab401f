"""Recorded times grow, whatever the clock of the machine does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from memos import MemOS
from memos.life.forward import ForwardClock
from memos.testing.clock import ClockSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.config import Settings
    from memos.ports.clock import Clock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class SetClock:
    """Tells the time that it was set to."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        return 0.0


class TestForwardClock(ClockSuite):
    @pytest.fixture
    def clock(self) -> Clock:
        return ForwardClock(SetClock(), None)


def test_a_clock_that_stands_or_goes_back_creeps_forward() -> None:
    wrong = SetClock()
    clock = ForwardClock(wrong, NOON + timedelta(seconds=1))
    first, second = clock.now(), clock.now()
    wrong.time = NOON - timedelta(days=400)
    third = clock.now()
    wrong.time = NOON + timedelta(hours=1)
    assert NOON + timedelta(seconds=1) < first < second < third < clock.now() == wrong.time


def test_times_grow_over_a_reopening_with_an_earlier_clock(
    tmp_path: Path, quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock()
    monkeypatch.setattr("memos.boot.SystemClock", lambda: clock)
    with MemOS.open(tmp_path / "store", settings=quick) as mem:
        (cube,) = mem.add("tea")
        before = mem.get(cube.id).header.updated_at
    for days in (1, 4000):
        clock.time = NOON - timedelta(days=days)
        with MemOS.open(tmp_path / "store", settings=quick) as mem:
            revised = mem.update(cube.id, f"coffee {days}")
            assert revised.header.updated_at > before
            before = revised.header.updated_at
            assert mem.at(before).get(cube.id).text == f"coffee {days}"
            times = [row.at for row in mem.audit(limit=100)]
            assert times == sorted(times)
            assert mem.check().problems == ()
