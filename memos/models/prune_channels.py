"""Pruning channels of keys, which queries would not have looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memos.errors import BadInput
from memos.ports.pruning import Kept, Known, best, budget_of, told

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

_PAIRINGS = ("", "half", "interleaved")


@dataclass(frozen=True, slots=True)
class KeyChannels:
    """The channels that matter to recent queries: Xu et al., "ThinK" (arXiv 2407.21018).

    A channel's share in the scores of recent queries is the Frobenius norm of the product of the
    queries' channel and the keys' channel, ``|Q_d K_d^T| = |Q_d| |K_d|``. The channels
    with the least are dropped, for each key-value head by itself.

    Scores are taken after the rotation, so the two channels of a pair that turns together may part.
    Keys of which half a pair is gone cannot be moved to another position any more. Where a
    state shall stay movable, ``pairs`` keeps or drops both.
    """

    pairs: str = ""
    """``half`` or ``interleaved``, as :class:`memos.models.kv_rotation.Rope` has it, to keep whole
    pairs; empty to choose freely. All channels must be turned then."""

    @property
    def needs(self) -> AbstractSet[str]:
        """Keys, and the queries of the last tokens."""
        return frozenset({"keys", "queries"})

    def keep(self, known: Known, share: float) -> Kept:
        """All tokens, and for each layer and head the channels with the highest norms."""
        scores = self._scores(told(known.keys, "keys"), told(known.queries, "queries"))
        everything = np.arange(known.tokens)[None, None]
        if not self.pairs:
            kept = best(scores, budget_of(share, scores.shape[-1]))
            return Kept(everything, np.sort(kept, axis=-1))
        first, second = _partners(scores.shape[-1], self.pairs)
        paired = scores[..., first] + scores[..., second]
        kept = best(paired, budget_of(share, paired.shape[-1]))
        return Kept(everything, np.sort(np.concatenate([first[kept], second[kept]], -1), axis=-1))

    @staticmethod
    def _scores(keys: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """[layers, heads, width]: the squared norms' product."""
        asked = np.square(queries).mean(axis=(1, 3))
        return np.asarray(asked * np.square(keys).mean(axis=1), np.float32)


def _partners(width: int, pairs: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if pairs not in _PAIRINGS or width % 2:
        raise BadInput(f"{width} channels are no pairs of the layout {pairs!r}")
    if pairs == "half":
        return np.arange(width // 2), np.arange(width // 2, width)
    return np.arange(0, width, 2), np.arange(1, width, 2)
