"""Composed states: exact where all is computed anew, and made of states that do not change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from memos.errors import BadInput, NotSupported
from memos.models.kv_compose import (
    Segment,
    compose,
    first_of_each,
    put_together,
    refreshed,
    segment,
)
from memos.models.kv_reading import next_logits, read
from memos.models.kv_rotation import rope_of
from memos.models.kv_state import State
from memos.testing.tiny_model import tiny_causal

if TYPE_CHECKING:
    from memos.models.runtime_torch import TorchRuntime

PREFIX = tuple(range(3, 9))
PARTS = ((10, 11, 12, 13, 14), (20, 21, 22, 23, 24, 25, 26), (30, 31, 32, 33), (41, 40))
WHOLE = (*PREFIX, *(token for part in PARTS for token in part))
INEXACT = range(len(PREFIX) + len(PARTS[0]), len(WHOLE))
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_causal("llama", num_hidden_layers=4)


@pytest.fixture(scope="module")
def prefix(model: Any) -> State:
    return read(model, PREFIX).state


@pytest.fixture(scope="module")
def parts(model: Any, prefix: State) -> list[Segment]:
    return [segment(model, prefix, part) for part in PARTS]


@pytest.fixture(scope="module")
def full(model: Any) -> State:
    return read(model, WHOLE).state


def assert_near(one: State, other: State, tolerance: float = 1e-4) -> None:
    torch.testing.assert_close(one.keys, other.keys, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(one.values, other.values, atol=tolerance, rtol=tolerance)


def gap(one: State, other: State) -> float:
    return float((one.values - other.values).norm())


@pytest.mark.parametrize("choose", ["deviation", "first", "both"])
@pytest.mark.parametrize("family", ["llama", "gpt_neox", "cohere"])
def test_all_computed_anew_is_a_full_prefill(family: str, choose: Any) -> None:
    model = tiny_causal(family)
    before = read(model, PREFIX).state
    segments = [segment(model, before, part) for part in PARTS]
    whole = read(model, WHOLE).state
    assert gap(put_together(before, segments, rope_of(model)), whole) > 0.1
    made = compose(model, before, segments, recompute=1.0, choose=choose)
    assert made.recomputed == tuple(INEXACT)
    assert_near(made.state, whole)
    asked = [(50, 51, 52), (53,)]
    torch.testing.assert_close(
        next_logits(model, made.state, asked, len(WHOLE)),
        torch.stack([read(model, (*WHOLE, *question)).logits for question in asked]),
        atol=1e-3,
        rtol=1e-3,
    )


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_whichever_code_computes_attention(attention: str) -> None:
    model = tiny_causal("llama", attn_implementation=attention)
    before = read(model, PREFIX).state
    segments = [segment(model, before, part) for part in PARTS]
    made = compose(model, before, segments, recompute=1.0)
    assert_near(made.state, read(model, WHOLE).state)


def test_nothing_computed_anew_moves_keys_and_that_is_all(
    model: Any, prefix: State, parts: list[Segment]
) -> None:
    made = compose(model, prefix, parts, recompute=0.0)
    put = put_together(prefix, parts, rope_of(model))
    assert (made.recomputed, made.deviation, made.work) == ((), None, 0.0)
    assert torch.equal(made.state.keys, put.keys)
    assert torch.equal(made.state.values, torch.cat([s.values for s in states(prefix, parts)], 1))
    assert not torch.equal(made.state.keys, torch.cat([s.keys for s in states(prefix, parts)], 1))


def states(prefix: State, parts: list[Segment]) -> list[State]:
    return [prefix, *(part.state for part in parts)]


@pytest.mark.parametrize("choose", ["deviation", "first", "both"])
def test_what_it_was_given_stays_as_it_was(
    model: Any, prefix: State, parts: list[Segment], choose: Any
) -> None:
    given = states(prefix, parts)
    before = [State(one.keys.clone(), one.values.clone()) for one in given]
    made = compose(model, prefix, parts, recompute=0.5, choose=choose)
    made.state.keys.zero_()
    made.state.values.zero_()
    for one, old in zip(given, before, strict=True):
        assert torch.equal(one.keys, old.keys)
        assert torch.equal(one.values, old.values)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5])
@pytest.mark.parametrize("choose", ["deviation", "first", "both"])
def test_the_share_is_kept_and_what_is_exact_is_left_alone(
    model: Any, prefix: State, parts: list[Segment], full: State, share: float, choose: Any
) -> None:
    made = compose(model, prefix, parts, recompute=share, choose=choose)
    assert len(made.recomputed) == math.ceil(share * len(INEXACT))
    assert set(made.recomputed) <= set(INEXACT)
    exact = INEXACT.start
    put = put_together(prefix, parts, rope_of(model))
    assert torch.equal(made.state.keys[:, :exact], put.keys[:, :exact])
    assert torch.equal(made.state.values[:, :exact], put.values[:, :exact])
    assert gap(made.state, full) < gap(put, full)


def test_a_first_segment_that_was_made_elsewhere_is_not_exact(
    model: Any, prefix: State, parts: list[Segment], full: State
) -> None:
    elsewhere = segment(model, read(model, PREFIX[:2]).state, PARTS[0])
    made = compose(model, prefix, [elsewhere, *parts[1:]], recompute=1.0)
    assert made.recomputed == tuple(range(len(PREFIX), len(WHOLE)))
    assert_near(made.state, full)


def test_deviation_is_that_of_the_values_and_what_was_looked_at_is_exact(
    model: Any, prefix: State, parts: list[Segment], full: State
) -> None:
    made = compose(model, prefix, parts, recompute=0.3, choose="deviation", look_at=2)
    put = put_together(prefix, parts, rope_of(model))
    apart = (full.values[2] - put.values[2]).square().sum(dim=(1, 2))
    apart /= put.values[2].square().sum(dim=(1, 2)).mean()
    assert made.deviation is not None
    torch.testing.assert_close(made.deviation, apart, atol=1e-4, rtol=1e-3)
    worst = apart.argsort(descending=True)[: len(made.recomputed)]
    assert made.recomputed == tuple(sorted(worst.tolist()))
    looked = State(made.state.keys[:3], made.state.values[:3])
    assert_near(looked, State(full.keys[:3], full.values[:3]))
    assert gap(State(made.state.keys[3:], made.state.values[3:]), full_from(full, 3)) > 1e-3


def full_from(state: State, layer: int) -> State:
    return State(state.keys[layer:], state.values[layer:])


def test_work_is_what_went_through_the_layers(
    model: Any, prefix: State, parts: list[Segment]
) -> None:
    whole, inexact = len(WHOLE) - len(PREFIX), len(INEXACT)
    first = compose(model, prefix, parts, recompute=0.5, choose="first")
    assert first.work == pytest.approx(len(first.recomputed) / whole)
    deviation = compose(model, prefix, parts, recompute=0.5, choose="deviation")
    looking = inexact / (4 * whole)  # one layer of four
    assert deviation.work == pytest.approx(len(deviation.recomputed) / whole + looking)


def test_first_takes_as_many_of_each_as_there_are() -> None:
    parts = [(10, 13), (20, 21), (30, 34)]
    assert first_of_each(parts, 4) == {10, 20, 30, 11}
    assert first_of_each(parts, 6) == {10, 20, 30, 11, 31, 12}
    assert first_of_each(parts, 99) == {10, 11, 12, 20, 30, 31, 32, 33}


def test_later_tokens_see_what_was_computed_anew(
    model: Any, prefix: State, parts: list[Segment], full: State
) -> None:
    put = put_together(prefix, parts, rope_of(model))
    told = WHOLE[len(PREFIX) :]
    early, late = INEXACT.start, INEXACT.stop - 1
    alone = refreshed(model, put, told, [late], first=len(PREFIX))
    together = refreshed(model, put, told, list(INEXACT), first=len(PREFIX))
    assert torch.equal(alone.values[:, early], put.values[:, early])
    torch.testing.assert_close(together.values, full.values, atol=1e-4, rtol=1e-4)
    assert float((alone.values[:, late] - full.values[:, late]).norm()) > 1e-3


def test_no_segments_give_the_prefix(model: Any, prefix: State) -> None:
    made = compose(model, prefix, [])
    assert torch.equal(made.state.keys, prefix.keys)
    assert made.state.keys.data_ptr() != prefix.keys.data_ptr()


def test_what_does_not_go_together_is_refused(
    model: Any, prefix: State, parts: list[Segment]
) -> None:
    def refused(match: str, segments: list[Segment] = parts, **settings: Any) -> None:
        with pytest.raises(BadInput, match=match):
            compose(model, prefix, segments, **settings)

    refused("recompute is 1.5", recompute=1.5)
    refused("recompute is nan", recompute=math.nan)
    refused("chosen by 'taste'", choose="taste")
    refused("seen in layer 0", look_at=0)
    refused("seen in layer 4", look_at=4)
    refused("has 1 tokens, its state 5", [Segment((1,), parts[0].state, 6)])
    half = State(parts[0].state.keys[:2], parts[0].state.values[:2])
    refused("another model than the prefix", [Segment(PARTS[0], half, 6)])
    empty = State(prefix.keys[:, :0], prefix.values[:, :0])
    with pytest.raises(BadInput, match="no prefix"):
        compose(model, empty, parts)


def test_layers_that_see_a_window_are_refused_where_it_is_too_short() -> None:
    model = tiny_causal("mistral", sliding_window=16)
    before = read(model, PREFIX).state
    segments = [segment(model, before, part) for part in PARTS]
    with pytest.raises(NotSupported, match="attend to 16 tokens only"):
        compose(model, before, segments)
    assert compose(model, before, segments[:1]).state.tokens == 11


MEMORIES = (
    "- Anna lives in Lisbon and works as a baker.\n",
    "- Frank lives in Oslo and works as a pilot.\n",
    "- Greta lives in Cairo and works as a painter.\n",
)


@pytest.mark.weights
def test_with_a_real_model_each_step_comes_closer_to_a_full_prefill(
    smollm2: TorchRuntime,
) -> None:
    chat, model = smollm2._lm.chat, smollm2._lm.model
    start = chat.tokens_of("These are notes about people.\n")
    told = [chat.tokens_of(memory) for memory in MEMORIES]
    asked = [chat.tokens_of(f"{name} lives in") for name in ("Anna", "Frank", "Greta")]
    before = read(model, start).state
    segments = [segment(model, before, tokens) for tokens in told]
    whole = read(model, (*start, *(token for tokens in told for token in tokens))).state
    rope = rope_of(model)
    still = [
        Segment(s.tokens, s.state, at) for s, at in zip(segments, places(start, told), strict=True)
    ]

    def kl(state: State) -> float:
        full, other = (
            next_logits(model, one, asked, whole.tokens).log_softmax(-1) for one in (whole, state)
        )
        return float((full.exp() * (full - other)).sum(-1).mean())

    naive, moved = kl(put_together(before, still, rope)), kl(put_together(before, segments, rope))
    half = kl(compose(model, before, segments, recompute=0.5, rope=rope).state)
    everything = kl(compose(model, before, segments, recompute=1.0, rope=rope).state)
    assert everything < 1e-6 < half < moved < naive


def places(start: tuple[int, ...], told: list[tuple[int, ...]]) -> list[int]:
    return [len(start) + sum(map(len, told[:number])) for number in range(len(told))]
