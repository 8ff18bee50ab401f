"""Filters are enforced before ranking: against a filter in plain Python, at any selectivity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from memos import MemOS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos.config import Settings
    from memos.cube import MemCube

COUNT = 2_000
START = datetime(2024, 1, 1, tzinfo=UTC)
TOPICS, PEOPLE = ("tea", "boats", "snow", "bees"), ("alice", "bob", None)
Where = tuple[dict[str, Any], "Callable[[MemCube], bool]"]


def test_k_hits_come_back_if_k_exist_and_only_what_is_admitted(store: MemOS) -> None:
    cubes = store.get_all()
    partial(searched, store, cubes)()


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[MemOS]:
    """Two thousand memories, of which every property halves what is left."""
    with MemOS.open(settings=settings) as mem:
        for user in PEOPLE:
            mine = [made(n) for n in range(COUNT) if PEOPLE[n % 3] == user]
            mem.add(mine, user_id=user, supersede="never")
        yield mem


def made(number: int) -> dict[str, Any]:
    """One memory; its number stands in its metadata."""
    topic = TOPICS[number % 4]
    return {
        "content": f"a remark on {topic}, the {number}th of them",
        "role": "user" if number % 2 else "assistant",
        "session_id": f"s{number % 50}",
        "date": (START + timedelta(hours=number)).isoformat() if number % 5 else None,
        "labels": [topic, "odd"] if number % 2 else [topic],
        "metadata": {"n": number, "topic": topic, "half": number / 2},
    }


def n_of(cube: MemCube) -> int:
    """The number of a memory."""
    return int(str(cube.metadata["n"]))


def since(cube: MemCube, hours: int) -> bool:
    """Whether it has a time, of that or later."""
    time = cube.header.valid_from
    return time is not None and time >= START + timedelta(hours=hours)


numbers = st.integers(0, COUNT)
leaves: st.SearchStrategy[Where] = st.one_of(
    numbers.map(lambda n: ({"metadata.n": n}, lambda cube: n_of(cube) == n)),
    numbers.map(lambda n: ({"metadata.n": {"lt": n}}, lambda cube: n_of(cube) < n)),
    numbers.map(lambda n: ({"metadata.half": {"gte": n / 3}}, lambda c: n_of(c) / 2 >= n / 3)),
    numbers.map(
        lambda n: (
            {"valid_from": {"gte": (START + timedelta(hours=n)).isoformat()}},
            lambda cube: since(cube, n),
        )
    ),
    st.lists(numbers, min_size=1, max_size=30).map(
        lambda some: ({"metadata.n": {"in": some}}, lambda cube: n_of(cube) in some)
    ),
    st.sampled_from(TOPICS).map(
        lambda topic: ({"labels": topic}, lambda cube: topic in cube.header.labels)
    ),
    st.sampled_from(TOPICS).map(
        lambda topic: ({"text": {"contains": topic.upper()}}, lambda cube: topic in cube.text)
    ),
    st.sampled_from(PEOPLE).map(
        lambda user: ({"user_id": {"ne": user}}, lambda cube: cube.user_id != user)
    ),
    st.sampled_from(["user", "assistant"]).map(
        lambda role: ({"role": role}, lambda cube: getattr(cube.payload, "role", None) == role)
    ),
    st.sampled_from(["activated", "archived"]).map(
        lambda state: ({"state": state}, lambda cube: cube.state == state)
    ),
)


def all_of(parts: list[Where]) -> Where:
    """All of them hold."""
    return {"and": [one for one, _ in parts]}, lambda cube: all(holds(cube) for _, holds in parts)


def some_of(parts: list[Where]) -> Where:
    """One of them holds."""
    return {"or": [one for one, _ in parts]}, lambda cube: any(holds(cube) for _, holds in parts)


def none_of(part: Where) -> Where:
    """It does not hold."""
    return {"not": part[0]}, lambda cube: not part[1](cube)


filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(some_of),
        inner.map(none_of),
    ),
    max_leaves=5,
)


@profile(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(where=filters, k=st.integers(1, 40), user=st.sampled_from(PEOPLE))
def searched(store: MemOS, cubes: list[MemCube], where: Where, k: int, user: str | None) -> None:
    """One search, and the same in plain Python."""
    asked, holds = where
    admitted = {c.id for c in cubes if holds(c) and user in {None, c.user_id}}
    hits = store.search("a remark on snow", k=k, filters=asked, user_id=user)
    found = {hit.cube.id for hit in hits}
    assert found <= admitted
    assert len(hits) == len(found) == min(k, len(admitted))
    listed = store.get_all(filters=asked, user_id=user)
    assert {cube.id for cube in listed} == admitted


@pytest.mark.parametrize("most", [1, 2, 40, 1_000, COUNT])
def test_every_selectivity_gives_what_there_is(store: MemOS, most: int) -> None:
    hits = store.search("bees", k=100, filters={"metadata.n": {"lt": most}})
    assert len(hits) == min(100, most)
    assert all(n_of(hit.cube) < most for hit in hits)


def test_as_of_is_enforced_by_storage_as_well(store: MemOS) -> None:
    time = START + timedelta(hours=100)
    hits = store.search("bees", k=1_000, as_of=time)
    admitted = [
        cube
        for cube in store.get_all()
        if cube.header.valid_from is None or cube.header.valid_from <= time
    ]
    assert {hit.cube.id for hit in hits} == {cube.id for cube in admitted}
    assert len(store.get_all(as_of=time)) == len(admitted)
