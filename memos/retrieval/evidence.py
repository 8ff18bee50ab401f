"""All that is known of the candidates of a search before they are ranked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from memos.kinds.whens import When
    from memos.ports.outlines import Outline
    from memos.ports.words import Match
    from memos.retrieval.question import Question

    Numbers = NDArray[np.float64]
    Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Named:
    """Which names the candidates have in common, with each other and with the question."""

    mentions: Sequence[Mapping[str, float]] = ()
    """For each candidate the names in it, with their weights: the rarer, the more."""
    titles: Sequence[str | None] = ()
    """For each candidate the name that it stands under."""
    asked: frozenset[str] = frozenset()
    """The names that the question may mean."""


@dataclass(frozen=True)
class Met:
    """Late interaction: the nearest token of each text (Khattab and Zaharia, "ColBERT", 2020)."""

    tokens: NDArray[np.float64]
    """[texts, question's tokens], cosines; a text whose tokens are not known has the mean."""
    mark: Numbers
    """[texts], of the mark that stands for the whole question; zeros where there is none."""


@dataclass(frozen=True)
class Evidence:
    """What indexes, catalog and graph say; all of it the principal may see, and all admitted."""

    question: Question
    outlines: Sequence[Outline]
    """The ``count`` candidates, and after them the turns that only stand beside some."""
    count: int
    cosines: Numbers
    """[outlines]"""
    match: Match
    """[outlines], by the words of the question."""
    rareness: Numbers
    """[terms]"""
    terms: Sequence[str]
    """[terms], as the question spells them."""
    before: Rows
    """[outlines]: the row of the turn before each, or -1."""
    after: Rows
    """[outlines]: the row of the turn after each, or -1."""
    meet: Callable[[Sequence[str]], Met | None] = lambda _: None
    """How near the question's tokens come to the texts of some ids; None where none is known."""
    named: Named = field(default_factory=Named)
    times: Sequence[When] = ()
    """The times that the question asks about."""

    @property
    def covered(self) -> Numbers:
        """[outlines]: the share of the question's weight that each text has words for."""
        return coverage(self.match.shares, self.rareness)


def coverage(shares: Numbers, rareness: Numbers) -> Numbers:
    """The share of the weight of all terms, [n] in [0, 1], that rows of ``shares`` [n, t] have."""
    total = rareness.sum()
    return shares @ rareness / total if total > 0 else np.zeros(len(shares))


def scaled(values: Numbers) -> Numbers:
    """Around 0 with a spread of 1, so that lists of different scales can be added."""
    spread = values.std() if len(values) else 0.0
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values))
