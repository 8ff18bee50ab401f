"""Every policy keeps the port's promises; three of them do what a slow reference does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.errors import UnknownBackend
from memos.scheduler.policies import MAKERS, policy
from memos.testing.eviction import EvictionSuite
from tests.scheduler.slow import Slow

if TYPE_CHECKING:
    from memos.ports.eviction import Eviction


class TestLru(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("lru", budget_bytes)


class TestLfu(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("lfu", budget_bytes)


class TestLru2(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("lru-2", budget_bytes)


class TestGdsf(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("gdsf", budget_bytes)


class TestArc(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("arc", budget_bytes)


class TestS3Fifo(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("s3-fifo", budget_bytes)


class TestWTinyLfu(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("w-tinylfu", budget_bytes)


class TestCost(EvictionSuite):
    def made(self, budget_bytes: int) -> Eviction:
        return policy("cost", budget_bytes)


def test_every_policy_has_its_suite() -> None:
    tested = {suite().made(1000).__class__ for suite in EvictionSuite.__subclasses__()}
    assert tested == {maker(1000).__class__ for maker in MAKERS.values()}


def test_a_policy_that_does_not_exist_is_an_error_that_names_those_that_do() -> None:
    with pytest.raises(UnknownBackend, match="mru") as caught:
        policy("mru", 1000)
    assert "s3-fifo" in caught.value.hint


REFERENCES = {
    "lru": lambda: Slow(lambda size, seconds: 0.0, recency_only=True),
    "lfu": lambda: Slow(lambda size, seconds: 1.0),
    "gdsf": lambda: Slow(lambda size, seconds: seconds / size),
}
STEP = st.tuples(
    st.sampled_from(["ask", "ask", "ask", "hold", "release"]),
    st.integers(0, 11),
    st.sampled_from([1, 2, 3, 50]),
    st.sampled_from([0.0, 0.25, 1.0, 7.0]),
)


@pytest.mark.parametrize("name", REFERENCES)
@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=120))
def test_the_quick_way_and_the_obvious_one_name_the_same_victims(
    name: str, steps: list[tuple[str, int, int, float]]
) -> None:
    quick, slow = policy(name, 6), REFERENCES[name]()
    held: set[str] = set()
    for act, number, size, seconds in steps:
        block = f"block {number}"
        if act == "hold":
            held.add(block)
        elif act == "release":
            held.discard(block)
            quick.freed(block)
        elif block in slow.blocks:
            quick.used(block)
            slow.used(block)
        else:
            quick.missed(block)
            if len(slow.blocks) >= 6:
                victim = quick.victim(lambda one: one not in held)
                assert victim == slow.victim(lambda one: one not in held)
                if victim is None:
                    continue
                quick.removed(victim)
                slow.evicted(victim)
            quick.added(block, size, seconds)
            slow.added(block, size, seconds)
