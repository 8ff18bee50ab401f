"""Lengths of time as a person writes them: ``90s``, ``15m``, ``2h``, ``30d``, ``2w``."""

from __future__ import annotations

import re

from memos.errors import BadInput

_SPAN = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([smhdw]?)\s*")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(span: str | None) -> float | None:
    """How many seconds a text means; None for none.

    >>> seconds("1.5h")
    5400.0

    Raises:
        BadInput: it has another form.
    """
    if span is None:
        return None
    found = _SPAN.fullmatch(span)
    if found is None:
        message = f"{span!r:.60} is no length of time"
        raise BadInput(message, hint="such as 90s, 15m, 2h, 30d or 2w")
    return float(found[1]) * _SECONDS[found[2]]
