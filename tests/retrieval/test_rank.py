"""Ranking is pure: the same evidence gives the same order, and every point is explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.kinds.whens import spans_in
from memos.retrieval.evidence import Evidence, Named
from memos.retrieval.rank import PARTS, Ranked, form_of, forms, measured
from memos.retrieval.rank import ranked as in_order
from memos.retrieval.weights import WEIGHTS, WITHOUT_TOKENS
from tests.retrieval.known import evidence, evidences, outline, turns

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMS = ("turn", "message", "passage", "note")
FEATURES = list(chain.from_iterable(PARTS.values()))


def ranked(known: Evidence, weights: Mapping[str, Mapping[str, float]] = WEIGHTS) -> list[Ranked]:
    return list(in_order(known, weights))


def alike(**weights: float) -> dict[str, dict[str, float]]:
    """The same weights whatever the form."""
    return dict.fromkeys(FORMS, weights)


@settings(deadline=None)
@given(evidences(), st.lists(st.floats(-2, 2), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_the_parts_add_up_and_the_order_is_that_of_the_scores(
    known: Evidence, weights: list[float]
) -> None:
    found = ranked(known, alike(**dict(zip(FEATURES, weights, strict=True))))
    assert sorted(one.id for one in found) == sorted(
        each.id for each in known.outlines[: known.count]
    )
    for one in found:
        assert one.score == sum(one.parts.values())
        assert set(one.parts) <= set(PARTS)
        assert all(one.parts.values())
    assert found == sorted(found, key=lambda one: (-one.score, one.id))


@settings(deadline=None)
@given(evidences(), st.data())
def test_the_order_in_which_candidates_come_does_not_count(
    known: Evidence, data: st.DataObject
) -> None:
    notes = [each._replace(position=None) for each in known.outlines[: known.count]]
    order = data.draw(st.permutations(range(known.count)))
    cosines = known.cosines[: known.count].round(3)
    one = evidence("tea?", notes, cosines=list(cosines))
    other = evidence("tea?", [notes[row] for row in order], cosines=[cosines[row] for row in order])
    weights = alike(vectors=1.0, asks=0.5)
    scores = [{each.id: each.score for each in ranked(these, weights)} for these in (one, other)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_nothing_found_is_an_empty_ranking() -> None:
    assert ranked(evidence("tea?", [])) == []
    assert ranked(evidence("tea?", turns("one", "two"), count=0)) == []


def test_ties_are_ordered_by_id() -> None:
    known = evidence("tea?", [outline("b"), outline("c"), outline("a")], cosines=[1, 1, 1])
    found = ranked(known, alike(vectors=1.0))
    assert [(one.id, one.score, one.parts) for one in found] == [
        ("a", 0, {}),
        ("b", 0, {}),
        ("c", 0, {}),
    ]


def test_what_is_near_and_has_the_words_comes_first_and_says_why() -> None:
    notes = [outline("near"), outline("both"), outline("words"), outline("none")]
    known = evidence("tea?", notes, cosines=[1, 1, 0, 0], shares=[[0], [1], [1], [0]])
    found = ranked(known, alike(vectors=1.0, kin=1.0))
    assert [one.id for one in found] == ["both", "near", "words", "none"]
    assert found[0].parts == {"vectors": 1, "words": 1}
    assert found[1].parts == {"vectors": 1, "words": -1}


def test_each_form_has_weights_of_its_own() -> None:
    known = evidence("tea?", [outline("note"), *turns("one")], cosines=[1, 0])
    weights = {**alike(vectors=1.0), "note": {"vectors": -2.0}}
    assert [one.id for one in ranked(known, weights)] == ["turn 0", "note"]


def test_the_form_is_that_of_who_speaks_and_what_stands_above() -> None:
    named = Named([{}, {"x": 1.0}, {}, {}], [None, "x", None, None])
    said, wrote = turns("one", "two")
    known = evidence(
        "tea?", [outline("n"), outline("p"), said._replace(speaker="Ann"), wrote], named=named
    )
    assert forms(known) == ["note", "passage", "turn", "message"]
    assert forms(evidence("tea?", [outline("n")])) == ["note"]
    assert form_of(said, "a title") == "message"


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_is_of_a_feature_in_one_part(form: str) -> None:
    assert set(WEIGHTS) == set(FORMS)
    assert len(set(FEATURES)) == len(FEATURES)
    assert set(WEIGHTS[form]) <= set(FEATURES)


def test_every_feature_is_in_a_part_and_every_part_has_its_features() -> None:
    named = Named([{"x": 1.0}, {}], ["x", None])
    times = spans_in("in May 2022", anchor=datetime(2024, 1, 1, tzinfo=UTC))
    notes = turns("one", "two")
    told = evidence("tea lately?", notes, named=named, tokens=[[0.5], [1]])
    known = replace(told, times=times)
    assert set(measured(known, forms(known))) == set(FEATURES)


@pytest.mark.parametrize("weights", [WEIGHTS, WITHOUT_TOKENS])
def test_of_two_alike_the_newer_comes_first_where_the_newest_is_asked_for(
    weights: Mapping[str, Mapping[str, float]],
) -> None:
    notes = [outline("a", at=1), outline("b", at=2)]
    found = ranked(evidence("her latest tea?", notes), weights)
    assert [(one.id, set(one.parts)) for one in found] == [("b", {"recency"}), ("a", set())]
    assert [one.id for one in ranked(evidence("her tea?", notes), weights)] == ["a", "b"]


def test_where_no_tokens_are_told_the_weights_are_those_that_were_fitted_without() -> None:
    assert set(WEIGHTS) == set(WITHOUT_TOKENS) == set(FORMS)
    for form in FORMS:
        assert not set(WITHOUT_TOKENS[form]) & set(PARTS["tokens"])
        assert set(WEIGHTS[form]) & set(PARTS["tokens"])
    notes = [outline("a", "I like tea"), outline("b", "a tram")]
    known = evidence("tea?", notes, cosines=[0.9, 0.1])
    assert list(in_order(known)) == ranked(known, WITHOUT_TOKENS)
    known = evidence("tea?", notes, cosines=[0.9, 0.1], tokens=[[0.9], [0.1]])
    assert list(in_order(known)) == ranked(known, WEIGHTS)
    assert "tokens" in ranked(known)[0].parts
