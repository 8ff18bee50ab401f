"""Which memories were said when: candidates where no word of a question matches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memos.cube import Kind
from memos.cube.header import FINDABLE
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memos.ports.catalog import Catalog
    from memos.ports.filters import Filter
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
    texts = Selection(where=Every((since, until)), kinds=(Kind.PLAINTEXT,), newest_first=True)
    return _of_each(catalog, rooms, texts, limit)


def said_last(catalog: Catalog, rooms: Iterable[Room], *, lasting: Filter, limit: int) -> list[str]:
    """The ids of the texts in any of the rooms that were said last, of those that can be found.

    At most ``limit`` of each room, each id once; those without a time come last.

    Args:
        catalog: where they are.
        rooms: where one may look.
        lasting: what else must hold of them, such as that they are not over.
        limit: how many of each room.
    """
    findable = Condition("state", Operator.IN, [str(state) for state in FINDABLE])
    where = Every((findable, lasting))
    texts = Selection(where=where, kinds=(Kind.PLAINTEXT,), latest_first=True)
    return _of_each(catalog, rooms, texts, limit)


def _of_each(catalog: Catalog, rooms: Iterable[Room], texts: Selection, limit: int) -> list[str]:
    """The first of each room."""
    found: dict[str, None] = {}
    for room in rooms:
        most = limit if room.among is None else None
        ids = catalog.ids(replace(texts, scope=room.scope, limit=most))
        if room.among is not None:
            ids = [one for one in ids if one in room.among][:limit]
        found.update(dict.fromkeys(ids))
    return list(found)
