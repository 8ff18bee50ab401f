"""The attention state of some tokens, as two tensors; the bytes of a block hold the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class State:
    """Keys and values of T tokens in all layers, tokens before heads: as a slab holds them.

    Keys have their rotary positions in them, as the model computed them.
    """

    keys: torch.Tensor
    """[layers, T, heads, key width]"""
    values: torch.Tensor
    """[layers, T, heads, value width]"""

    def copied(self) -> State:
        """The same, in memory of its own."""
        return State(self.keys.clone(), self.values.clone())

    @property
    def tokens(self) -> int:
        """How many tokens it is of."""
        return int(self.keys.shape[1])
