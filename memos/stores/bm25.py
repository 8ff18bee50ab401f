"""How well a text matches a question by its words: pure functions over postings.

BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, "The Probabilistic Relevance Framework",
2009, equation 3.15), and a weight of rareness that is never negative, ln(1 + (N - n + ½)/(n + ½)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

POSTING = np.dtype([("entry", "<u4"), ("scope", "<u4"), ("count", "<u2"), ("length", "<u2")])
"""That a term is in a text: the text, whose it is, how often, and how many terms the text has."""

CAP = 65_535
"""What is more is counted as this many."""

K1 = 1.2
_B = 0.75


def scores(
    terms: Iterable[NDArray[np.void]], *, texts: int, length: int, last: int
) -> NDArray[np.float64]:
    """The score of every text, [last + 1], by its number; 0 where it has none of the terms.

    Args:
        terms: for each term of the question, the postings of the texts that count, [n] of
            :data:`POSTING`, each text once.
        texts: how many texts count.
        length: how many terms they have together.
        last: the highest number of a text.
    """
    total = np.zeros(last + 1)
    average = max(length, 1) / max(texts, 1)
    for found in terms:
        rare = rareness(len(found), texts)
        total[found["entry"]] += rare * saturated(
            found["count"], longness(found["length"], average)
        )
    return total


def rareness(having: NDArray[np.float64] | float, texts: int) -> NDArray[np.float64]:
    """How much a term tells that ``having`` of the texts have."""
    return np.asarray(np.log1p((np.maximum(texts, having) - having + 0.5) / (having + 0.5)))


def longness(lengths: NDArray[np.generic], average: float) -> NDArray[np.float64]:
    """What a text's length does to its counts, [n], from how many terms it has."""
    return np.asarray(K1 * (1 - _B + _B * lengths.astype(np.float64) / average))


def saturated(counts: NDArray[np.generic], long: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a term's occurrences are worth, [n], by the text's :func:`longness`."""
    many = counts.astype(np.float64)
    return np.asarray(many * (K1 + 1) / (many + long))


def best(total: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """The numbers of the ``k`` texts of the highest scores above 0, and of all equals of the last.

    Args:
        total: what :func:`scores` returned.
        k: at least 1.
    """
    numbers = np.flatnonzero(total)
    if len(numbers) <= k:
        return numbers
    reached = total[numbers]
    chosen: NDArray[np.intp] = numbers[reached >= np.partition(reached, -k)[-k]]
    return chosen
