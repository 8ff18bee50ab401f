"""What was said at a time is found by the time alone, and only where one may look."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from memos.cube import EVERYBODY, Scope, State
from memos.ports.filters import EVERYTHING
from memos.ports.words import Room
from memos.retrieval.said import said_last, said_within
from memos.retrieval.truth import lasting
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.testing.catalog import ALICE, BOB, START, plaintext, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from memos.cube import MemCube
    from memos.ports.filters import Filter

DAY = timedelta(days=1)


def said(text: str, scope: Scope = ALICE, *, at: datetime | None = START) -> MemCube:
    """A text that was said at a time."""
    cube = plaintext(text, scope, at=at or START)
    return cube.model_copy(update={"header": cube.header.model_copy(update={"valid_from": at})})


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    engine = open_engine(tmp_path / "catalog.db")
    upgrade(engine)
    made = SqlCatalog(engine)
    yield made
    made.close()


def test_what_was_said_within_a_time_is_found_latest_memory_first(catalog: SqlCatalog) -> None:
    cubes = [said(f"day {day}", at=START + day * DAY) for day in range(4)]
    catalog.commit(put(*cubes))
    found = said_within(catalog, [Room(ALICE)], START + DAY, START + 3 * DAY, limit=9)
    assert found == [cubes[2].id, cubes[1].id]
    assert said_within(catalog, [Room(ALICE)], START, START + 9 * DAY, limit=1) == [cubes[3].id]


def test_nothing_is_found_outside_the_rooms(catalog: SqlCatalog) -> None:
    mine, other, theirs = (said(each, scope) for each, scope in
                           (("a", ALICE), ("b", ALICE), ("c", BOB)))  # fmt: skip
    catalog.commit(put(mine, other, theirs))
    rooms = [Room(Scope(user_id="alice"), frozenset({mine.id, theirs.id}))]
    assert said_within(catalog, rooms, START, START + DAY, limit=9) == [mine.id]
    everywhere = said_within(catalog, [Room(EVERYBODY), *rooms], START, START + DAY, limit=9)
    assert sorted(everywhere) == sorted([mine.id, other.id, theirs.id])


def test_what_has_no_time_was_said_at_none(catalog: SqlCatalog) -> None:
    catalog.commit(put(said("timeless", at=None)))
    assert said_within(catalog, [Room(ALICE)], START - DAY, START + DAY, limit=9) == []


def last(
    catalog: SqlCatalog, *rooms: Room, where: Filter = EVERYTHING, limit: int = 9
) -> list[str]:
    return said_last(catalog, rooms, lasting=where, limit=limit)


def test_what_was_said_last_is_found_by_its_time_and_what_has_none_after_it(
    catalog: SqlCatalog,
) -> None:
    days = [said(f"day {day}", at=START + day * DAY) for day in (2, 0, 3, 1)]
    timeless = [said("timeless", at=None), said("as well", at=None)]
    catalog.commit(put(timeless[0], *days, timeless[1]))
    newest = [cube.id for cube in (days[2], days[0], days[3], days[1], *timeless[::-1])]
    assert last(catalog, Room(ALICE)) == newest
    assert last(catalog, Room(ALICE), limit=2) == newest[:2]


def test_what_was_said_last_is_of_each_room_and_of_no_other(catalog: SqlCatalog) -> None:
    mine = [said(f"mine {day}", at=START + day * DAY) for day in range(3)]
    theirs = [said(f"theirs {day}", BOB, at=START + day * DAY) for day in range(9)]
    catalog.commit(put(*mine, *theirs))
    assert last(catalog, Room(ALICE), limit=1) == [mine[2].id]
    assert last(catalog, Room(ALICE), Room(BOB), limit=1) == [mine[2].id, theirs[8].id]
    listed = Room(EVERYBODY, frozenset({mine[0].id, mine[1].id}))
    assert last(catalog, listed, limit=1) == [mine[1].id]


def test_what_cannot_be_found_or_is_over_takes_no_place_of_what_was_said_last(
    catalog: SqlCatalog,
) -> None:
    cubes = [said(f"day {day}", at=START + day * DAY) for day in range(3)]
    life = cubes[2].header.life.model_copy(update={"state": State.ARCHIVED})
    cubes[2] = cubes[2].model_copy(
        update={"header": cubes[2].header.model_copy(update={"life": life})}
    )
    ended = {"valid_to": START + 2 * DAY}
    cubes[1] = cubes[1].model_copy(update={"header": cubes[1].header.model_copy(update=ended)})
    catalog.commit(put(*cubes))
    assert last(catalog, Room(ALICE), limit=1) == [cubes[1].id]
    still = lasting(START + 3 * DAY)
    assert last(catalog, Room(ALICE), where=still, limit=1) == [cubes[0].id]
