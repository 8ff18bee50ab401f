"""Reads one expression of time: which days it means, said on a given day."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from memos.kinds import time_english as english
from memos.kinds.dateparsing import step, written
from memos.kinds.days import Days, Grain, Which, around, holiday, moved, season, which_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[["Said"], Days | None]

_WHICH = {
    "last": Which.LAST,
    "past": Which.LAST,
    "previous": Which.LAST,
    "this": Which.THIS,
    "next": Which.NEXT,
    "coming": Which.NEXT,
    "upcoming": Which.NEXT,
}
_BEFORE = date(1, 1, 1)
"""What is before a date begins here."""
_LEAP = 2024
"""A year in which every date exists."""


@dataclass(frozen=True, slots=True)
class Said:
    """An expression: its parts in lower case, and the day on which it was said.

    ``ahead`` and ``behind`` tell whether its sentence is about what is to come, or about what was.
    """

    parts: dict[str, str]
    today: date
    ahead: bool
    behind: bool = False

    def which(self) -> Which:
        """Which of those that come again is meant."""
        word = self.parts.get("which", "").split(" ")[-1]
        return _WHICH.get(word, Which.AHEAD if self.ahead else Which.PAST)


def days_of(reading: str, said: Said) -> Days | None:
    """The days that an expression means; None where it means none, such as 31 June.

    Args:
        reading: how its form is read, such as ``point``.
        said: the expression.
    """
    try:
        days = _READ[reading](said)
        return None if days is None else _opened(days, said)
    except (ValueError, OverflowError):  # beyond the calendar
        return None


def _opened(days: Days, said: Said) -> Days:
    """Since, after or until a time: what begins or ends with it."""
    lead, tomorrow = said.parts.get("lead"), said.today + timedelta(days=1)
    if lead == "since":
        return replace(days, end=max(tomorrow, days.end))
    if lead == "after" and days.end < tomorrow:
        return replace(days, first=days.end, end=tomorrow)
    if lead == "before":
        return replace(days, first=_BEFORE, end=days.first)
    return replace(days, first=_BEFORE) if lead in {"until", "till"} else days


def _point(said: Said) -> Days | None:
    return _dated(said.parts["point"], said)


def _dated(text: str, said: Said) -> Days | None:
    """What a date, a month, a holiday or a year stands for, with its year or without."""
    year = re.search(r"(?:19|20)\d\d", text)
    if year is None:
        return which_of(lambda one: _in_year(text, one), said.today, said.which())
    if text == year.group():
        return around(date(int(text), 1, 1), Grain.YEAR)
    return _in_year(text.replace(year.group(), "").strip(" ,"), int(year.group()), whole=text)


def _in_year(text: str, year: int, *, whole: str | None = None) -> Days | None:
    name = _plain(text.removesuffix(" of"))
    if name.split(" ")[0] in _FESTIVE:
        return holiday(name, year)
    dated = re.sub(_WEEKDAY, "", whole or f"{text} {_LEAP}")
    found = written(dated, language=english.LANGUAGE)
    if found is None:
        return None
    day, grain = found
    if whole is None and (day.month, day.day) == (2, 29) and not _is_leap(year):
        return None
    return around(day.replace(year=year), grain)


_FESTIVE = {"christmas", "new", "halloween", "thanksgiving", "easter", "valentine's"}
_WEEKDAY = r"^(?:the )?(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\b,? )?(?:the )?"


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _plain(name: str) -> str:
    plain = name.replace("\u2019", "'").replace("valentines", "valentine's")
    return plain.replace("new year ", "new year's ")


def _range(said: Said) -> Days | None:
    last = _dated(said.parts["last"], said)
    if last is None:
        return None
    first = _first(said.parts["first"], last, said)
    if first is None or first.first >= last.end:
        return None
    return Days(first.first, last.end, last.grain)


def _first(text: str, last: Days, said: Said) -> Days | None:
    day = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", text)
    if day is not None:  # from 3 to 5 March: a day of the month in which it ends
        return around(last.first.replace(day=int(day[1])), Grain.DAY)
    if re.search(r"(?:19|20)\d\d", text):
        return _dated(text, said)
    year = last.first.year
    first = _in_year(text, year)
    if first is not None and first.first > last.first:  # from November to February
        return _in_year(text, year - 1)
    return first


def _beside(said: Said) -> Days | None:
    """The week before, the Friday after, two months before a date."""
    point = _dated(said.parts["point"], said)
    if point is None:
        return None
    what, count, side = said.parts["what"], said.parts.get("count"), said.parts["side"]
    if side == "of":  # the week of 3 April; of the last week of May 2022 we keep the month
        is_day = point.grain is Grain.DAY and what in {"week", "weekend"}
        return around(point.first, Grain(what)) if is_day else point
    before = side in {"before", "prior to"}
    if count is not None:
        expression = f"{count} {what} ago" if before else f"in {count} {what}"
    else:
        expression = f"{'last' if before else 'next'} {what}"
    if expression in {"last day", "next day"}:
        return around(moved(point.first, Grain.DAY, -1 if before else 1), Grain.DAY)
    return _stepped(expression, point.first, unit=what)


def _season(said: Said) -> Days | None:
    name, year = said.parts["name"], said.parts.get("year")
    if year is not None:
        return season(name, int(year))
    return which_of(lambda one: season(name, one), said.today, said.which())


def _holiday(said: Said) -> Days | None:
    name, year = _plain(said.parts["name"]), said.parts.get("year")
    if year is not None:
        return holiday(name, int(year))
    return which_of(lambda one: holiday(name, one), said.today, said.which())


def _month(said: Said) -> Days | None:
    return _dated(said.parts["name"], said)


def _year(said: Said) -> Days:
    return around(date(int(said.parts["year"]), 1, 1), Grain.YEAR)


def _decade(said: Said) -> Days:
    return around(date(int(said.parts["year"]), 1, 1), Grain.DECADE)


def _rolling(said: Said) -> Days | None:
    """The past week, the last three months: up to the day on which it is said."""
    unit = said.parts["unit"].removesuffix("s")
    found = _step_of(f"{said.parts.get('count', 'a')} {unit} ago", said.today)
    if found is None:
        return None
    grain, count = found
    if grain is Grain.YEAR:
        grain, count = Grain.MONTH, 12 * count
    first = moved(said.today, grain, count)
    return Days(first, said.today + timedelta(days=1), Grain(unit))


def _step(said: Said) -> Days | None:
    words, unit = said.parts["said"], said.parts.get("unit", "day")
    if words.startswith("this ") and "which" not in said.parts:  # this morning
        words = "today"
    if words.endswith("from now"):
        words = f"in {words.removesuffix(' from now')}"
    elif words.startswith("in ") and said.behind:
        return None
    return _stepped(words.replace(" and a half", ""), said.today, unit=unit)


def _weekend(said: Said) -> Days | None:
    which = said.parts.get("which")
    if which is None:  # over the weekend
        which = "last" if said.today.weekday() < 5 and not said.ahead else "this"
    elif which.endswith("coming"):
        which = "this"
    return _stepped(f"{which} weekend", said.today, unit="weekend")


def _weekday(said: Said) -> Days | None:
    words = _usual(f"{said.parts.get('which', '')} {said.parts['name']}".strip())
    found = step(words, said.today.weekday(), ahead=said.ahead, language=english.LANGUAGE)
    return None if found is None else around(moved(said.today, *found), Grain.DAY)


def _stepped(words: str, today: date, *, unit: str) -> Days | None:
    """What lies some units away: two weeks ago is a week, and so is last week."""
    found = _step_of(words, today)
    if found is None:
        return None
    grain, count = found
    wide = _UNITS.get(unit.removesuffix("s"), grain)
    around_it = around(moved(today, grain, count), wide)
    if not english.THREE.search(words):
        return around_it
    first, last = (around(moved(today, grain, count + more), wide) for more in (-1, 1))
    return Days(first.first, last.end, wide)


_UNITS = {"weekend": Grain.WEEKEND, "decade": Grain.DECADE}
"""Units that the library does not have: it is asked for weeks and years."""


def _step_of(words: str, today: date) -> tuple[Grain, int] | None:
    return step(_usual(words), today.weekday(), ahead=False, language=english.LANGUAGE)


def _usual(words: str) -> str:
    """The same in words that the library knows."""
    for pattern, usual in english.USUAL:
        words = pattern.sub(usual, words)
    return words


_READ: dict[str, Read] = {
    "range": _range,
    "beside": _beside,
    "point": _point,
    "season": _season,
    "holiday": _holiday,
    "month": _month,
    "rolling": _rolling,
    "step": _step,
    "weekend": _weekend,
    "weekday": _weekday,
    "decade": _decade,
    "year": _year,
}
