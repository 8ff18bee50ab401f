"""The block goes that saves the fewest seconds for its bytes: GDSF."""

from __future__ import annotations

from memos.scheduler.aged import Aged


class Gdsf(Aged):
    """GreedyDual-Size-Frequency: the key is ``L + hits * seconds / size``; ties go by recency.

    Cherkasova, "Improving WWW proxies performance with GreedyDual-Size-Frequency caching policy"
    (HP Labs, 1998), equation 2. The cost is what it takes to compute a block anew: attention makes
    the later tokens of a text dearer than the first, at the same size.
    """

    def worth(self, size_bytes: int, seconds: float) -> float:
        """Seconds saved for each byte."""
        return seconds / max(size_bytes, 1)
