"""What a text is like by itself, whatever is asked: pure."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")
_TIMES = frozenset(
    """
    yesterday today tonight tomorrow last next ago week weekend month year monday tuesday wednesday
    thursday friday saturday sunday january february march april may june july august september
    october november december since recently soon
    """.split()
)
_NUMBERS = frozenset(
    "one two three four five six seven eight nine ten once twice several couple".split()
)
_SELF = frozenset("I my we our My We Our".split())
_YEAR = 4
"""Digits of a year."""
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z][\w'-]*\w")


def asks(text: str) -> bool:
    """Whether it is a question."""
    return text.rstrip().endswith("?")


def asks_within(text: str) -> bool:
    """Whether there is a question in it."""
    return "?" in text


def tells_of_self(text: str) -> bool:
    """Whether somebody speaks of themselves in it."""
    return not _SELF.isdisjoint(_WORD.findall(text))


def tells_time(text: str) -> bool:
    """Whether it has a word of time or a year."""
    words = _WORD.findall(text.lower())
    return not _TIMES.isdisjoint(words) or any(
        len(word) == _YEAR and word.isdigit() for word in words
    )


def tells_number(text: str) -> bool:
    """Whether it has a number."""
    words = _WORD.findall(text.lower())
    return not _NUMBERS.isdisjoint(words) or any(
        letter.isdigit() for word in words for letter in word
    )


def names_something(text: str) -> bool:
    """Whether there is a name within it."""
    return _NAME.search(text) is not None
