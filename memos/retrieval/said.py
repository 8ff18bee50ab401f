"""Which memories were said in a stretch of time: candidates where no word of a question matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Kind
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memos.ports.catalog import Catalog
    from memos.ports.words import Room


def said_within(
    catalog: Catalog, rooms: Iterable[Room], start: datetime, end: datetime, *, limit: int
) -> list[str]:
    """The ids of texts in any of the rooms that were said from ``start`` up to ``end``.

    At most ``limit`` of each room, of those that were remembered last; each id once. Whether they
    can be found at all, by their state, is for the reader to see.
    """
    since = Condition("valid_from", Operator.GTE, start.isoformat())
    until = Condition("valid_from", Operator.LT, end.isoformat())
    found: dict[str, None] = {}
    for room in rooms:
        selection = Selection(
            scope=room.scope,
            where=Every((since, until)),
            kinds=(Kind.PLAINTEXT,),
            newest_first=True,
            limit=limit if room.among is None else None,
        )
        ids = catalog.ids(selection)
        if room.among is not None:
            ids = [one for one in ids if one in room.among][:limit]
        found.update(dict.fromkeys(ids))
    return list(found)
