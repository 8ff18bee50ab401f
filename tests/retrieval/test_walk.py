"""A walk over names goes from what was found to what shares its names, and no further."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.retrieval.walk import RETURN, walked
from tests.retrieval.known import NAMES

STARTS = st.lists(st.tuples(NAMES, st.floats(0, 10)), max_size=8)


def reached(*names: str, start: int = 0) -> list[float]:
    """How often each memory is come across; a letter is a name."""
    begin = np.zeros(len(names))
    begin[start] = 1.0
    return list(walked([dict.fromkeys(each, 1.0) for each in names], begin))


@settings(deadline=None)
@given(STARTS)
def test_chances_are_none_below_0_and_add_up_to_at_most_1(
    drawn: list[tuple[dict[str, float], float]],
) -> None:
    names, start = [one for one, _ in drawn], np.array([force for _, force in drawn], float)
    chances = walked(names, start)
    assert chances.shape == (len(names),)
    assert (chances >= 0).all()
    assert chances.sum() <= 1 + 1e-9
    if start.sum() > 0:
        assert (chances >= RETURN * start / start.sum() - 1e-9).all()
        if all(names):
            assert chances.sum() == pytest.approx(1)


@settings(deadline=None)
@given(STARTS.filter(bool), st.floats(0.1, 9))
def test_how_strong_the_whole_start_is_does_not_count(
    drawn: list[tuple[dict[str, float], float]], times: float
) -> None:
    names, start = [one for one, _ in drawn], np.array([round(force, 2) for _, force in drawn])
    assert walked(names, times * start) == pytest.approx(walked(names, start))


def test_what_is_two_names_away_is_come_across_more_seldom_than_what_is_one_away() -> None:
    start, near, far = reached("x", "xy", "y")
    assert start > near > far > 0


def test_what_shares_no_name_with_the_start_is_never_come_across() -> None:
    assert reached("x", "x", "y", "", "yz")[2:] == [0, 0, 0]


def test_a_name_in_all_says_less_than_one_in_two() -> None:
    _, with_few, *others = reached("ax", "ax", "a", "a", "a", "a")
    assert with_few > 2 * max(others)
    assert max(others) == pytest.approx(min(others))


def test_a_rare_name_leads_on_more_often_than_a_common_one() -> None:
    names = [{"rare": 3.0, "common": 1.0}, {"rare": 3.0}, {"common": 1.0}]
    _, by_rare, by_common = walked(names, np.array([1.0, 0, 0]))
    assert by_rare > by_common > 0


def test_without_a_beginning_or_a_name_the_walk_goes_nowhere() -> None:
    assert walked([], np.zeros(0)).tolist() == []
    assert walked([{"x": 1.0}, {"x": 1.0}], np.zeros(2)).tolist() == [0, 0]
    assert walked([{}, {}], np.array([3.0, 1.0])).tolist() == [0.75, 0.25]
