"""How candidates from several indexes become one ranking: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.ports.near import Near


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts."""

    vectors: float = 1.0
    words: float = 1.0
    graph: float = 0.25
    """Of a neighbour's own direct score."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A cube's place in the ranking: its score is the sum of its parts."""

    id: str
    score: float
    parts: dict[str, float]


def fused(
    vectors: Sequence[Near], words: Sequence[Near], weights: Weights | None = None
) -> dict[str, dict[str, float]]:
    """Direct evidence by id: each list's scores, scaled to [0, 1] within the list, and weighted.

    Scores of different indexes are not comparable; their spread within one answer is. A cube
    that a list does not hold gets nothing from it.
    """
    weights = weights or Weights()
    parts: dict[str, dict[str, float]] = {}
    for name, near, weight in (
        ("vectors", vectors, weights.vectors),
        ("words", words, weights.words),
    ):
        for cube_id, share in _scaled(near).items():
            parts.setdefault(cube_id, {})[name] = weight * share
    return parts


def with_neighbours(
    parts: Mapping[str, Mapping[str, float]],
    neighbours: Mapping[str, Sequence[str]],
    weights: Weights | None = None,
) -> list[Ranked]:
    """The final ranking: direct evidence plus a share of the best neighbour's.

    Args:
        parts: what :func:`fused` returned.
        neighbours: for an id, the ids that stand next to it in the graph.
        weights: how much a neighbour counts.

    A cube next to a good hit is lifted by it, whether or not it was found itself; one neighbour
    counts, the best, so that a well-connected cube does not win by its connections alone.
    """
    weights = weights or Weights()
    direct = {cube_id: sum(each.values()) for cube_id, each in parts.items()}
    lift: dict[str, float] = {}
    for cube_id, near in neighbours.items():
        for other in near:
            lift[other] = max(lift.get(other, 0.0), weights.graph * direct.get(cube_id, 0.0))
    ranked = []
    for cube_id in direct.keys() | lift.keys():
        all_parts = dict(parts.get(cube_id, {}))
        if lift.get(cube_id):
            all_parts["graph"] = lift[cube_id]
        ranked.append(Ranked(cube_id, sum(all_parts.values()), all_parts))
    return sorted(ranked, key=lambda each: (-each.score, each.id))


def _scaled(near: Sequence[Near]) -> dict[str, float]:
    if not near:
        return {}
    scores = [each.score for each in near]
    best, floor = max(scores), min(0.0, *scores)
    spread = best - floor
    return {each.id: (each.score - floor) / spread if spread else 1.0 for each in near}
