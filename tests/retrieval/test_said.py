"""What was said at a time is found by the time alone, and only where one may look."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from memos.cube import EVERYBODY, Scope
from memos.ports.words import Room
from memos.retrieval.said import said_within
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.testing.catalog import ALICE, BOB, START, plaintext, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from memos.cube import MemCube

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
