"""Pruning to what the model did not expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memos.ports.pruning import Kept, Known, best, budget_of, everywhere, told

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Surprise:
    """Some first tokens and the most surprising: Yao et al., "SirLLM" (arXiv 2405.12528).

    A token that the model held unlikely carries what the rest of the text does not tell; the paper
    calls ``-log p`` its entropy. The scores are taken as they are, not smoothed: a
    name is one token. With every turn that comes, the scores of the older ones are
    multiplied by ``decay``, so that what is old goes unless it was very surprising.
    """

    sinks: int = 4
    """How many of the first tokens are kept."""
    recent: int = 0
    """How many of the newest are kept, whatever their score."""
    decay: float = 1.0
    """What is left of a score after a turn; 1 forgets nothing, 0.7 suits a chat."""

    @property
    def needs(self) -> AbstractSet[str]:
        """Surprise, and turns where there is a decay."""
        return frozenset({"surprise"} if self.decay == 1 else {"surprise", "turns"})

    def keep(self, known: Known, share: float) -> Kept:
        """The first, the newest and the most surprising tokens, the same in all layers."""
        scores, budget = self._faded(known), budget_of(share, known.tokens)
        scores[known.tokens - min(self.recent, known.tokens) :] = np.finfo(np.float32).max
        scores[: self.sinks] = np.inf
        return everywhere(best(scores, budget))

    def _faded(self, known: Known) -> NDArray[np.float32]:
        scores = np.array(told(known.surprise, "surprise"), np.float32)
        if self.decay == 1 or known.turns is None:
            return scores
        ages = known.turns[-1] - known.turns
        return np.asarray(scores * np.float32(self.decay) ** ages, np.float32)
