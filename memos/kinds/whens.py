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

_READ = 4_000
"""Characters of a text that are read: a search reads a hundred texts, and has ten milliseconds."""
_MOST = 32
"""Expressions kept of one text."""


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
        text: any; the first 4,000 characters are read, and 32 expressions kept.
        anchor: when it was said.
    """
    found: list[When] = []
    for start, sentence in _sentences(text[:_READ]):
        for reading, match in _matches(sentence):
            days = days_of(reading, _said(sentence, match, anchor.date()))
            if days is not None and days.first < days.end:
                at = (start + match.start(), start + match.end())
                zone = anchor.tzinfo or UTC
                first, end = (_midnight(day, zone) for day in (days.first, days.end))
                found.append(When(first, end, days.grain, match.group(), at))
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Each sentence that may have an expression, and where it begins."""
    if english.HINTS.isdisjoint(english.words_of(text)):
        return
    start = 0
    for end in [*(stop.end() for stop in english.SENTENCE.finditer(text)), len(text)]:
        yield start, text[start:end]
        start = end


def _matches(sentence: str) -> list[tuple[str, re.Match[str]]]:
    """The expressions in a sentence and how each is read, none within another, in their order."""
    taken: list[tuple[str, re.Match[str]]] = []
    for reading, match in _candidates(sentence):
        if all(match.end() <= one.start() or one.end() <= match.start() for _, one in taken):
            taken.append((reading, match))
        if len(taken) == _MOST:
            break
    return sorted(taken, key=lambda each: each[1].start())


def _candidates(sentence: str) -> Iterator[tuple[str, re.Match[str]]]:
    words = english.words_of(sentence)
    if english.HINTS.isdisjoint(words):
        return
    for form in english.FORMS:
        if not any(words.isdisjoint(need) for need in form.needs):
            for match in form.pattern.finditer(sentence):
                yield form.reading, match


def _said(sentence: str, match: re.Match[str], today: date) -> Said:
    parts = {
        name: " ".join(part.lower().split())
        for name, part in match.groupdict().items()
        if part is not None
    }
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
