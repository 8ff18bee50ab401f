"""The times that a text tells of: "last May", said on a day, is an interval of the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from memos.kinds import time_english as english
from memos.kinds.dating import Said, days_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from datetime import date, tzinfo

    from memos.kinds.days import Grain

_READ = 20_000
"""Characters of a text that are read."""
_MOST = 32
"""Expressions kept of one text."""
_SENTENCE = 200
"""Characters around an expression that tell whether it is about the past."""


@dataclass(frozen=True, slots=True)
class When:
    """An expression of time, resolved."""

    start: datetime
    """Aware, in UTC; included."""
    end: datetime
    """Aware, in UTC; excluded, and after ``start``."""
    grain: Grain
    """How exact it is."""
    text: str
    """The expression, as it was said."""
    at: tuple[int, int]
    """Where it stands in the text: from this character up to that one."""


def spans_in(text: str, *, anchor: datetime) -> list[When]:
    """The times that a text tells of, in the order in which it does.

    Days begin and end in the time zone of ``anchor``, or in UTC where it has none. What could be
    in any year, "in June", is taken for the latest that has begun; in a sentence about what is to
    come, for the next. A time of day alone, "at 5 pm", is no time that we tell.

    Args:
        text: any; the first 20,000 characters are read, and 32 expressions kept.
        anchor: when it was said.
    """
    text = text[:_READ]
    found = []
    for reading, match in _matches(text):
        days = days_of(reading, _said(text, match, anchor.date()))
        if days is None or not days.first < days.end:
            continue
        start, end = (_midnight(day, anchor.tzinfo or UTC) for day in (days.first, days.end))
        found.append(When(start, end, days.grain, match.group(), match.span()))
    return found


def _matches(text: str) -> list[tuple[str, re.Match[str]]]:
    """The expressions in a text and how each is read, none within another, in their order."""
    taken: list[tuple[str, re.Match[str]]] = []
    for reading, match in _candidates(text):
        if all(match.end() <= one.start() or one.end() <= match.start() for _, one in taken):
            taken.append((reading, match))
        if len(taken) == _MOST:
            break
    return sorted(taken, key=lambda each: each[1].start())


def _candidates(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    words = english.words_of(text)
    for form in english.FORMS:
        if not any(words.isdisjoint(need) for need in form.needs):
            for match in form.pattern.finditer(text):
                yield form.reading, match


def _said(text: str, match: re.Match[str], today: date) -> Said:
    parts = {
        name: " ".join(part.lower().split())
        for name, part in match.groupdict().items()
        if part is not None
    }
    before = english.SENTENCE.split(text[max(match.start() - _SENTENCE, 0) : match.start()])[-1]
    after = english.SENTENCE.split(text[match.end() : match.end() + _SENTENCE])[0]
    sentence = f"{before} {after}"
    return Said(
        parts,
        today,
        ahead=english.AHEAD.search(sentence) is not None,
        behind=english.BEHIND.search(sentence) is not None,
    )


def _midnight(day: date, zone: tzinfo) -> datetime:
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:  # the first day of the calendar, east of Greenwich
        return datetime.combine(day, time(), UTC)
