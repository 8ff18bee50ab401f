"""Windows of turns, and the shares and scales that features are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from memos.retrieval.around import beside, meant, united, windows
from memos.retrieval.evidence import coverage, scaled
from tests.retrieval.known import evidence, outline, turns

FLOATS = st.integers(-1000, 1000).map(lambda number: number / 8)
VALUES = arrays.arrays(np.float64, st.integers(0, 9), elements=FLOATS)
SHARES = st.tuples(st.integers(0, 5), st.integers(0, 4)).flatmap(
    lambda shape: st.tuples(
        arrays.arrays(np.float64, shape, elements=st.floats(0, 1)),
        arrays.arrays(np.float64, shape[1], elements=st.floats(0, 9)),
    )
)


def test_a_window_ends_where_the_conversation_ends() -> None:
    known = evidence("?", [*turns("a", "b", "c"), outline("note")])
    rows = [each.tolist() for each in windows(known, 2)]
    assert rows == [
        [0, 1, 2, 3],
        [-1, 0, 1, -1],
        [-1, -1, 0, -1],
        [1, 2, -1, -1],
        [2, -1, -1, -1],
    ]


def test_the_mean_is_of_those_that_are_there() -> None:
    known = evidence("?", [*turns("a", "b", "c"), outline("note")])
    values = np.array([1.0, 2.0, 6.0, 5.0])
    assert meant(values, windows(known, 1)).tolist() == [1.5, 3, 4, 5]
    assert meant(values, windows(known, 0)).tolist() == values.tolist()


def test_a_window_has_the_words_of_all_its_turns() -> None:
    known = evidence("?", [*turns("a", "b", "c"), outline("note")])
    shares = np.array([[1, 0, 0], [0, 0.5, 0], [0, 0, 1], [0, 0, 0]])
    assert united(shares, windows(known, 1)).tolist() == [
        [1, 0.5, 0],
        [1, 0.5, 1],
        [0, 0.5, 1],
        [0, 0, 0],
    ]


def test_where_no_turn_stands_beside_the_other_value_counts() -> None:
    known = evidence("?", turns("a", "b"))
    values = np.array([1.0, 2.0])
    assert beside(values, known.before, -9.0).tolist() == [-9, 1]
    assert beside(values, known.after, -9.0).tolist() == [2, -9]


@settings(deadline=None)
@given(SHARES)
def test_coverage_is_a_share_and_grows_with_what_is_had(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    shares, rareness = drawn
    cover = coverage(shares, rareness)
    assert cover.shape == (len(shares),)
    assert ((cover >= 0) & (cover <= 1 + 1e-9)).all()
    assert (coverage(np.minimum(shares + 0.1, 1), rareness) >= cover - 1e-9).all()


def test_all_terms_are_all_of_the_weight_and_without_terms_there_is_none() -> None:
    assert coverage(np.ones((2, 3)), np.array([1.0, 2, 3])).tolist() == [1, 1]
    assert coverage(np.zeros((2, 0)), np.zeros(0)).tolist() == [0, 0]


@settings(deadline=None)
@given(VALUES)
def test_what_is_scaled_is_around_0_with_a_spread_of_1_in_the_same_order(
    values: np.ndarray,
) -> None:
    found = scaled(values)
    assert found.shape == values.shape
    if found.any():
        assert found.mean() == pytest.approx(0, abs=1e-9)
        assert found.std() == pytest.approx(1, abs=1e-6)
        assert (np.diff(found[np.argsort(values)]) >= 0).all()


@settings(deadline=None)
@given(FLOATS, st.integers(0, 9))
def test_what_is_the_same_for_all_is_scaled_to_0(value: float, count: int) -> None:
    assert scaled(np.full(count, value)).tolist() == [0] * count
