"""Stretches of days on the calendar: the week, the month, the season around a date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Grain(StrEnum):
    """How exact an expression of time is: one day, or a whole year."""

    DAY = "day"
    WEEKEND = "weekend"
    WEEK = "week"
    MONTH = "month"
    SEASON = "season"
    YEAR = "year"
    DECADE = "decade"


class Which(StrEnum):
    """Which of those that come again each year is meant: last May, this May, next May, in May."""

    LAST = "last"
    """the latest that is over"""
    PAST = "past"
    """the latest that has begun"""
    THIS = "this"
    """the one that is now, or else the one of this year"""
    AHEAD = "ahead"
    """the first that is not over"""
    NEXT = "next"
    """the first that has not begun"""


@dataclass(frozen=True, slots=True)
class Days:
    """The days from ``first`` on, up to but without ``end``."""

    first: date
    end: date
    grain: Grain


def around(day: date, grain: Grain) -> Days:
    """The day, week, month, ... that ``day`` lies in; weeks begin on Monday.

    Seasons are whole months, as meteorologists count them: spring begins in March.

    Raises:
        OverflowError: it reaches beyond the calendar.
        ValueError: the same.
    """
    if grain is Grain.DAY:
        return Days(day, day + timedelta(days=1), grain)
    if grain in {Grain.WEEK, Grain.WEEKEND}:
        monday = day - timedelta(days=day.weekday())
        first = monday + timedelta(days=5) if grain is Grain.WEEKEND else monday
        return Days(first, monday + timedelta(days=7), grain)
    months = _MONTHS[grain]
    begin = _month(day) - (_month(day) - _LEADING.get(grain, 0)) % months
    return Days(_first_of(begin), _first_of(begin + months), grain)


_MONTHS = {Grain.MONTH: 1, Grain.SEASON: 3, Grain.YEAR: 12, Grain.DECADE: 120}
_LEADING = {Grain.SEASON: 2}
"""Months from a New Year to the first season that begins in that year."""


def moved(day: date, grain: Grain, count: int) -> date:
    """A date in the stretch that comes ``count`` later, or earlier where it is negative.

    Raises:
        OverflowError: it lies beyond the calendar.
        ValueError: the same.
    """
    if grain in _MONTHS:
        return _first_of(_month(day) + count * _MONTHS[grain])
    return day + timedelta(days=count * (1 if grain is Grain.DAY else 7))


def which_of(each_year: Callable[[int], Days | None], today: date, which: Which) -> Days | None:
    """Of what comes again each year, the one that is meant; None where there is none near.

    Args:
        each_year: what begins in a year; None where nothing does, such as a 29 February.
        today: the day on which it is said.
        which: which one is meant.
    """
    years = range(max(today.year - 4, 1), min(today.year + 5, 9999))
    found = [days for days in map(each_year, years) if days is not None]
    if which is Which.THIS:
        now = [days for days in found if days.first <= today < days.end]
        return next(iter(now + [days for days in found if days.first.year == today.year]), None)
    if which in {Which.LAST, Which.PAST}:
        is_last = which is Which.LAST
        return _latest(days for days in found if (days.end if is_last else days.first) <= today)
    later = (days for days in found if (days.first if which is Which.NEXT else days.end) > today)
    return next(later, None)


def _latest(found: Iterable[Days]) -> Days | None:
    return max(found, key=lambda days: days.first, default=None)


def season(name: str, year: int) -> Days:
    """The season that begins in a year: the winter of 2021 ends in 2022."""
    month = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}[name]
    return around(date(year, month, 1), Grain.SEASON)


def holiday(name: str, year: int) -> Days:
    """A day that has a name, in a year."""
    if name == "easter":
        from dateutil.easter import easter

        return around(easter(year), Grain.DAY)
    if name == "thanksgiving":  # the fourth Thursday of November
        first = date(year, 11, 1)
        return around(first + timedelta(days=(3 - first.weekday()) % 7 + 21), Grain.DAY)
    month, day = _HOLIDAYS[name]
    return around(date(year, month, day), Grain.DAY)


_HOLIDAYS = {
    "christmas": (12, 25),
    "christmas day": (12, 25),
    "christmas eve": (12, 24),
    "new year": (1, 1),
    "new year's": (1, 1),
    "new year's day": (1, 1),
    "new year's eve": (12, 31),
    "halloween": (10, 31),
    "valentine's day": (2, 14),
}


def _month(day: date) -> int:
    """Months since the year 0."""
    return day.year * 12 + day.month - 1


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
