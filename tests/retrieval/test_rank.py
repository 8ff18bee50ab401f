"""Ranking is pure: the same candidates give the same order, and every point is explained."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memos.ports.near import Near
from memos.retrieval.rank import Weights, fused, with_neighbours

NEARS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 30), max_size=8).map(
    lambda scores: [Near(name, score) for name, score in scores.items()]
)


def test_what_both_indexes_find_comes_first() -> None:
    vectors = [Near("a", 0.9), Near("b", 0.8), Near("c", 0.1)]
    words = [Near("b", 7.0), Near("d", 6.0)]
    ranked = with_neighbours(fused(vectors, words), {})
    assert ranked[0].id == "b"
    assert set(ranked[0].parts) == {"vectors", "words"}
    assert {one.id for one in ranked} == set("abcd")


def test_a_neighbour_of_a_good_hit_is_found_through_it() -> None:
    ranked = with_neighbours(fused([Near("a", 0.9)], []), {"a": ["b"]}, Weights(graph=0.25))
    assert [(one.id, one.parts) for one in ranked] == [
        ("a", {"vectors": 1.0}),
        ("b", {"graph": 0.25}),
    ]


def test_many_neighbours_count_as_the_best_one() -> None:
    parts = fused([Near("a", 1.0), Near("b", 0.5)], [])
    ranked = with_neighbours(parts, {"a": ["z"], "b": ["z"]}, Weights(graph=0.5))
    assert next(one for one in ranked if one.id == "z").score == 0.5


def test_ties_are_ordered_by_id() -> None:
    ranked = with_neighbours(fused([Near("b", 0.5), Near("a", 0.5)], []), {})
    assert [one.id for one in ranked] == ["a", "b"]


def test_nothing_found_is_an_empty_ranking() -> None:
    assert with_neighbours(fused([], []), {}) == []


@given(NEARS, NEARS)
def test_the_parts_add_up_and_the_order_is_that_of_the_scores(
    vectors: list[Near], words: list[Near]
) -> None:
    ranked = with_neighbours(fused(vectors, words), {"a": ["b", "z"]})
    for one in ranked:
        assert one.score == sum(one.parts.values())
        assert all(part >= 0 for part in one.parts.values())
    assert ranked == sorted(ranked, key=lambda one: (-one.score, one.id))
