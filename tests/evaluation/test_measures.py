"""What is measured of an answer, on answers made by hand."""

from __future__ import annotations

import pytest

from memos.errors import BadInput
from memos.evaluation.measures import (
    Measure,
    complete,
    mean,
    percentile,
    recall,
    yardstick_of,
)


@pytest.mark.parametrize(
    ("found", "gold", "k", "share", "whole"),
    [
        (["a", "b", "c"], ["a"], 1, 1.0, 1.0),
        (["a", "b", "c"], ["b"], 1, 0.0, 0.0),
        (["a", "b", "c"], ["c", "a"], 2, 0.5, 0.0),
        (["a", "b", "c"], ["c", "a"], 3, 1.0, 1.0),
        (["a"], ["a", "x", "y", "z"], 5, 0.25, 0.0),
        ([], ["a"], 5, 0.0, 0.0),
        (["a", "a", "b"], ["a", "b"], 2, 0.5, 0.0),
    ],
)
def test_recall_is_the_share_of_the_evidence_within_the_depth(
    found: list[str], gold: list[str], k: int, share: float, whole: float
) -> None:
    assert recall(found, gold, k) == share
    assert complete(found, gold, k) == whole


def test_a_measure_is_known_by_its_name() -> None:
    assert Measure.read("recall@5") == Measure("recall", 5)
    assert Measure.read("all@20").name == "all@20"
    assert Measure("all", 2).of(["a", "b"], {"a", "b"}) == 1.0


@pytest.mark.parametrize("name", ["recall", "recall@0", "recall@-1", "recall@1000", "ndcg@5", ""])
def test_a_measure_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no measure"):
        Measure.read(name)


def test_a_known_set_has_its_measures_and_targets_and_any_other_the_usual_depths() -> None:
    locomo = yardstick_of("locomo")
    assert [measure.name for measure in locomo.measures] == ["recall@5", "recall@10", "recall@20"]
    assert locomo.targets == {"recall@5": 0.72, "recall@10": 0.82, "recall@20": 0.88}
    assert (set(locomo.left_out), locomo.deepest) == ({"5"}, 20)
    assert yardstick_of("longmemeval_s_500c").measures[0].name == "all@5"
    assert yardstick_of("conflict_dynamicqa").targets == {"recall@5": 0.97, "recall@1": 0.85}
    assert yardstick_of("chats").targets == {}


def test_measures_that_are_asked_for_replace_the_usual_ones() -> None:
    chosen = yardstick_of("locomo", [Measure("recall", 5), Measure("all", 3)])
    assert [measure.name for measure in chosen.measures] == ["recall@5", "all@3"]
    assert chosen.targets == {"recall@5": 0.72}


def test_percentiles_are_values_that_occur() -> None:
    assert percentile([], 0.5) == 0.0
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert (mean([]), mean([1.0, 2.0])) == (0.0, 1.5)
