"""Which dates a text names, and whether a date is what "yesterday" meant when it was said."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_DAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_NUMBERS = {name: number for number, name in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve".split()
)} | {"a": 1, "an": 1, "couple": 2}  # fmt: skip
_MONTH = "|".join(name.title() for name in _MONTHS)
_DATE = re.compile(
    rf"\b\d{{4}}-\d\d-\d\d\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTH})(?:,? \d{{4}})?\b"
    rf"|\b(?:{_MONTH})(?: \d{{1,2}}(?:st|nd|rd|th)?(?!\d))?(?:,? \d{{4}})?\b"
    r"|\b(?:19|20)\d\d\b"
)
_AGO = re.compile(r"\b(\w+|a couple of) (day|week|month|year)s? ago\b")
_NEXT_TO = re.compile(r"\b(last|this|next) (week|weekend|month|year)\b")
_WEEKDAY = re.compile(rf"\b(?:(last|this|next|on) )?({'|'.join(_DAYS)})\b")
_NEAR = {
    "day before yesterday": -2, "yesterday": -1, "last night": -1, "today": 0, "tonight": 0,
    "this morning": 0, "this evening": 0, "this afternoon": 0, "tomorrow": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Span:
    """The days from the first to the last."""

    first: date
    last: date

    def holds(self, other: _Span) -> bool:
        return self.first <= other.first and other.last <= self.last


def dates_in(text: str) -> list[str]:
    """The dates that are written in a text, as they are spelled: a day, a month or a year."""
    return list(dict.fromkeys(match[0] for match in _DATE.finditer(text)))


def meant_dates(written: str, words: str, said_at: datetime | None) -> bool:
    """Whether a date, as :func:`dates_in` found it, is one that the words meant when said.

    A claim may be vaguer than the words: what was yesterday was also in that month, and that year.
    """
    if said_at is None:
        return False
    day = said_at.astimezone(UTC).date()
    asked = _read(written, day)
    try:
        meant = _meant(words.lower(), day)
    except (ValueError, OverflowError):  # before the first year, or after the last
        return False
    return asked is not None and any(asked.holds(span) for span in meant)


def _meant(words: str, day: date) -> list[_Span]:
    spans = [_days(day + timedelta(days=by)) for name, by in _NEAR.items() if name in words]
    for match in _AGO.finditer(words):
        count = _NUMBERS.get(match[1].removesuffix(" of").removeprefix("a ") or "a")
        number = int(match[1]) if match[1].isdecimal() else count
        if number is not None and number < 1000:
            days = {"day": number, "week": 7 * number}.get(match[2])
            moved = _moved(day, -number, match[2])
            spans.append(moved if days is None else _days(day - timedelta(days=days)))
    for match in _NEXT_TO.finditer(words):
        by = {"last": -1, "this": 0, "next": 1}[match[1]]
        spans.append(_moved(day, by, match[2]))
    for match in _WEEKDAY.finditer(words):
        away = (_DAYS[match[2]] - day.weekday()) % 7
        spans += [_days(day + timedelta(days=by)) for by in _weekdays(match[1], away)]
    return spans


def _weekdays(which: str | None, away: int) -> list[int]:
    """How many days away a weekday may be: "Friday" is the one before or the one to come."""
    before, after = away - 7, away or 7
    if which == "last":
        return [before]
    if which in {"this", "next"}:
        return [after, after + 7] if which == "next" else [away]
    return [before, away]


def _moved(day: date, by: int, unit: str) -> _Span:
    """The day, week, weekend, month or year that lies so many of them away."""
    if unit == "day":
        return _days(day + timedelta(days=by))
    if unit in {"week", "weekend"}:
        monday = day + timedelta(days=7 * by - day.weekday())
        first = monday + timedelta(days=5 if unit == "weekend" else 0)
        return _Span(first, monday + timedelta(days=6))
    if unit == "month":
        months = 12 * day.year + day.month - 1 + by
        return _month(months // 12, months % 12 + 1)
    return _Span(date(day.year + by, 1, 1), date(day.year + by, 12, 31))


def _days(day: date) -> _Span:
    return _Span(day, day)


def _month(year: int, month: int) -> _Span:
    return _Span(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))


def _read(written: str, near: date) -> _Span | None:
    """The days that a written date covers; without a year, it is of the year it was said in."""
    words = re.findall(r"[a-z]+|\d+", written.lower())
    numbers = [int(word) for word in words if word.isdecimal()]
    month = next((_MONTHS[word] for word in words if word in _MONTHS), None)
    try:
        if month is None:
            return _days(date(*numbers)) if len(numbers) == 3 else _year(numbers[0])
        year = next((number for number in numbers if number > 31), near.year)
        days = [number for number in numbers if number <= 31]
        return _days(date(year, month, days[0])) if days else _month(year, month)
    except ValueError:
        return None


def _year(year: int) -> _Span:
    return _Span(date(year, 1, 1), date(year, 12, 31))
