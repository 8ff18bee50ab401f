"""When the next cube expires, kept at hand: a call on which nothing expires asks no database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from memos.cube import State
from memos.stores.filter_sql import microseconds
from memos.stores.tables import cubes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from memos.cube import MemCube

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Expiries:
    """A lower bound of the next expiry: never too late, sometimes too early, once, and then mended.

    At first it says that something may be due: whoever looks finds out.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._next: datetime | None = _EPOCH

    def next(self) -> datetime | None:
        """A time before which nothing expires; None where nothing will."""
        return self._next

    def sooner(self, put: Sequence[MemCube]) -> None:
        """Take account of versions that have been committed."""
        times = [
            cube.header.governance.expires_at
            for cube in put
            if cube.header.governance.expires_at is not None and cube.state is not State.EXPIRED
        ]
        if times:
            with self._lock:
                self._next = min([*times, *([] if self._next is None else [self._next])])

    def look(self, now: datetime) -> None:
        """Find the next expiry after ``now``, by when everything due has expired."""
        query = select(func.min(cubes.c.expires_at)).where(cubes.c.expires_at > microseconds(now))
        with self._lock, self._engine.connect() as connection:
            found = connection.execute(query).scalar()
            self._next = None if found is None else _EPOCH + timedelta(microseconds=found)
