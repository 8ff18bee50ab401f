"""What a search answers with."""

from __future__ import annotations

from memos.cube import MemCube
from memos.cube.frozen import Frozen
from memos.retrieval.links import Link


class Hit(Frozen):
    """A cube that was found, and why.

    ``score`` is the sum of ``parts``, which say how much each kind of evidence contributed:
    ``vectors`` (nearness of meaning), ``words`` (BM25), ``graph`` (what stands next to good hits).
    Scores are comparable within one search only.
    """

    cube: MemCube
    score: float
    parts: dict[str, float]
    superseded: bool = False
    """Whether it holds no more."""
    links: tuple[Link, ...] = ()
    """With which other memories it agrees, and with which it does not."""
