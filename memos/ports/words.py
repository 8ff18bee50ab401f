"""Sameness of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memos.cube import Scope
    from memos.ports.near import Near


@dataclass(frozen=True, slots=True)
class WordEntry:
    """One cube's text and whose it is."""

    id: str
    text: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Room:
    """Which entries count: those of a scope or, with ``among``, those of them with these ids."""

    scope: Scope
    among: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """How some texts match a question, word by word."""

    shares: NDArray[np.float64]
    """[texts, terms]: 1 where a text has a term of the question; where it only has words that mean
    about the same, how near the nearest of them is; 0 where it has neither."""
    scores: NDArray[np.float64]
    """[texts]: BM25, by the terms themselves."""
    kin_scores: NDArray[np.float64]
    """[texts]: BM25 by the shares, each term counted once."""


class Matches(Protocol):
    """How the texts that count match a question, and how much each of its words tells."""

    @property
    def rareness(self) -> NDArray[np.float64]:
        """[terms]: the weight of each term that any of the texts has, or has kin of."""
        ...

    @property
    def terms(self) -> Sequence[str]:
        """[terms]: each as the question spells it, or, where no word of it does, as it is read."""
        ...

    def best(self, k: int) -> list[Near]:
        """The ``k`` texts of the highest ``kin_scores``, best first; ties are ordered by id."""
        ...

    def of(self, ids: Sequence[str]) -> Match:
        """These texts' match, in their order; zeros for one that is not there or does not count."""
        ...


class Words(Protocol):
    """A full-text index; it can be rebuilt at any time.

    A text matches when it shares at least one term with the query, after stemming and without
    stop words. A score is BM25: positive, higher is nearer. Ties are ordered by id.
    """

    def put(self, entries: Sequence[WordEntry]) -> None:
        """Store durably, all or none, in the place of what had the same ids."""
        ...

    def near(self, query: str, *, k: int, within: Sequence[Room]) -> list[Near]:
        """The ``k`` best matches in any of the rooms, best first.

        ``query`` is plain language: no character of it is an operator. How rare a word is, and
        how long a text is for one, is judged among the entries that count, and nothing else: an
        answer is the same whatever else the index holds. No term in common: an empty list.
        """
        ...

    def ask(self, query: str, *, within: Sequence[Room]) -> Matches:
        """How the entries in the rooms match a question; judged as for :meth:`near`.

        Words that mean about the same as one of the question's count too, for less; none does for
        what is written as a name. Without a table of such words only equal ones count.
        """
        ...

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        ...

    def ids(self) -> set[str]:
        """The ids of all entries."""
        ...

    def differing(self, entries: Sequence[WordEntry]) -> list[str]:
        """The ids of those entries that are not in the index as :meth:`put` would write them."""
        ...

    def problems(self) -> list[str]:
        """What is wrong with the index itself, in words; empty when nothing."""
        ...

    def clear(self) -> None:
        """Make the index anew, with nothing in it, also where it cannot be read any more."""
        ...

    def purge(self) -> None:
        """Erase: what was dropped or replaced leaves no byte behind in any file.

        That is the id, the text with each of its words, and the scope. Slow: meant to be called
        once after many drops. After a crash at any point the entries that remain are there, and
        purging again finishes it.

        Raises:
            BackendError: it could not be done; bytes may be left.
        """
        ...
