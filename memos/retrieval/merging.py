"""What further queries found, and another order of hits, become one ranking: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.retrieval.hit import Hit

REWRITE, RERANK = "rewrite", "rerank"
"""The parts of a score that further queries and another order add."""


def merged(asked: Sequence[Hit], further: Sequence[Sequence[Hit]]) -> list[Hit]:
    """The hits of a question and of other wordings of it, as one ranking, best first.

    Scores of two searches are not comparable: those of each further search are scaled to [0, best
    score of the question], and their mean over all further searches is added as ``rewrite``. So
    all wordings together count as much as the question, and with none the hits are as they were.
    """
    if not further:
        return list(asked)
    found = {hit.cube.id: hit for hit in asked}
    best = max((hit.score for hit in asked), default=1.0)
    best = best if best > 0 else 1.0
    gained: dict[str, float] = {}
    for hits in further:
        for hit, share in zip(hits, _shares(hits), strict=True):
            known = found.setdefault(hit.cube.id, _unasked(hit))
            gained[known.cube.id] = gained.get(known.cube.id, 0.0) + best * share / len(further)
    ranked = [_with(hit, REWRITE, gained.get(cube_id, 0.0)) for cube_id, hit in found.items()]
    return sorted(ranked, key=lambda hit: (-hit.score, hit.cube.id))


def reordered(hits: Sequence[Hit], places: Sequence[int], order: Sequence[int]) -> list[Hit]:
    """The hits, those at some places in another order; the others stay where they are.

    Args:
        hits: best first.
        places: where those are that were offered, ascending.
        order: which of the offered, from 0, comes first, which second; those that it leaves out
            come after these, in their old order.

    A hit takes the score of the place that it comes to, so that scores still fall from first to
    last; what it wins or loses by that is its part ``rerank``.
    """
    left = [one for one in range(len(places)) if one not in set(order)]
    moved = list(hits)
    for place, one in zip(places, [*order, *left], strict=True):
        hit = hits[places[one]]
        moved[place] = _with(hit, RERANK, hits[place].score - hit.score)
    return moved


def _shares(hits: Sequence[Hit]) -> list[float]:
    """Scores scaled to [0, 1], as those of an index are: what is best has 1."""
    if not hits:
        return []
    scores = [hit.score for hit in hits]
    best, floor = max(scores), min(0.0, *scores)
    spread = best - floor
    return [(score - floor) / spread if spread else 1.0 for score in scores]


def _unasked(hit: Hit) -> Hit:
    """A hit that the question itself did not find."""
    return hit.model_copy(update={"score": 0.0, "parts": {}, "why": {}})


def _with(hit: Hit, name: str, value: float) -> Hit:
    if not value:
        return hit
    return hit.model_copy(update={"score": hit.score + value, "parts": {**hit.parts, name: value}})
