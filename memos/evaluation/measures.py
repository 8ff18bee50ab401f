"""What is measured of one answer: pure functions of what was found and what was sought."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.errors import BadInput, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def recall(found: Sequence[str], gold: Collection[str], k: int) -> float:
    """The share of ``gold`` among the first ``k`` found; gold must not be empty."""
    return len(set(gold).intersection(found[:k])) / len(set(gold))


def complete(found: Sequence[str], gold: Collection[str], k: int) -> float:
    """1 if all of ``gold`` is among the first ``k`` found, and 0 otherwise."""
    return float(set(gold) <= set(found[:k]))


_KINDS = {"recall": recall, "all": complete}


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure at a depth, such as ``recall@5`` or ``all@5``."""

    kind: str
    k: int

    @classmethod
    def read(cls, name: str) -> Measure:
        """The measure of that name.

        Raises:
            BadInput: there is none.
        """
        spelled = re.fullmatch(rf"({'|'.join(_KINDS)})@([1-9]\d{{0,2}})", name)
        if spelled is None:
            hint = "such as recall@5, or all@5 for the share with all evidence among the first 5"
            raise BadInput(f"there is no measure {shown(name)}", hint=hint)
        return cls(spelled[1], int(spelled[2]))

    @property
    def name(self) -> str:
        """Such as ``recall@5``."""
        return f"{self.kind}@{self.k}"

    def of(self, found: Sequence[str], gold: Collection[str]) -> float:
        """Its value for one answer, from 0 to 1."""
        return _KINDS[self.kind](found, gold, self.k)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How a data set is measured."""

    measures: tuple[Measure, ...]
    targets: Mapping[str, float]
    """What is to be reached, by the measure's name."""
    left_out: frozenset[str] = frozenset()
    """Categories of questions that have no evidence to be found."""

    @property
    def deepest(self) -> int:
        """How many results the measures look at."""
        return max(measure.k for measure in self.measures)


_PASSAGES = "recall@5 all@5 recall@2 recall@10"
_KNOWN: dict[str, tuple[str, dict[str, float]]] = {
    "locomo": ("recall@5 recall@10 recall@20", {"recall@5": 72, "recall@10": 82, "recall@20": 88}),
    "longmemeval": ("all@5 recall@5 recall@10", {"all@5": 92}),
    "mh_2wiki": (_PASSAGES, {"recall@5": 82}),
    "mh_musique": (_PASSAGES, {"recall@5": 62}),
    "mh_hotpot": (_PASSAGES, {"recall@5": 90}),
    "conflict_dynamicqa": ("recall@5 recall@1", {"recall@5": 97, "recall@1": 85}),
}
"""Measures and targets in percent, by how a set's name begins."""
_ELSEWHERE = "recall@5 recall@10 recall@20"
_ADVERSARIAL = {"locomo": frozenset({"5"})}


def yardstick_of(name: str, measures: Sequence[Measure] = ()) -> Yardstick:
    """How the set of that name is measured, unless ``measures`` say otherwise."""
    begins = next((known for known in _KNOWN if name.startswith(known)), None)
    usual, targets = (_ELSEWHERE, {}) if begins is None else _KNOWN[begins]
    chosen = tuple(measures) or tuple(Measure.read(one) for one in usual.split())
    names = {measure.name for measure in chosen}
    return Yardstick(
        chosen,
        {measure: percent / 100 for measure, percent in targets.items() if measure in names},
        _ADVERSARIAL.get(begins or "", frozenset()),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below ``share`` of the values; 0 of none (nearest rank)."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def mean(values: Sequence[float]) -> float:
    """The average; 0 of none."""
    return sum(values) / len(values) if values else 0.0
