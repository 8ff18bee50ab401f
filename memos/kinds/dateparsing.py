"""What the library dateparser makes of an expression of time, asked once for each.

Its answers depend on the day on which something is said. We ask what an expression is *relative*
to that day ("two weeks ago" is two weeks back, "last Friday" on a Monday three days), so that one
answer serves every memory, and we may keep it: it takes milliseconds to come by.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from memos.kinds.days import Grain

_KEPT = 4096
"""Answers kept. They hold expressions such as "two weeks ago", and no other part of a text."""
_MONDAY = datetime(2024, 1, 1, 12)  # noqa: DTZ001  (the library counts in the zone of its base)
"""In a leap year, so that it has a 29 February."""


@lru_cache(maxsize=_KEPT)
def step(expression: str, weekday: int, *, ahead: bool, language: str) -> tuple[Grain, int] | None:
    """How far an expression leads from the day on which it is said; None where nobody knows.

    Args:
        expression: such as ``two weeks ago`` or ``friday``, in lower case.
        weekday: of the day on which it is said; Monday is 0.
        ahead: whether a bare weekday is the next one, not the last.
        language: as ISO 639 calls it.

    Returns:
        The unit, and how many of it; negative for the past.
    """
    base = _MONDAY + timedelta(days=weekday)
    found, period = _read(expression, base, ahead=ahead, language=language)
    if found is None:
        return None
    there, here = found.date(), base.date()
    if period == Grain.YEAR:
        return Grain.YEAR, there.year - here.year
    if period == Grain.MONTH:
        return Grain.MONTH, (there.year - here.year) * 12 + there.month - here.month
    days = (there - here).days
    return (Grain.WEEK, round(days / 7)) if period == Grain.WEEK else (Grain.DAY, days)


@lru_cache(maxsize=_KEPT)
def written(expression: str, *, language: str) -> tuple[date, Grain] | None:
    """The day or month that a date with its year names; None where it is none.

    Args:
        expression: such as ``7 may 2023`` or ``may 2023``.
        language: as ISO 639 calls it.
    """
    found, period = _read(expression, _MONDAY, ahead=False, language=language)
    if found is None or period not in {Grain.DAY, Grain.MONTH}:
        return None
    return found.date(), Grain(period)


def _read(
    expression: str, base: datetime, *, ahead: bool, language: str
) -> tuple[datetime | None, str]:
    from dateparser.date import DateDataParser

    settings: dict[str, Any] = {
        "RELATIVE_BASE": base,
        "PREFER_DATES_FROM": "future" if ahead else "past",
        "TIMEZONE": "UTC",
        "PARSERS": ["relative-time", "absolute-time"],
    }
    try:
        found = DateDataParser(languages=[language], settings=settings).get_date_data(expression)
    except (ValueError, OverflowError):  # beyond the calendar: "999 years ago" of a year 500
        return None, ""
    return found.date_obj, found.period
