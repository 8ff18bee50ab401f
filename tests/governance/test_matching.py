"""The pure filter and storage's filter are one: for any cube and any filter, the same answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from memos.cube import Scope
from memos.errors import BadInput
from memos.governance.matching import admits
from memos.ports.catalog import Change, Selection
from memos.ports.filters import FIELDS, Condition, Every, Filter, Not, Operator, Some
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.testing.catalog import START, audit, plaintext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from memos.cube import MemCube

WORDS = ("a", "A", "ab", "b", "Äb", "äB", "x%y", "x_y", "1", "1.0", "true", "None", "ß", "\u0130")
NUMBERS = (0, 1, -1, 2, 1.0, 1.5, 2**53, 10**20)
TIMES = tuple(START + timedelta(days=day, microseconds=day) for day in (0, 1, 2))
words = st.sampled_from(WORDS)
scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), words)
metadata: st.SearchStrategy[dict[str, JsonValue]] = st.dictionaries(
    st.sampled_from(("n", "m")),
    st.one_of(
        scalars,
        st.lists(scalars, max_size=2),
        st.dictionaries(st.sampled_from(("n", "deep")), scalars, max_size=2),
    ),
    max_size=2,
)


@st.composite
def cubes(draw: st.DrawFn) -> MemCube:
    names = st.one_of(st.none(), st.sampled_from(("a", "A", "ab")))
    cube = plaintext(
        draw(words),
        Scope(user_id=draw(names), agent_id=draw(names)),
        at=draw(st.sampled_from(TIMES)),
        metadata=draw(metadata),
        labels=tuple(draw(st.lists(words, max_size=2))),
        speaker=draw(st.one_of(st.none(), words)),
    )
    rules = {
        "owner": draw(st.one_of(st.none(), words)),
        "sensitivity": draw(st.sampled_from(("normal", "secret"))),
        "expires_at": draw(st.one_of(st.none(), st.sampled_from(TIMES))),
    }
    governance = cube.header.governance.model_copy(update=rules)
    header = cube.header.model_copy(update={"governance": governance})
    return cube.model_copy(update={"header": header})


fields = st.sampled_from(
    [*sorted(FIELDS), "metadata.n", "metadata.m", "metadata.n.deep", "metadata.absent"]
)
times = st.sampled_from([*(time.isoformat() for time in TIMES), "2024-05-02", "2024-05-02T00:00Z"])
values: st.SearchStrategy[Any] = st.one_of(
    scalars, times, st.lists(st.one_of(scalars, times), max_size=3), st.just("plaintext")
)
conditions: st.SearchStrategy[Filter] = st.builds(
    Condition, fields, st.sampled_from(Operator), values
)
filters = st.recursive(
    conditions,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.lists(parts, max_size=3).map(lambda some: Every(tuple(some))),
        st.lists(parts, max_size=3).map(lambda some: Some(tuple(some))),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def catalog() -> Iterator[SqlCatalog]:
    engine = open_engine(None)
    upgrade(engine)
    catalog = SqlCatalog(engine)
    yield catalog
    catalog.close()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(cubes(), min_size=1, max_size=6), filters)
def test_storage_admits_exactly_what_the_pure_filter_admits(
    catalog: SqlCatalog, given_cubes: list[MemCube], where: Filter
) -> None:
    agree(catalog, given_cubes, where)


def agree(catalog: SqlCatalog, given_cubes: list[MemCube], where: Filter) -> None:
    catalog.commit(Change(audit=audit(), put=tuple(given_cubes)))
    try:
        found = {cube.id for cube in catalog.select(Selection(where=where))}
    except BadInput:
        assume(False)
    else:
        assert found == {cube.id for cube in given_cubes if admits(where, cube)}
    finally:
        catalog.commit(Change(audit=audit(), forget=tuple(cube.id for cube in given_cubes)))


def test_the_names_of_metadata_may_be_in_any_script(catalog: SqlCatalog) -> None:
    cube = plaintext("x", metadata={"größe": {"été d'été": 1}})
    for field in ("metadata.größe.été d'été", "metadata.größe.absent"):
        for operator in (Operator.EQ, Operator.NE, Operator.GTE):
            agree(catalog, [cube], Condition(field, operator, 1))
