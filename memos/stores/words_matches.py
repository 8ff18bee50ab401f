"""How texts match a question word by word, from the postings of its words and of their kin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memos.ports.near import Near
from memos.ports.words import Match
from memos.stores.bm25 import K1, longness, rareness, saturated
from memos.stores.driver_sqlite import asking
from memos.stores.errors_sqlite import legible
from memos.stores.kin import kin_of
from memos.stores.terms import asked_terms, named_terms, spellings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Engine

_NAMES = """
    SELECT e.number, e.id FROM json_each(?) AS asked
    CROSS JOIN word_entries AS e ON e.number = asked.value
"""
_NUMBERS = """
    SELECT e.number, e.id FROM json_each(?) AS asked
    CROSS JOIN word_entries AS e ON e.id = asked.value
"""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a question."""

    spelled: str
    """As the question has it."""
    stems: Mapping[str, float]
    """Its own stem and those of its kin, each with its weight; its own is 1."""


@dataclass(frozen=True)
class Weighed:
    """The texts that have a word of the question or kin of one, by their numbers."""

    numbers: NDArray[np.int64]
    """[texts], ascending."""
    match: Match
    """Of these texts, in this order."""
    rareness: NDArray[np.float64]
    """[terms]"""
    terms: tuple[str, ...] = ()
    """[terms], as the question spells them."""


def kindred(query: str) -> list[Term]:
    """Each term of a question with its kin; what is written as a name has none."""
    named, spelled = named_terms(query), spellings(query)
    return [
        Term(
            spelled.get(term, term),
            {**({} if term in named else dict(kin_of(term))), term: 1.0},
        )
        for term in asked_terms(query)
    ]


def weighed(
    terms: Sequence[Term],
    found: Mapping[str, NDArray[np.void]],
    *,
    texts: int,
    length: int,
) -> Weighed:
    """What the postings say of every text that has any.

    Args:
        terms: what :func:`kindred` returned.
        found: by stem, the postings of the texts that count, [n] of memos.stores.bm25.POSTING.
        texts: how many texts count.
        length: how many terms they have together.
    """
    told = [each for each in terms if any(stem in found for stem in each.stems)]
    parts = [found[stem] for each in told for stem in each.stems if stem in found]
    if not parts:
        nothing = np.zeros(0)
        return Weighed(
            np.zeros(0, np.int64), Match(np.zeros((0, 0)), nothing, nothing), np.zeros(0)
        )
    entries = np.concatenate([part["entry"] for part in parts])
    numbers, first = np.unique(entries, return_index=True)
    lengths = np.concatenate([part["length"] for part in parts])[first]
    long = longness(lengths, max(length, 1) / max(texts, 1))
    shares = np.zeros((len(numbers), len(told)))
    scores = np.zeros(len(numbers))
    for column, each in enumerate(told):
        for stem, weight in each.stems.items():
            if stem not in found:
                continue
            rows = np.searchsorted(numbers, found[stem]["entry"])
            shares[rows, column] = np.maximum(shares[rows, column], weight)
            if weight == 1.0:
                rare = rareness(len(rows), texts)
                scores[rows] += rare * saturated(found[stem]["count"], long[rows])
    rare = rareness(shares.sum(axis=0), texts)
    kin_scores = (shares @ rare) * (K1 + 1) / (1 + long)
    spelled = tuple(each.spelled for each in told)
    return Weighed(numbers.astype(np.int64), Match(shares, scores, kin_scores), rare, spelled)


class PostingMatches:
    """How the texts that count match a question; what it looks up is their ids, each once."""

    def __init__(self, engine: Engine, found: Weighed) -> None:
        self._engine = engine
        self._found = found
        self._numbers: dict[str, int] = {}

    @property
    def rareness(self) -> NDArray[np.float64]:
        """[terms]: the weight of each term."""
        return self._found.rareness

    @property
    def terms(self) -> tuple[str, ...]:
        """[terms]: each as the question spells it."""
        return self._found.terms

    def best(self, k: int) -> list[Near]:
        """The ``k`` best texts, best first; a text that is gone meanwhile is left out."""
        scores = self._found.match.kin_scores
        rows = np.flatnonzero(scores)
        if len(rows) > k > 0:
            rows = rows[scores[rows] >= np.partition(scores[rows], -k)[-k]]
        by_number = dict(
            zip(self._found.numbers[rows].tolist(), scores[rows].tolist(), strict=True)
        )
        named = self._rows(_NAMES, list(by_number))
        # What is not there was dropped or replaced since the postings were read, in one transaction
        # that looked whether they fit; damage is told by the index's problems().
        self._numbers.update({one: number for number, one in named})
        near = [Near(one, by_number[number]) for number, one in named]
        return sorted(near, key=lambda each: (-each.score, each.id))[: max(k, 0)]

    def of(self, ids: Sequence[str]) -> Match:
        """These texts' match, in their order."""
        found = self._found.match
        shares = np.zeros((len(ids), found.shares.shape[1]))
        scores, kin_scores = np.zeros(len(ids)), np.zeros(len(ids))
        if len(self._found.numbers):
            numbers = np.array(self._looked_up(ids), dtype=np.int64)
            rows = np.searchsorted(self._found.numbers, numbers)
            rows[rows == len(self._found.numbers)] = 0
            there = self._found.numbers[rows] == numbers
            shares[there] = found.shares[rows[there]]
            scores[there] = found.scores[rows[there]]
            kin_scores[there] = found.kin_scores[rows[there]]
        return Match(shares, scores, kin_scores)

    def _looked_up(self, ids: Sequence[str]) -> list[int]:
        """The numbers of these ids; -1 for one that is not there."""
        new = [one for one in ids if one not in self._numbers]
        if new:
            self._numbers.update(dict.fromkeys(new, -1))
            self._numbers.update({one: number for number, one in self._rows(_NUMBERS, new)})
        return [self._numbers[one] for one in ids]

    @legible("the index of words")
    def _rows(self, query: str, asked: Sequence[str] | Sequence[int]) -> list[tuple[int, str]]:
        with asking(self._engine) as cursor:
            cursor.execute(query, (json.dumps(asked),))
            return list(cursor.fetchall())
