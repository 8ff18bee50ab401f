"""Texts are cut where the model is surprised, and what a question is about is found again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from memos.errors import BadInput
from memos.models.event_retrieval import EventRetrieval, likeness, recalled, representatives
from memos.models.events import Events, key_similarity, refined, spans
from memos.models.kv_reading import read
from memos.models.kv_rotation import rope_of, rotated
from memos.models.kv_watching import known_of, queries_of
from memos.ports.pruning import Known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memos.models.runtime_torch import TorchRuntime


def surprises(count: int, peaks: dict[int, float]) -> NDArray[np.float32]:
    """One everywhere, and more at the peaks."""
    even = np.ones(count)
    for place, height in peaks.items():
        even[place] = height
    return np.asarray(even, np.float32)


def communities(*sizes: int) -> NDArray[np.float32]:
    """Likeness of tokens: much within each group, little between them."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return np.asarray(np.where(group[:, None] == group, 1.0, 0.1), np.float32)


def test_events_begin_where_surprise_stands_out() -> None:
    assert Events().starts(surprises(100, {30: 9, 60: 8})) == [0, 30, 60]
    assert Events().starts(surprises(100, {})) == [0]


def test_gamma_says_how_far_it_must_stand_out() -> None:
    mild = surprises(100, {25: 0.0, 30: 9, 50: 0.0, 60: 1.6})
    assert Events(gamma=1, window=16).starts(mild) == [0, 30, 60]
    assert Events(gamma=9, window=16).starts(mild) == [0, 30]


def test_what_stands_out_is_told_by_what_came_lately() -> None:
    """After much that is surprising, what would have been an event is none."""
    wild = surprises(120, {n: 6.0 if n % 2 else 0.0 for n in range(60, 90)} | {100: 4.0})
    calm = surprises(120, {100: 4.0})
    assert 100 in Events(window=32).starts(calm)
    assert 100 not in Events(window=32).starts(wild)
    assert 100 in Events(window=8).starts(wild)


def test_events_are_neither_too_short_nor_too_long() -> None:
    near = surprises(100, {30: 5, 33: 9, 36: 7})
    assert Events(least=8).starts(near) == [0, 33]
    assert Events(least=8, most=20).starts(surprises(70, {})) == [0, 20, 40, 60]
    assert Events(least=8).starts(surprises(20, {3: 9, 15: 9})) == [0]
    with pytest.raises(BadInput, match="events of 8 to 4 tokens"):
        Events(least=8, most=4).starts(near)


@pytest.mark.parametrize("measure", ["modularity", "conductance"])
def test_borders_go_where_events_hold_together(measure: str) -> None:
    graph = communities(20, 15, 25)
    assert refined([0, 16, 40], graph, measure=measure) == [0, 20, 35]  # type: ignore[arg-type]
    assert refined([0], graph) == [0]
    assert refined([0, 20, 35], graph, least=4) == [0, 20, 35]
    with pytest.raises(BadInput, match="refined by 'taste'"):
        refined([0, 3], graph, measure="taste")  # type: ignore[arg-type]


def test_likeness_of_keys_leaves_out_what_all_have_in_common() -> None:
    dice = np.random.default_rng(0)
    common = 10 * dice.standard_normal((2, 1, 2, 8))
    groups = np.repeat(dice.standard_normal((2, 2, 2, 8)), 5, axis=1)
    keys = (common + groups + 0.1 * dice.standard_normal((2, 10, 2, 8))).astype(np.float32)
    alike = key_similarity(keys)
    assert alike.shape == (10, 10)
    assert (alike >= 0).all()
    assert not alike.diagonal().any()
    assert alike[0, 1:5].min() > 0.9
    assert alike[:5, 5:].max() == 0
    assert refined([0, 3], alike) == [0, 5]


def test_an_event_is_represented_by_what_was_attended_to() -> None:
    attention = np.array([0, 5, 1, 4, 9, 0, 0, 3], np.float32)
    found = representatives(attention, spans([0, 4, 6], 8), count=2)
    assert [sorted(places.tolist()) for places in found] == [[1, 3], [4, 5], [6, 7]]
    keys = np.zeros((8, 2), np.float32)
    keys[4], keys[1] = [8, 0], [0, 6]
    query = np.array([[1, 0], [0, 0.5]], np.float32)
    first, second = np.exp(8) / (np.exp(8) + 5), np.exp(3) / (np.exp(3) + 5)
    paid = [second + (1 - second) / 5, first + (1 - first) / 5, 2 / (np.exp(3) + 5)]
    np.testing.assert_allclose(likeness(query, keys, found), paid, rtol=1e-5)
    np.testing.assert_allclose(likeness(query, keys + 9, found), paid, rtol=1e-5)


def test_neighbours_come_with_what_is_recalled() -> None:
    alike = np.array([0, 0, 0, 9, 0, 0, 0, 0], np.float32)
    found = recalled(alike, count=3, contiguity=0.67)
    assert found.similar == (3,)
    assert found.contiguous == (2, 4)  # what came next drops out last
    assert recalled(alike, count=3, contiguity=0.34).contiguous == (4,)
    assert recalled(alike, count=1, contiguity=0.0).events == (3,)


def test_the_oldest_neighbours_drop_out_of_the_queue() -> None:
    def about(event: int) -> NDArray[np.float32]:
        return np.array([other == event for other in range(12)], np.float32)

    first = recalled(about(2), count=4, contiguity=0.75)
    second = recalled(about(6), first.contiguous, count=4, contiguity=0.75)
    third = recalled(about(3), second.contiguous, count=4, contiguity=0.75)
    assert first.contiguous == (1, 3)
    assert second.contiguous == (3, 5, 7)
    assert third.similar == (3,)
    assert third.contiguous == (7, 2, 4)  # 5 has gone, and 3 is here by itself


def test_retrieval_keeps_what_a_question_is_like_in_each_head() -> None:
    keys = np.zeros((1, 40, 2, 4), np.float32)
    keys[0, 10:20, 0, 0] = 1
    keys[0, 20:30, 1, 0] = 1
    queries = np.zeros((1, 2, 2, 1, 4), np.float32)
    queries[..., 0] = 1
    known = Known(40, keys=keys, queries=queries, attention=np.ones((1, 2, 40), np.float32))
    policy = EventRetrieval((0, 10, 20, 30), first=2, newest=3, contiguity=0.0)
    kept = policy.keep(known, 15 / 40).tokens
    assert kept[0].tolist() == [
        [0, 1, *range(10, 20), 37, 38, 39],
        [0, 1, *range(20, 30), 37, 38, 39],
    ]
    for missing in policy.needs:
        with pytest.raises(BadInput, match=f"needs {missing}"):
            policy.keep(replace(known, **{missing: None}), 0.5)  # type: ignore[arg-type]


# with a real model

SAID = (
    "Caroline: I went to the pottery class on Saturday, and the teacher showed us how to glaze.\n",
    "Jon: My car broke down again on the motorway, so I had to wait two hours for the mechanic.\n",
    "Maria: We are planning to fly to Norway in June to see the fjords and hike for a week.\n",
    "Nate: I won my fourth video game tournament last night, and the prize money was great.\n",
    "Sam: The doctor told me to eat less sugar, so I have started to cook soup every evening.\n",
    "Deborah: My mother's old house by the lake was sold, and I kept only her garden bench.\n",
    "Tom: The new printer at the office prints everything twice, and nobody can tell why.\n",
    "Ruth: I read a book about whales on the train; they sing, and the songs change each year.\n",
    "Omar: We painted the kitchen yellow over the weekend, and now it smells of paint.\n",
    "Lucy: My brother has a new dog, a small brown one, which is afraid of the washing machine.\n",
    "Peter: There was a power cut on our street on Monday, so we played cards by candlelight.\n",
    "Nora: I planted twelve tomato seeds in March, and only two of them have come up so far.\n",
)
QUESTIONS = (
    ("What did Nate win?", 3),
    ("Which country does Maria fly to?", 2),
    ("What did the doctor tell Sam to eat less of?", 4),
    ("Where did Jon's car break down?", 1),
)


class Talk:
    """A conversation that was read, and where its turns begin."""

    def __init__(self, runtime: TorchRuntime) -> None:
        chat, self.model = runtime._lm.chat, runtime._lm.model
        parts = [chat.tokens_of(text) for text in ("A conversation between friends.\n", *SAID)]
        self.tokens = [token for part in parts for token in part]
        self.starts = np.cumsum([len(part) for part in parts])[:-1].tolist()
        self.prefix = read(self.model, parts[0]).state
        told, self.known = known_of(self.model, self.tokens)
        back = -torch.arange(len(self.tokens))
        rope = rope_of(self.model)
        self.still = rotated(told.state.keys, back, rope).numpy()
        self.near = rotated(told.state.keys, back + len(self.tokens), rope).numpy()
        self.asked = [(chat.tokens_of(question), turn) for question, turn in QUESTIONS]

    def found(self, borders: Sequence[int]) -> float:
        """Which part of the turns begin within three tokens of a border."""
        near = [min(abs(border - start) for border in borders) <= 3 for start in self.starts]
        return sum(map(bool, near)) / len(near)


@pytest.fixture(scope="module")
def talk(smollm2: TorchRuntime) -> Talk:
    return Talk(smollm2)


@pytest.mark.weights
def test_turns_of_a_conversation_are_found_by_surprise_and_likeness(talk: Talk) -> None:
    assert talk.known.surprise is not None
    starts = Events(gamma=1.5, least=4).starts(talk.known.surprise)
    better = refined(starts, key_similarity(talk.still), least=4)
    assert talk.found(better) >= 0.6
    assert talk.found(better) >= talk.found(starts) + 0.3
    dice = np.random.default_rng(0)
    chance = [
        talk.found(dice.choice(len(talk.tokens), len(starts), replace=False).tolist())
        for _ in range(50)
    ]
    assert talk.found(better) > 1.5 * float(np.mean(chance))


@pytest.mark.weights
def test_heads_find_the_turn_that_a_question_is_about(talk: Talk) -> None:
    policy = EventRetrieval((0, *talk.starts), first=talk.starts[0], newest=0, contiguity=0.0)
    ends = [*talk.starts[1:], len(talk.tokens)]
    told, ranks = [], []
    for question, turn in talk.asked:
        queries = queries_of(talk.model, talk.prefix, question, len(talk.tokens))
        known = replace(talk.known, keys=talk.near, queries=queries)
        kept = policy.keep(known, 0.25).tokens
        shares = [
            float(((kept >= start) & (kept < end)).mean() / (end - start))
            for start, end in zip(talk.starts, ends, strict=True)
        ]
        told.append(shares[turn] / (sum(shares) / len(shares)))
        ranks.append(sorted(shares, reverse=True).index(shares[turn]))
    assert sum(told) / len(told) > 1.2
    assert sum(rank <= 1 for rank in ranks) >= 3
