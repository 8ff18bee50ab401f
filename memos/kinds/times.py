"""Times as people and exports write them."""

from __future__ import annotations

from datetime import UTC, datetime

from memos.errors import BadInput, shown

_SPELLINGS = (
    "%I:%M %p on %d %B, %Y",
    "%Y/%m/%d (%a) %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d %B %Y",
    "%d %B, %Y",
    "%B %d, %Y",
    "%b %d, %Y",
)
"""Beside ISO 8601: the spellings of chat exports."""


def read_time(value: datetime | str | float) -> datetime:
    """An aware UTC time from a datetime, a text, or seconds since 1970; no zone means UTC.

    Raises:
        BadInput: it is not a time that we can read.
    """
    try:
        time = _parsed(value)
        aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError) as error:
        hint = "use ISO 8601, such as 2024-05-01T12:00:00Z"
        raise BadInput(f"{shown(value)} is not a time", hint=hint) from error


def _parsed(value: datetime | str | float) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    if not isinstance(value, str):
        return datetime.fromtimestamp(value, UTC)
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return _spelled(value.strip())


def _spelled(text: str) -> datetime:
    for spelling in _SPELLINGS:
        try:
            return datetime.strptime(text, spelling).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(text)
