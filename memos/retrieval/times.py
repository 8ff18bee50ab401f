"""How near a memory is, in time, to what a question asks about: pure functions.

asked          |=== May 2022 ===|             a question's interval, of a grain
nearness  1/4      1 ... 1      1/2   1/4     halves with each grain of distance
memory             |= 7-14 May =|             1: all of it lies within
memory                 |======|               between: the mean over its stretch
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import log
from typing import TYPE_CHECKING

from memos.kinds.days import Grain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.kinds.whens import When

_DAYS = {
    Grain.DAY: 1.0,
    Grain.WEEKEND: 2.0,
    Grain.WEEK: 7.0,
    Grain.MONTH: 30.44,
    Grain.SEASON: 91.31,
    Grain.YEAR: 365.25,
    Grain.DECADE: 3652.5,
}
"""How long each grain is."""
_LAST = datetime.max.replace(tzinfo=UTC)


def closeness(asked: Sequence[When], memory: Sequence[When], said_at: datetime | None) -> float:
    """How near a memory is to the times that a question asks about, from 0 to 1.

    For an interval asked about and an instant ``t``, nearness is ``2 ** -(d / g)``: ``d`` is the
    distance from ``t`` to the interval, 0 within it, and ``g`` the length of the interval's grain,
    as a question about a month is less exact than one about a day. What a memory tells of is an
    interval, too, and when in it something happened nobody knows: its closeness is the mean
    nearness over it. So all of a day within May 2022 is as near as can be, and of the year 2022
    only a twelfth is. The best pair of intervals counts.

    The time at which a memory was said counts like one that it tells of: a question about the 8th
    of May may ask what was said on it, or for what had happened the day before.

    Args:
        asked: the times in the question; with none of them the closeness is 0.
        memory: the times in the memory.
        said_at: when it was said; aware.
    """
    return max((nearness for nearness, _, _ in _pairs(asked, memory, said_at)), default=0.0)


def nearest(
    asked: Sequence[When], memory: Sequence[When], said_at: datetime | None
) -> tuple[When, When | None] | None:
    """Which time that is asked about, and which of a memory's, make its closeness.

    Args:
        asked: the times in the question.
        memory: the times in the memory.
        said_at: when it was said; aware.

    Returns:
        The one of the question and the one of the memory, None for when it was said; None where
        either has no times. Of those that are equally near the first.
    """
    best = max(_pairs(asked, memory, said_at), key=lambda pair: pair[0], default=None)
    return None if best is None else best[1:]


def _pairs(
    asked: Sequence[When], memory: Sequence[When], said_at: datetime | None
) -> Iterator[tuple[float, When, When | None]]:
    """How near each time of the memory, None for when it was said, is to each that is asked for."""
    for one in asked:
        for told in memory:
            yield _mean(one, told), one, told
        if said_at is not None:
            yield _nearness(one, said_at), one, None


def _nearness(asked: When, at: datetime) -> float:
    away = max(_days(at, asked.start), _days(asked.end, at), 0.0)
    return float(2.0 ** -(away / _DAYS[asked.grain]))


def _mean(asked: When, told: When) -> float:
    """The integral of the nearness over what is told, in three pieces, over its length."""
    within = _days(max(asked.start, told.start), min(asked.end, told.end))
    before = _tail(asked, _days(told.end, asked.start), _days(told.start, asked.start))
    after = _tail(asked, _days(asked.end, told.start), _days(asked.end, told.end))
    return min((max(within, 0.0) + before + after) / _days(told.start, told.end), 1.0)


def _tail(asked: When, nearest: float, farthest: float) -> float:
    """The integral of the nearness over distances from ``nearest`` to ``farthest``, in days."""
    nearest, farthest = max(nearest, 0.0), max(farthest, 0.0)
    grain = _DAYS[asked.grain]
    return grain / log(2) * float(2.0 ** -(nearest / grain) - 2.0 ** -(farthest / grain))


def _days(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(days=1)


def told_by(asked: When) -> tuple[datetime, datetime]:
    """From when until when memories are said that are likely to tell of what is asked about.

    People tell of things when they happen, or soon after: up to one grain later.
    """
    after = timedelta(days=_DAYS[asked.grain])
    return asked.start, asked.end + min(after, _LAST - asked.end)
