"""The block that was used least often goes, and old fame fades: LFU with dynamic ageing."""

from __future__ import annotations

from memos.scheduler.aged import Aged


class Lfu(Aged):
    """LFU-DA: the key is ``L + hits``; ties go by recency.

    Arlitt, Cherkasova, Dilley, Friedrich and Jin, "Evaluating content management techniques for
    web proxy caches" (1999), section 4. Without ``L``, a block that was famous once would stay for
    ever.
    """

    def worth(self, size_bytes: int, seconds: float) -> float:  # noqa: ARG002
        """All hits are equal."""
        return 1.0
