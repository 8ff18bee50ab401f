"""Memories whose time is over: they expire at once, and stay readable by their id."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memos.cube import State
from memos.errors import BadInput, shown
from memos.kinds.times import read_time
from memos.life.amending import Amendment

if TYPE_CHECKING:
    from datetime import datetime

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.life.amending import Amender
    from memos.ports.catalog import Catalog

_BATCH = 1000
"""Cubes that expire in one transaction."""
_TIME_IS_OVER = Amendment("expire", State.EXPIRED, on_frozen=True)


class Expirer:
    """Expires what is due; asked before every call, so that nothing past its time is served."""

    def __init__(self, *, catalog: Catalog, amender: Amender) -> None:
        self._catalog = catalog
        self._amender = amender

    def is_due(self, now: datetime) -> bool:
        """Whether there may be something to expire; a comparison, and no question to a store."""
        coming = self._catalog.next_expiry()
        return coming is not None and coming <= now

    def due(self, now: datetime) -> list[MemCube]:
        """The next cubes that are due, earliest first; some hundred at most."""
        return self._catalog.due(now, _BATCH)

    def expire(self, due: list[MemCube], act: Act) -> list[MemCube]:
        """New versions of these cubes, which say that their time is over."""
        return self._amender.amend(due, _TIME_IS_OVER, act=act)


def read_expiry(
    ttl_seconds: object, expires_at: datetime | str | float | None, now: datetime
) -> datetime | None:
    """When a memory expires, from seconds that it has or from a time; None for never.

    Raises:
        BadInput: both are given, one cannot be read, or the time is not in the future.
    """
    if ttl_seconds is not None and expires_at is not None:
        given = f"ttl_seconds {shown(ttl_seconds)} and expires_at {shown(expires_at)}"
        message = f"both {given} are given"
        raise BadInput(message, hint="give one of them")
    if ttl_seconds is not None:
        return _later(now, ttl_seconds)
    if expires_at is None:
        return None
    time = read_time(expires_at)
    if time <= now:
        raise BadInput(f"the time {shown(expires_at)} has passed", hint="name a time to come")
    return time


def _later(now: datetime, ttl_seconds: object) -> datetime:
    if isinstance(ttl_seconds, bool) or not isinstance(ttl_seconds, int | float):
        raise BadInput(f"ttl_seconds is {shown(ttl_seconds)}", hint="pass a number of seconds")
    if not ttl_seconds > 0:
        raise BadInput(f"ttl_seconds is {shown(ttl_seconds)}", hint="it must be greater than 0")
    try:
        later = now + timedelta(seconds=ttl_seconds)
    except (OverflowError, ValueError) as error:
        hint = "leave it out for a memory that does not expire"
        raise BadInput(f"ttl_seconds is {shown(ttl_seconds)}", hint=hint) from error
    if later == now:
        raise BadInput(f"ttl_seconds is {shown(ttl_seconds)}", hint="a microsecond at least")
    return later
