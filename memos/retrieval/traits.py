"""What a text is like by itself, whatever is asked: pure."""

from __future__ import annotations

import re

_TIME = re.compile(
    r"\b(yesterday|today|tonight|tomorrow|last|next|ago|week|weekend|month|year|monday|tuesday"
    r"|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july"
    r"|august|september|october|november|december|since|recently|soon)\b|\b\d{4}\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|once|twice|several|couple)\b",
    re.IGNORECASE,
)
_SELF = re.compile(r"\b(I|my|we|our)\b")
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z][\w'-]*\w")


def asks(text: str) -> bool:
    """Whether it is a question."""
    return text.rstrip().endswith("?")


def tells_of_self(text: str) -> bool:
    """Whether somebody speaks of themselves in it."""
    return _SELF.search(text) is not None


def tells_time(text: str) -> bool:
    """Whether it has a word of time or a year."""
    return _TIME.search(text) is not None


def tells_number(text: str) -> bool:
    """Whether it has a number."""
    return _NUMBER.search(text) is not None


def names_something(text: str) -> bool:
    """Whether there is a name within it."""
    return _NAME.search(text) is not None
