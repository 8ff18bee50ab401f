"""The order of examples is shuffled, repeatable, and dwells on what is not learnt."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from memos.models.training_order import Order

ENOUGH = 0.1


def rounds(order: Order, count: int) -> list[int]:
    return [number for _ in range(count) for number in order.examples(4, ENOUGH, 0.25)]


def test_the_same_seed_gives_the_same_order() -> None:
    first, second, other = (rounds(Order(12, 3, seed), 9) for seed in (0, 0, 1))
    assert first == second != other


def test_a_round_has_each_example_once() -> None:
    order = Order(12, 3, 0)
    assert sorted(rounds(order, 3)) == list(range(12))
    assert sorted(order.unrelated(9)) == [0, 1, 2]


def test_no_example_is_twice_in_a_step() -> None:
    order = Order(5, 0, 0)
    for _ in range(40):
        chosen = order.examples(4, ENOUGH, 0.25)
        assert len(set(chosen)) == len(chosen) == 4
    assert sorted(order.examples(9, ENOUGH, 0.25)) == [0, 1, 2, 3, 4]
    assert order.unrelated(2) == []


def test_what_is_learnt_comes_less_often() -> None:
    order = Order(20, 0, 0)
    order.note(list(range(10)), [0.0] * 10)
    assert order.learnt(ENOUGH) == 0.5
    counts = Counter(rounds(order, 400))
    dull, fresh = sum(counts[n] for n in range(10)), sum(counts[n] for n in range(10, 20))
    assert 0.15 < dull / fresh < 0.35
    order.note([0], [3.0])
    assert order.learnt(ENOUGH) == 0.45


def test_an_order_goes_on_from_its_state() -> None:
    order = Order(12, 5, 0)
    rounds(order, 2)
    order.unrelated(3)
    order.note([1, 2], [0.01, 4.0])
    told = json.loads(json.dumps(order.state))
    other = Order(12, 5, 99)
    other.state = told
    assert other.state == order.state
    assert rounds(other, 20) == rounds(order, 20)
    assert other.unrelated(4) == order.unrelated(4)


@pytest.mark.parametrize(
    "change",
    [
        {"losses": [None] * 3},
        {"losses": ["x"] * 12},
        {"left": {"examples": [12], "unrelated": []}},
        {"left": {"examples": []}},
        {"random": [3, [1, 2], None]},
        {"random": 7},
    ],
)
def test_a_state_of_another_order_is_refused(change: dict[str, Any]) -> None:
    order = Order(12, 5, 0)
    before = order.state
    with pytest.raises((ValueError, LookupError, TypeError)):
        order.state = {**before, **change}
    assert order.state == before
