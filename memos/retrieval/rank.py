"""How candidates become one ranking: pure functions over evidence.

A candidate's score is a sum of features, each with a weight that depends on the candidate's form:
a turn of a conversation, a text under a title, or a note. So every point of a score belongs to one
feature, and features that say the same kind of thing are told as one part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memos.retrieval.features import features, met_features
from memos.retrieval.weights import WEIGHTS, WITHOUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from memos.ports.outlines import Outline
    from memos.retrieval.evidence import Evidence, Numbers
    from memos.retrieval.features import Features

PARTS = {
    "vectors": ("vectors", "vectors1", "vectors2"),
    "tokens": ("tokens", "tokens_best", "mark", "tokens2"),
    "words": ("words", "kin", "cover", "words2", "cover1", "cover2"),
    "conversation": ("previous", "next", "answers", "answers_near"),
    "session": ("session_cover", "session_words", "session_vectors"),
    "speaker": ("speaker", "other_speaker"),
    "answer": ("when", "many", "where"),
    "time": ("time",),
    "recency": ("recent",),
    "form": ("asks", "asks_within", "self", "length"),
    "graph": ("walk", "linked", "linking", "together"),
    "title": ("title",),
}
"""Which features each part of a score sums up."""

_CLOSELY = 100
"""So many of the candidates are looked at token by token."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate's place in the ranking: its score is the sum of its parts.

    What is scaled among the candidates adds 0 to the average one, and less to those below it.
    """

    id: str
    score: float
    parts: dict[str, float]
    row: int
    """Which of the evidence's candidates it is."""


def form_of(outline: Outline, title: str | None) -> str:
    """Of what form it is.

    ``turn``: of a conversation whose speakers have names; ``message``: of one with an assistant, or
    whose speakers are not told; ``passage``: a text under a title; ``note``: any other.
    """
    if outline.position is not None:
        return "message" if outline.speaker is None else "turn"
    return "note" if title is None else "passage"


def forms(evidence: Evidence) -> list[str]:
    """The form of each candidate."""
    titles = evidence.named.titles or [None] * evidence.count
    return [
        form_of(outline, title)
        for outline, title in zip(evidence.outlines[: evidence.count], titles, strict=True)
    ]


def ranked(
    evidence: Evidence, weights: Mapping[str, Mapping[str, float]] | None = None
) -> Iterator[Ranked]:
    """The candidates, best first; ties are ordered by id.

    Args:
        evidence: on all of them.
        weights: of the features, by form; None for those that were fitted.
    """
    if not evidence.count:
        return
    of = forms(evidence)
    tables = (WEIGHTS if weights is None else weights, WITHOUT_TOKENS)
    wanted = {name for table in tables for form in set(of) for name in table[form]}
    found = measured(evidence, of, wanted)
    if weights is None:
        weights = WEIGHTS if "tokens" in found else WITHOUT_TOKENS
    parts = {name: _summed(found, names, of, weights) for name, names in PARTS.items()}
    scores = np.sum(list(parts.values()), axis=0).tolist()
    ids = [outline.id for outline in evidence.outlines[: evidence.count]]
    for row in sorted(range(evidence.count), key=lambda row: (-scores[row], ids[row])):
        told = {name: float(values[row]) for name, values in parts.items() if values[row]}
        yield Ranked(ids[row], sum(told.values()), told, row)


def measured(
    evidence: Evidence, of: Sequence[str], wanted: Collection[str] | None = None
) -> Features:
    """The features of all candidates; those of tokens, of the best by all the others.

    Args:
        evidence: on all candidates.
        of: the form of each.
        wanted: which features are of use; None for all.
    """
    found = features(evidence, wanted)
    scores = _summed(found, list(found), of, WITHOUT_TOKENS)
    return found | met_features(evidence, np.argsort(-scores, kind="stable")[:_CLOSELY])


def _summed(
    found: Mapping[str, Numbers],
    names: Sequence[str],
    of: Sequence[str],
    weights: Mapping[str, Mapping[str, float]],
) -> Numbers:
    """What these features add to each candidate's score."""
    total = np.zeros(len(of))
    for form in set(of):
        these = np.array([one == form for one in of])
        for name in names:
            weight = weights[form].get(name, 0.0)
            if weight and name in found:
                total[these] += weight * found[name][these]
    return np.asarray(np.round(total, 6))
