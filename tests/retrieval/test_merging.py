"""Further wordings and another order change a ranking openly: in the parts of its scores."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memos.cube import Provenance, Step
from memos.kinds.drafts import Draft
from memos.kinds.plaintext import born
from memos.retrieval.hit import Hit
from memos.retrieval.merging import merged, reordered

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def hit(name: str, score: float) -> Hit:
    made = Provenance(actor="test", time=NOW, step=Step(operation="add", by="test"))
    cube = born(Draft(text=name), name, now=NOW, position=None, provenance=made)
    return Hit(cube=cube, score=score, parts={"words": score})


def names(hits: list[Hit]) -> list[str]:
    return [one.cube.id for one in hits]


def honest(hits: list[Hit]) -> None:
    for one in hits:
        assert one.score == pytest.approx(sum(one.parts.values()))
    scores = [one.score for one in hits]
    assert scores == sorted(scores, reverse=True)


ASKED = [hit("a", 2.0), hit("b", 1.5), hit("c", 0.5)]


def test_without_further_wordings_nothing_changes() -> None:
    assert merged(ASKED, []) == ASKED


def test_what_other_wordings_find_is_lifted_and_added() -> None:
    found = merged(ASKED, [[hit("c", 9.0), hit("d", 4.5)], [hit("c", 0.1)]])
    honest(found)
    assert names(found) == ["c", "a", "b", "d"]
    assert found[0].parts == {"words": 0.5, "rewrite": pytest.approx(2.0)}
    assert found[3].parts == {"rewrite": pytest.approx(0.5)}


def test_wordings_that_find_nothing_or_find_it_alone_are_no_error() -> None:
    assert names(merged([], [[hit("a", -1.0), hit("b", -2.0)], []])) == ["a", "b"]
    assert names(merged(ASKED, [[]])) == ["a", "b", "c"]


def test_another_order_moves_scores_to_places_and_says_by_how_much() -> None:
    found = reordered(ASKED, [0, 1, 2], [2, 0])
    honest(found)
    assert names(found) == ["c", "a", "b"]
    assert [one.score for one in found] == [2.0, 1.5, 0.5]
    assert found[0].parts == {"words": 0.5, "rerank": 1.5}


def test_who_was_not_offered_stays_in_its_place() -> None:
    found = reordered(ASKED, [0, 2], [1])
    honest(found)
    assert names(found) == ["c", "b", "a"]
    assert found[1] == ASKED[1]
    assert reordered(ASKED, [0, 1], []) == ASKED
