"""Filters are read as applications write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.errors import BadInput, MemosError, UnknownOperator
from memos.ports.filters import Condition, Every, Not, Operator, Some
from memos.retrieval.filters import read_filter


def test_nothing_admits_everything() -> None:
    assert read_filter(None) == Every(())
    assert read_filter({}) == Every(())


def test_fields_operators_and_logic_are_read() -> None:
    read = read_filter(
        {
            "speaker": "Alice",
            "labels": "home",
            "metadata.n": {"gt": 1, "$lte": 5},
            "or": [{"role": "user"}, {"not": {"kind": "plaintext"}}],
        }
    )
    assert read == Every(
        (
            Condition("speaker", Operator.EQ, "Alice"),
            Condition("labels", Operator.CONTAINS, "home"),
            Every(
                (
                    Condition("metadata.n", Operator.GT, 1),
                    Condition("metadata.n", Operator.LTE, 5),
                )
            ),
            Some(
                (
                    Every((Condition("role", Operator.EQ, "user"),)),
                    Every((Not(Every((Condition("kind", Operator.EQ, "plaintext"),))),)),
                )
            ),
        )
    )


def test_an_unknown_operator_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownOperator, match=r"'near'.*contains"):
        read_filter({"speaker": {"near": "Alice"}})


@pytest.mark.parametrize(
    "filters",
    [
        "speaker",
        ["speaker"],
        {"shoe": 1},
        {"metadata": 1},
        {"metadata.": 1},
        {"or": "x"},
        {"and": [1]},
        {"not": [1]},
        {"speaker": {}},
        {"speaker": {"eq": object()}},
        {1: 2},
    ],
)
def test_what_is_no_filter_is_refused(filters: object) -> None:
    with pytest.raises(BadInput):
        read_filter(filters)


def test_endless_nesting_is_refused() -> None:
    filters: dict[str, Any] = {}
    for _ in range(100):
        filters = {"not": filters}
    with pytest.raises(BadInput, match="deep"):
        read_filter(filters)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["and", "or", "not", "speaker", "labels", "eq", "in", "metadata.x"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=10,
    )
)
def test_anything_is_either_a_filter_or_our_error(filters: object) -> None:
    try:
        read_filter(filters)
    except MemosError:
        return
