"""Pruning to the beginning and the end of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memos.ports.pruning import Kept, Known, budget_of, everywhere

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True, slots=True)
class SinkWindow:
    """Some first tokens and the newest: Xiao et al., "StreamingLLM" (arXiv 2309.17453).

    Attention that has nowhere to go lies on the first tokens: without them a model falls apart.
    """

    sinks: int = 4
    """How many of the first tokens are kept."""

    @property
    def needs(self) -> AbstractSet[str]:
        """Nothing but the number of tokens."""
        return frozenset()

    def keep(self, known: Known, share: float) -> Kept:
        """The first ``sinks`` tokens and the newest, the same in all layers."""
        budget = budget_of(share, known.tokens)
        first = min(self.sinks, budget)
        newest = np.arange(known.tokens - (budget - first), known.tokens)
        return everywhere(np.concatenate([np.arange(first), newest]))
