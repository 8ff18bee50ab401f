"""What is asked for often is answered through the index that is meant for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from memos.cube import EVERYBODY, Kind, Scope
from memos.ports.catalog import Selection
from memos.ports.filters import EVERYTHING, Condition, Every, Filter, Not, Operator, Some
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

ALICE = Scope(user_id="alice")
LABELLED = Condition("labels", Operator.CONTAINS, "work")
IN_MAY = Every(
    (
        Condition("valid_from", Operator.GTE, "2022-05-01T00:00:00+00:00"),
        Condition("valid_from", Operator.LT, "2022-06-01T00:00:00+00:00"),
    )
)


def plan(engine: Engine, selection: Selection) -> str:
    """The index by which SQLite would find the cubes."""
    seen: list[tuple[str, object]] = []

    def listen(_c: object, _k: object, statement: str, parameters: object, *_more: object) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", listen)
    SqlCatalog(engine).ids(selection)
    event.remove(engine, "before_cursor_execute", listen)
    ((statement, parameters),) = [each for each in seen if "FROM cubes" in each[0]]
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]
    return " ".join(str(row[-1]) for row in rows)


def texts(scope: Scope, where: Filter = EVERYTHING) -> Selection:
    """The texts of a scope."""
    return Selection(scope=scope, where=where, kinds=(Kind.PLAINTEXT,))


@pytest.mark.parametrize(
    ("selection", "through"),
    [
        (texts(ALICE), "ix_cubes_user_id_session_id_id (user_id=?)"),
        (
            texts(Scope(user_id="alice", session_id="s")),
            "ix_cubes_user_id_session_id_id (user_id=? AND session_id=?)",
        ),
        (texts(Scope(session_id="s")), "ix_cubes_session_id_id"),
        (texts(Scope(agent_id="planner")), "ix_cubes_agent_id_id"),
        (texts(ALICE, IN_MAY), "ix_cubes_user_id_session_id_id (user_id=?)"),
        (texts(EVERYBODY, Condition("owner", Operator.EQ, "agent:a")), "ix_cubes_owner_id"),
        (texts(ALICE, Condition("owner", Operator.EQ, "agent:a")), "ix_cubes_owner_id"),
        (texts(EVERYBODY, Condition("source", Operator.EQ, "file:///a")), "ix_cubes_source_id"),
        (texts(ALICE, Condition("id", Operator.EQ, "x")), "id=?)"),
        (texts(ALICE, Condition("id", Operator.IN, ["x", "y"])), "id=?)"),
        (texts(EVERYBODY, LABELLED), "id=?)"),
        (texts(ALICE, LABELLED), "id=?)"),
        (
            texts(ALICE, Every((Not(Condition("source", Operator.EQ, "a")), LABELLED))),
            "id=?)",
        ),
    ],
)
def test_a_question_goes_through_the_index_for_it(
    tmp_path: Path, selection: Selection, through: str
) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    upgrade(engine)
    steps = plan(engine, selection)
    assert through in steps
    assert "SCAN" not in steps
    engine.dispose()


def test_what_was_granted_in_several_ways_is_found_by_an_index_for_each(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    upgrade(engine)
    single = Condition("id", Operator.IN, ["x", "y"])
    owned = Condition("owner", Operator.EQ, "agent:a")
    steps = plan(engine, texts(ALICE, Every((Some((owned, LABELLED, single)), EVERYTHING))))
    assert "MULTI-INDEX OR" in steps
    assert "user_id=?" not in steps
    engine.dispose()


def test_what_sqlite_is_told_to_expect_names_indexes_that_exist(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    upgrade(engine)
    with engine.connect() as connection:
        told = set(connection.exec_driver_sql("SELECT tbl, idx FROM sqlite_stat1").all())
        indexes = "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index'"
        there = set(connection.exec_driver_sql(indexes).all())
    assert told <= there
    assert len(told) == 17
    engine.dispose()
