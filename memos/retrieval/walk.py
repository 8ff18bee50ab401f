"""A walk from what was found to what shares its names: personalised PageRank, pure.

Page, Brin, Motwani and Winograd, "The PageRank Citation Ranking" (1999), section 6; used for
questions that take several steps by Gutierrez et al., "HippoRAG" (2024). Here the walk goes
between memories and the names in them, and needs no language model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

RETURN = 0.5
"""The chance of going back to the start, at each step."""
STEPS = 12
"""More change nothing: what is left after them is below 2 ** -12."""


def walked(names: Sequence[Mapping[str, float]], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each memory is come across, [memories].

    Args:
        names: for each memory the names in it, with their weights.
        start: [memories], where the walk begins, and begins again; not negative.

    Returns:
        Chances that add up to at most 1; zeros where there is nowhere to begin.
    """
    total = start.sum()
    if not len(names) or total <= 0:
        return np.zeros(len(names))
    first = start / total
    memories, columns, weights = _edges(names)
    if not len(memories):
        return np.asarray(first)
    count = int(columns.max()) + 1
    out = weights / np.bincount(memories, weights, len(names))[memories]
    back = weights / np.bincount(columns, weights, count)[columns]
    chances = first
    for _ in range(STEPS):
        at_names = np.bincount(columns, out * chances[memories], count)
        at_memories = np.bincount(memories, back * at_names[columns], len(names))
        chances = RETURN * first + (1 - RETURN) * at_memories
    return np.asarray(chances)


def _edges(
    names: Sequence[Mapping[str, float]],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    numbers: dict[str, int] = {}
    rows, columns, weights = [], [], []
    for row, each in enumerate(names):
        for name, weight in each.items():
            rows.append(row)
            columns.append(numbers.setdefault(name, len(numbers)))
            weights.append(weight)
    return np.array(rows, np.intp), np.array(columns, np.intp), np.array(weights, np.float64)
