"""Policies that leave something out of a state: what they keep, and that it is what matters."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from memos.errors import BadInput, NotSupported
from memos.models.kv_pruned import narrowed, pruned
from memos.models.kv_reading import next_logits, read
from memos.models.kv_rotation import rope_of, rotated
from memos.models.kv_state import State
from memos.models.kv_watching import attention_of, known_of, watching
from memos.models.prune_channels import KeyChannels
from memos.models.prune_sparse import Piece, Place, SparseWindow, plan
from memos.models.prune_surprise import Surprise
from memos.models.prune_window import SinkWindow
from memos.ports.pruning import Kept, Known, Pruner, everywhere
from memos.testing.tiny_model import tiny_causal

if TYPE_CHECKING:
    from memos.models.runtime_torch import TorchRuntime

TOKENS = tuple(np.random.default_rng(1).integers(3, 60, 40).tolist())
POLICIES: tuple[Pruner, ...] = (
    SinkWindow(),
    Surprise(),
    Surprise(recent=3, decay=0.5),
    SparseWindow(),
    KeyChannels(),
    KeyChannels(pairs="half"),
)
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_causal("llama")


@pytest.fixture(scope="module")
def known(model: Any) -> Known:
    return known_of(model, TOKENS, turns=[n // 10 for n in range(len(TOKENS))])[1]


def kept_of(policy: Pruner, known: Known, share: float) -> list[int]:
    return [int(place) for place in policy.keep(known, share).tokens[0, 0]]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_every_policy_keeps_to_its_share_and_changes_nothing(policy: Pruner, known: Known) -> None:
    before = {name: np.copy(getattr(known, name)) for name in policy.needs}
    for share in (0.0, 0.25, 0.5, 1.0):
        kept = policy.keep(known, share)
        part = kept.tokens if kept.channels is None else kept.channels
        whole = len(TOKENS) if kept.channels is None else 16
        pairs = 2 if getattr(policy, "pairs", "") else 1
        assert part.shape[-1] == max(pairs, round(share * whole))
        assert (np.diff(part, axis=-1) > 0).all()
        assert np.array_equal(policy.keep(known, share).tokens, kept.tokens)
    for name, old in before.items():
        assert np.array_equal(getattr(known, name), old)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_what_a_policy_does_not_know_it_asks_for(policy: Pruner) -> None:
    with pytest.raises(BadInput, match="share to keep is 2"):
        policy.keep(full_known(), 2)
    for name in policy.needs - {"turns"}:
        with pytest.raises(BadInput, match=f"needs {name}"):
            policy.keep(full_known(without=name), 0.5)


def full_known(without: str = "") -> Known:
    dice = np.random.default_rng(0)
    fields: dict[str, Any] = {
        "surprise": dice.random(6, np.float32),
        "keys": dice.random((2, 6, 1, 4), np.float32),
        "queries": dice.random((2, 3, 1, 2, 4), np.float32),
        "attention": dice.random((2, 1, 6), np.float32),
    }
    return Known(6, **{name: value for name, value in fields.items() if name != without})


def test_a_window_has_the_first_and_the_newest() -> None:
    assert kept_of(SinkWindow(2), Known(10), 0.5) == [0, 1, 7, 8, 9]
    assert kept_of(SinkWindow(4), Known(10), 0.3) == [0, 1, 2]


def test_surprise_keeps_the_first_and_what_was_not_expected() -> None:
    known = Known(8, surprise=np.array([9, 0, 5, 1, 7, 2, 6, 0], np.float32))
    assert kept_of(Surprise(sinks=1), known, 0.5) == [0, 2, 4, 6]
    assert kept_of(Surprise(sinks=2), known, 0.5) == [0, 1, 4, 6]
    assert kept_of(Surprise(sinks=1, recent=2), known, 0.5) == [0, 4, 6, 7]


def test_old_turns_fade_unless_they_were_very_surprising() -> None:
    surprise = np.array([9, 4, 8.1, 3, 3.5, 2, 0, 1], np.float32)
    known = Known(8, surprise=surprise, turns=np.array([0, 0, 0, 1, 1, 2, 2, 2]))
    assert kept_of(Surprise(sinks=0), known, 0.5) == [0, 1, 2, 4]
    assert kept_of(Surprise(sinks=0, decay=0.5), known, 0.5) == [0, 2, 4, 5]


def test_what_is_pruned_twice_is_what_is_pruned_once(known: Known) -> None:
    half, quarter = (set(kept_of(Surprise(), known, share)) for share in (0.5, 0.25))
    assert quarter < half


def test_a_sparse_window_is_half_new_and_half_attended() -> None:
    attention = np.zeros((2, 2, 10), np.float32)
    attention[0, 0, 3], attention[0, 1, 5] = 2, 1
    attention[1, 0, 0], attention[1, 1, 2] = 1, 3
    attention[:, :, 9] = 5
    kept = SparseWindow().keep(Known(10, attention=attention), 0.4)
    assert kept.tokens.tolist() == [[[3, 5, 8, 9]], [[0, 2, 8, 9]]]


def test_channels_are_kept_by_the_norm_of_queries_times_keys() -> None:
    keys = np.ones((1, 5, 1, 4), np.float32) * np.array([1, 10, 2, 1], np.float32)
    queries = np.ones((1, 3, 1, 2, 4), np.float32) * np.array([6, 0.1, 2, 1], np.float32)
    known = Known(5, keys=keys, queries=queries)  # products 6, 1, 4, 1
    assert channels(KeyChannels(), known) == [0, 2]
    assert channels(KeyChannels(pairs="half"), known) == [0, 2]
    assert channels(KeyChannels(pairs="interleaved"), known) == [0, 1]


def channels(policy: KeyChannels, known: Known) -> list[int]:
    found = policy.keep(known, 0.5).channels
    assert found is not None
    return [int(channel) for channel in found[0, 0]]


def test_what_is_kept_keeps_its_positions(model: Any) -> None:
    told = read(model, TOKENS)
    kept = everywhere(np.array([0, 1, 5, 30, 39]))
    part = pruned(told.state, kept)
    assert part.at == len(TOKENS)
    assert part.positions[0, :, 0].tolist() == [0, 1, 5, 30, 39]
    alone = part.next_logits(model, [(7, 8)])[0]
    torch.testing.assert_close(alone, masked(model, kept, (7, 8)), atol=1e-4, rtol=1e-4)
    moved = next_logits(model, part.state, [(7, 8)], 5)[0]
    assert float((moved - alone).abs().max()) > 1e-2


def masked(model: Any, kept: Kept, question: tuple[int, ...]) -> torch.Tensor:
    """What the model says if the question, and it alone, does not see what is not kept."""
    length = len(TOKENS) + len(question)
    hidden = torch.ones(length, length).triu(1).bool()
    gone = set(range(len(TOKENS))) - set(kept.tokens[0, 0].tolist())
    hidden[len(TOKENS) :, sorted(gone)] = True
    mask = torch.zeros(length, length).masked_fill(hidden, torch.finfo(torch.float32).min)
    with torch.no_grad():
        ids = torch.tensor([[*TOKENS, *question]])
        return model(ids, attention_mask=mask[None, None]).logits[0, -1]  # type: ignore[no-any-return]


def test_layers_and_heads_may_keep_different_tokens(model: Any) -> None:
    state = read(model, TOKENS).state
    tokens = np.array([[[0, 3], [1, 2]], [[5, 6], [7, 39]]])
    part = pruned(state, Kept(tokens))
    for layer, head, place in product(range(2), range(2), range(2)):
        where = tokens[layer, head, place]
        assert torch.equal(part.state.keys[layer, place, head], state.keys[layer, where, head])
        assert torch.equal(part.state.values[layer, place, head], state.values[layer, where, head])


@pytest.mark.parametrize("places", [[0, 40], [-1, 3], [3, 2], [2, 2], []])
def test_places_that_are_not_there_are_refused(model: Any, places: list[int]) -> None:
    with pytest.raises(BadInput, match="not some of 40 tokens"):
        pruned(read(model, TOKENS).state, Kept(np.array(places, np.int64)[None, None]))


def test_narrow_keys_are_smaller_and_wide_again_for_the_model(model: Any, known: Known) -> None:
    state = read(model, TOKENS).state
    kept = KeyChannels().keep(known, 0.5)
    assert kept.channels is not None
    narrow = narrowed(state, kept)
    assert narrow.keys.shape[-1] == 8
    assert narrow.channels.dtype == torch.uint8
    assert narrow.size_bytes < 0.8 * (state.keys.nbytes + state.values.nbytes)
    wide = narrow.wide()
    for layer, head in product(range(2), range(2)):
        here = kept.channels[layer, head].tolist()
        gone = sorted(set(range(16)) - set(here))
        assert torch.equal(wide.keys[layer, :, head, here], state.keys[layer, :, head, here])
        assert not wide.keys[layer, :, head, gone].any()
    whole = narrowed(state, KeyChannels().keep(known, 1.0)).wide()
    assert torch.equal(whole.keys, state.keys)
    with pytest.raises(BadInput, match="no channels were chosen"):
        narrowed(state, everywhere(np.arange(4)))
    with pytest.raises(BadInput, match="16 channels"):
        narrowed(state, Kept(kept.tokens, kept.channels + 9))


def test_only_whole_pairs_can_be_moved(model: Any, known: Known) -> None:
    state, rope = read(model, TOKENS).state, rope_of(model)

    def moved_first(policy: KeyChannels) -> tuple[torch.Tensor, torch.Tensor]:
        kept = policy.keep(known, 0.5)
        there = State(rotated(state.keys, 100, rope), state.values)
        return rotated(narrowed(state, kept).wide().keys, 100, rope), narrowed(
            there, kept
        ).wide().keys

    torch.testing.assert_close(*moved_first(KeyChannels(pairs="half")))
    one, other = moved_first(KeyChannels())
    assert float((one - other).norm()) > 1e-2
    with pytest.raises(BadInput, match="no pairs of the layout 'thirds'"):
        KeyChannels(pairs="thirds").keep(known, 0.5)


def test_attention_is_what_the_model_pays(model: Any, known: Known) -> None:
    eager = tiny_causal("llama", attn_implementation="eager")
    with torch.no_grad():
        paid = eager(torch.tensor([TOKENS]), output_attentions=True).attentions
    last = known.queries.shape[1] if known.queries is not None else 0
    sums = torch.stack([layer[0, :, -last:].sum(1).reshape(2, 2, -1).sum(1) for layer in paid])
    assert last == 32
    assert known.attention is not None
    np.testing.assert_allclose(known.attention, sums.numpy(), atol=1e-4)
    with pytest.raises(BadInput, match="queries of 3 tokens, and keys of 2"):
        attention_of(torch.zeros(1, 3, 1, 1, 4), torch.zeros(1, 2, 1, 4))


def test_watching_changes_nothing_and_ends(model: Any) -> None:
    plain = read(model, TOKENS)
    with watching(model):
        assert torch.equal(read(model, TOKENS).state.keys, plain.state.keys)
    with pytest.raises(BadInput), watching(model):
        read(model, ())
    assert model.config._attn_implementation == "sdpa"
    eager = tiny_causal("llama", attn_implementation="eager")
    with pytest.raises(NotSupported, match="attention is 'eager'"), watching(eager):
        pass


def test_surprise_is_what_the_model_held_unlikely(model: Any) -> None:
    long = np.random.default_rng(2).integers(3, 60, 600).tolist()  # more than is read at once
    told = read(model, long)
    with torch.no_grad():
        logits = model(torch.tensor([long])).logits[0]
    wanted = -logits.log_softmax(-1)[torch.arange(599), torch.tensor(long[1:])]
    torch.testing.assert_close(told.surprise[1:], wanted, atol=1e-3, rtol=1e-3)
    assert told.surprise[0] == told.surprise[1:].max()
    torch.testing.assert_close(told.logits, logits[-1], atol=1e-3, rtol=1e-3)
    with pytest.raises(BadInput, match="no tokens to read"):
        read(model, ())


# what becomes of the others


def random_pieces(dice: np.random.Generator, count: int) -> list[Piece]:
    return [
        Piece(
            size_bytes=int(dice.integers(1, 9)),
            load_seconds=dice.uniform(0.1, 2),
            recompute_seconds=dice.uniform(0.1, 9),
            uses=int(dice.choice([0, 1, 2, 5, 20])),
        )
        for _ in range(count)
    ]


def cost(pieces: list[Piece], places: tuple[Place, ...]) -> float:
    return sum(piece.seconds(place) for piece, place in zip(pieces, places, strict=True))


def fits(pieces: list[Piece], places: tuple[Place, ...], fast: int, host: int) -> bool:
    used = dict.fromkeys(Place, 0)
    for piece, place in zip(pieces, places, strict=True):
        used[place] += piece.size_bytes
    return used[Place.FAST] <= fast and used[Place.HOST] <= host


def least(pieces: list[Piece], fast: int, host: int) -> float:
    """No plan takes less: for any price of a byte in each place, this is a bound from below."""
    size = np.array([piece.size_bytes for piece in pieces])
    seconds = np.array([[piece.seconds(place) for place in Place] for piece in pieces])
    prices = np.concatenate([[0], np.geomspace(0.01, 20, 80)])
    return max(
        float((seconds + np.outer(size, [one, other, 0])).min(axis=1).sum())
        - float(one * fast + other * host)
        for one, other in product(prices, prices)
    )


@pytest.mark.parametrize("seed", range(10))
def test_a_plan_fits_and_is_all_but_the_best(seed: int) -> None:
    dice = np.random.default_rng(seed)
    pieces = random_pieces(dice, 60)
    fast, host = dice.integers(60, 120, 2).tolist()
    found = plan(pieces, fast_bytes=fast, host_bytes=host)
    assert fits(pieces, found.places, fast, host)
    assert found.seconds == pytest.approx(cost(pieces, found.places))
    assert found.seconds <= 1.1 * least(pieces, fast, host)


@pytest.mark.parametrize("seed", range(10))
def test_a_plan_of_few_large_pieces_is_never_worse_than_a_pure_policy(seed: int) -> None:
    dice = np.random.default_rng(seed)
    pieces = random_pieces(dice, 7)
    fast, host = dice.integers(0, 20, 2).tolist()
    found = plan(pieces, fast_bytes=fast, host_bytes=host)
    pure = [(place,) * 7 for place in Place if fits(pieces, (place,) * 7, fast, host)]
    assert found.seconds <= min(cost(pieces, places) for places in pure)
    possible = (p for p in product(Place, repeat=7) if fits(pieces, p, fast, host))
    assert found.seconds <= 1.25 * min(cost(pieces, places) for places in possible) + 1e-9


def test_a_thousand_uses_cost_less_than_with_either_pure_policy() -> None:
    dice = np.random.default_rng(7)
    weights = 1 / np.arange(1, 61)
    asked = dice.choice(60, 1000, p=weights / weights.sum()).tolist()
    pieces = [
        Piece(p.size_bytes, p.load_seconds, p.recompute_seconds, asked.count(n))
        for n, p in enumerate(random_pieces(dice, 60))
    ]
    whole = sum(piece.size_bytes for piece in pieces)
    found = plan(pieces, fast_bytes=whole // 10, host_bytes=whole)
    told = sum(
        {Place.FAST: 0.0, Place.HOST: pieces[n].load_seconds}.get(
            found.places[n], pieces[n].recompute_seconds
        )
        for n in asked
    )
    assert told == pytest.approx(found.seconds)
    assert found.seconds < 0.7 * sum(pieces[n].load_seconds for n in asked)
    assert found.seconds < 0.7 * sum(pieces[n].recompute_seconds for n in asked)


def test_three_phases_come_as_room_goes() -> None:
    pieces = [Piece(10, 1.0, 5.0, uses) for uses in (1, 2, 3, 4)]
    rooms = [(40, 0), (20, 20), (20, 10)]
    plans = [plan(pieces, fast_bytes=fast, host_bytes=host) for fast, host in rooms]
    assert [one.phase for one in plans] == [1, 2, 3]
    assert plans[1].places == (Place.HOST, Place.HOST, Place.FAST, Place.FAST)
    assert plans[2].places == (Place.GONE, Place.HOST, Place.FAST, Place.FAST)


def test_what_is_sooner_computed_than_loaded_is_never_moved() -> None:
    pieces = [Piece(1, 2.0, 1.0, 5), Piece(1, 1.0, 2.0, 5)]
    assert plan(pieces, fast_bytes=0, host_bytes=9).places == (Place.GONE, Place.HOST)


# with a real model

TALK = (
    "Thank you for telling me about this. That is very interesting, and I am glad to hear it. "
    "Please let me know if there is anything else that I can help you with today. "
    "I will keep that in mind for the next time that we talk. "
)
FACTS = {
    "Anna": "Lisbon",
    "Frank": "Oslo",
    "Greta": "Cairo",
    "Henry": "Boston",
    "Irene": "Tokyo",
    "Jacob": "Dublin",
}


@pytest.fixture(scope="module")
def chat(smollm2: TorchRuntime) -> Chat:
    return Chat(smollm2)


class Chat:
    """A chat in which six people are told of, and questions where each of them lives."""

    def __init__(self, runtime: TorchRuntime) -> None:
        told_by = runtime._lm.chat
        told = "".join(f"- {name} lives in {place}. {TALK}\n" for name, place in FACTS.items())
        self.tokens = told_by.tokens_of(f"These are notes about people.\n{told}")
        self.model = runtime._lm.model
        asked = [told_by.tokens_of(f"Where does {name} live? {name} lives in") for name in FACTS]
        self.questions = asked
        self.read, self.known = known_of(self.model, self.tokens)
        self.full = next_logits(self.model, self.read.state, asked, len(self.tokens))

    def divergence(self, kept: Kept) -> float:
        if kept.channels is None:
            logits = pruned(self.read.state, kept).next_logits(self.model, self.questions)
        else:
            wide = narrowed(self.read.state, kept).wide()
            logits = next_logits(self.model, wide, self.questions, len(self.tokens))
        p, q = self.full.log_softmax(-1), logits.log_softmax(-1)
        return float((p.exp() * (p - q)).sum(-1).mean())


@pytest.mark.weights
def test_half_of_a_chat_by_surprise_is_worth_more_than_its_end(chat: Chat) -> None:
    window = chat.divergence(SinkWindow().keep(chat.known, 0.5))
    surprise = chat.divergence(Surprise().keep(chat.known, 0.5))
    assert surprise <= 0.3
    assert surprise <= window / 3
    assert chat.known.surprise is not None
    expected = Known(chat.known.tokens, surprise=-chat.known.surprise)
    assert surprise <= chat.divergence(Surprise().keep(expected, 0.5)) / 10


@pytest.mark.weights
def test_channels_that_queries_look_at_are_worth_more_than_others(chat: Chat) -> None:
    think = KeyChannels().keep(chat.known, 0.7)
    assert think.channels is not None
    order = np.random.default_rng(0).random((*think.channels.shape[:2], 64)).argsort(-1)
    some = Kept(think.tokens, np.sort(order[..., : think.channels.shape[-1]], axis=-1))
    assert chat.divergence(think) <= 0.12
    assert 10 * chat.divergence(think) <= chat.divergence(some)


@pytest.mark.weights
def test_what_was_attended_to_is_worth_more_than_what_was_not(chat: Chat) -> None:
    assert chat.known.attention is not None
    least = Known(chat.known.tokens, attention=-chat.known.attention)
    sparse = chat.divergence(SparseWindow().keep(chat.known, 0.5))
    assert sparse < 0.8 * chat.divergence(SparseWindow().keep(least, 0.5))
    assert sparse < chat.divergence(SinkWindow(sinks=0).keep(chat.known, 0.5))
