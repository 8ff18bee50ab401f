"""Attention states of which a part was left out, and what the model says behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput
from memos.models.kv_reading import next_logits
from memos.models.kv_state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from memos.ports.pruning import Kept


@dataclass(frozen=True, slots=True)
class Pruned:
    """Some tokens of a state, at the positions that they had."""

    state: State
    """Of the kept tokens, which need not be the same in two layers or heads."""
    positions: torch.Tensor
    """[layers, kept, heads]: where each was."""
    at: int
    """The position that comes next: as many tokens as there were before any was left out."""

    def next_logits(self, model: Any, questions: Sequence[Sequence[int]]) -> torch.Tensor:
        """Logits [questions, vocabulary] after each question, at the position it would have had."""
        return next_logits(model, self.state, questions, self.at)


@dataclass(frozen=True, slots=True)
class Narrow:
    """A state some channels of whose keys were left out.

    It is smaller where it lies and where it is moved; for the model it is made wide again, with
    zeros in the place of what is gone. A product with zero is what leaving the query's channel out
    would give. Such keys can be moved to other positions only if pairs were kept whole: see
    :class:`memos.models.prune_channels.KeyChannels`.
    """

    keys: torch.Tensor
    """[layers, T, heads, kept]"""
    values: torch.Tensor
    """[layers, T, heads, width]"""
    channels: torch.Tensor
    """[layers, heads, kept], uint8 where a key has at most 256 channels: which ones are kept."""
    width: int
    """How many there were."""

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return self.keys.nbytes + self.values.nbytes + self.channels.nbytes

    def wide(self) -> State:
        """A state as the model wants it, in new memory; values are shared."""
        shape = (*self.keys.shape[:3], self.width)
        index = self.channels.long()[:, None].expand(self.keys.shape)
        return State(self.keys.new_zeros(shape).scatter_(3, index, self.keys), self.values)


def pruned(state: State, kept: Kept) -> Pruned:
    """A copy of the tokens of ``state`` that are kept.

    Raises:
        BadInput: some place is not in ``state``, or not ascending.
    """
    import torch

    layers, tokens, heads, _ = state.keys.shape
    places = torch.as_tensor(kept.tokens, device=state.keys.device)
    inside = places.numel() > 0 and int(places.min()) >= 0 and int(places.max()) < tokens
    if not inside or bool((places.diff(dim=-1) <= 0).any()):
        raise BadInput(f"what is kept is not some of {tokens} tokens, each once, in order")
    at = places.expand(layers, heads, -1).transpose(1, 2)

    def taken(whole: torch.Tensor) -> torch.Tensor:
        return whole.gather(1, at[..., None].expand(*at.shape, whole.shape[-1]))

    return Pruned(State(taken(state.keys), taken(state.values)), at, tokens)


def narrowed(state: State, kept: Kept) -> Narrow:
    """A copy of ``state`` with the channels of its keys that are kept.

    Raises:
        BadInput: the policy chose no channels, or some that do not exist.
    """
    import torch

    if kept.channels is None:
        raise BadInput("no channels were chosen", hint="use pruned() for what leaves tokens out")
    width = state.keys.shape[-1]
    index = torch.as_tensor(kept.channels, device=state.keys.device)
    if int(index.min()) < 0 or int(index.max()) >= width:
        raise BadInput(f"keys have {width} channels, of which some that were chosen are none")
    wide = index[:, None].expand(-1, state.tokens, -1, -1)
    small = index.to(torch.uint8 if width <= 256 else torch.int16)
    return Narrow(state.keys.gather(3, wide), state.values.clone(), small, width)
