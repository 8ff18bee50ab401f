"""What a turn owes to the turns around it: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos.retrieval.evidence import Evidence, Numbers, Rows


def windows(evidence: Evidence, reach: int) -> list[Rows]:
    """For each offset of at most ``reach``, the row that stands there from each, or -1."""
    found = [np.arange(len(evidence.outlines))]
    for step in (evidence.before, evidence.after):
        at = found[0]
        for _ in range(reach):
            at = np.where(at >= 0, step[at], -1)
            found.append(at)
    return found


def meant(values: Numbers, rows: list[Rows]) -> Numbers:
    """The mean over each window, of those that are there."""
    taken = np.stack([np.where(at >= 0, values[at], 0.0) for at in rows])
    return np.asarray(taken.sum(axis=0) / np.stack([at >= 0 for at in rows]).sum(axis=0))


def united(shares: NDArray[np.float64], rows: list[Rows]) -> NDArray[np.float64]:
    """[outlines, terms]: what any text of each window has."""
    return most(shares, rows, otherwise=0.0)


def most(
    values: NDArray[np.float64], rows: list[Rows], *, otherwise: float = -1.0
) -> NDArray[np.float64]:
    """[outlines, ...]: the highest of each window, place by place."""
    return np.asarray(
        np.max([np.where((at >= 0)[:, None], values[at], otherwise) for at in rows], axis=0)
    )


def beside(values: Numbers, step: Rows, otherwise: float) -> Numbers:
    """The value of the turn that ``step`` leads to, or ``otherwise``."""
    return np.where(step >= 0, values[step], otherwise)
