"""What a question's tokens find in the imprints of texts."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.ports.embedder import Asking
from memos.ports.imprint import impressed, nearest_tokens, one_long, width
from memos.retrieval.features import met_features
from memos.retrieval.meeting import met
from tests.retrieval.known import evidence, outline, turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.retrieval.evidence import Met


def unit(seed: int, count: int, dimension: int = 384) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((count, dimension))
    return one_long(made.astype(np.float32))


def asking(tokens: np.ndarray, mark: np.ndarray | None = None) -> Asking:
    return Asking(tokens[0], tokens, mark)


def test_a_bit_for_each_number_and_no_more() -> None:
    assert impressed(unit(0, 5)).shape == (5, 48)
    assert impressed(unit(0, 5, 20)).shape == (5, 3)
    assert width(20) == 3


def test_signs_do_not_depend_on_length_and_are_the_same_for_good() -> None:
    tokens = unit(1, 9)
    made = impressed(tokens)
    assert np.array_equal(made, impressed(tokens * 7))
    fixed = np.outer(np.ones(3), np.sin(np.arange(1, 65))).astype(np.float32)
    digest = hashlib.sha256(impressed(fixed).tobytes()).hexdigest()
    assert digest[:16] == "e6dc888007e9d7be"


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.sampled_from([8, 20, 64, 384]))
def test_the_estimate_is_near_the_cosine(seed: int, dimension: int) -> None:
    texts, question = unit(seed, 400, dimension), unit(seed + 1, 1, dimension)
    question = one_long(question + texts[:1])  # so that one of them is near
    estimated = nearest_tokens(question, [impressed(token[None]) for token in texts])[:, 0]
    off = estimated - np.clip(texts @ question[0], -1, 1)
    assert float(np.sqrt(np.mean(off**2))) < 1.0 / np.sqrt(dimension)


def test_the_nearest_token_of_each_text_counts() -> None:
    question = unit(3, 2)
    one = np.concatenate([unit(4, 5), question[:1]])
    both = np.concatenate([question, unit(5, 3)])
    near = nearest_tokens(question, [impressed(one), impressed(both)])
    assert near.shape == (2, 2)
    assert near[0, 0] > 0.9
    assert near[0, 1] < 0.3
    assert near[1].min() > 0.9


def test_no_texts_or_no_tokens_are_no_error() -> None:
    assert nearest_tokens(unit(0, 3), []).shape == (0, 3)
    assert nearest_tokens(unit(0, 3)[:0], [impressed(unit(1, 2))]).shape == (1, 0)


# --- texts of which something is not known ------------------------------------------------------


def test_a_text_without_an_imprint_has_what_the_others_have_on_average() -> None:
    question = unit(6, 3)
    imprints = {"a": impressed(question), "b": impressed(unit(7, 4))}
    found = met(asking(question, question[0]), ["a", "gone", "b"], imprints)
    assert found is not None
    assert found.tokens[1] == pytest.approx((found.tokens[0] + found.tokens[2]) / 2)
    assert found.mark[1] == pytest.approx((found.mark[0] + found.mark[2]) / 2)


def test_of_a_model_without_tokens_nothing_is_known() -> None:
    question = unit(6, 3)
    imprints = {"a": impressed(question)}
    assert met(Asking(question[0], None, None), ["a"], imprints) is None
    assert met(asking(question), [], imprints) is None
    assert met(asking(question), ["b"], imprints) is None
    assert met(Asking(question[0], question[:0], None), ["a"], imprints) is None


def test_an_imprint_of_another_width_counts_as_absent() -> None:
    question = unit(6, 3)
    assert met(asking(question), ["a"], {"a": impressed(unit(1, 2, 64))}) is None


# --- features -----------------------------------------------------------------------------------


def test_what_tells_texts_apart_counts_for_more_than_what_all_have() -> None:
    notes = [outline("a"), outline("b"), outline("c")]
    known = evidence("tea", notes, tokens=[[0.9, 0.2], [0.8, 0.9], [0.9, 0.2]])
    found = met_features(known, np.arange(3))
    assert found["tokens"].argmax() == 1
    assert found["tokens_best"].argmax() == 1
    assert found["mark"].tolist() == [0, 0, 0]
    assert "tokens2" not in found


def test_a_turn_has_what_the_turns_around_it_have_also_where_these_are_no_candidates() -> None:
    said = turns("a", "b", "c", "d", "e", "f")
    known = evidence("tea", [*said[1:], said[0]], tokens=[[0.0]] * 5 + [[1.0]], count=5)
    near, far = np.split(met_features(known, np.arange(5))["tokens2"], [2])
    assert near.min() > far.max()


def test_candidates_that_are_not_looked_at_closely_are_taken_for_the_least() -> None:
    asked: list[str] = []
    notes = [outline(name) for name in "abcd"]
    known = evidence("tea", notes, tokens=[[0.1], [0.5], [0.9], [0.0]])

    def meet(ids: Sequence[str]) -> Met | None:
        asked.extend(ids)
        return known.meet(ids)

    found = met_features(replace(known, meet=meet), np.array([0, 1, 2]))
    assert asked == ["a", "b", "c"]
    assert found["tokens"][3] == found["tokens"][0] < found["tokens"][1] < found["tokens"][2]


def test_where_nothing_is_known_there_are_no_features() -> None:
    assert met_features(evidence("tea", [outline("a")]), np.arange(1)) == {}
    assert met_features(evidence("tea", []), np.arange(0)) == {}
