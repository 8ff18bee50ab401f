"""Plaintext cubes as material for training: questions with short answers, found by rules alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING

from memos.kinds.facts import Fact, facts_in
from memos.kinds.third_person import speaker, statements
from memos.ports.runtime import Example

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memos.cube import MemCube

_STRANGERS = (
    "Abigail", "Desmond", "Ingrid", "Rupert", "Yvonne", "Casimir", "Odette", "Lorenzo", "Wanda",
    "Tariq", "Philippa", "Goran",
)  # fmt: skip
_WORDINGS = 4
_VALUES = 3
"""How many values one question may have; the oldest go."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model is taught, and what it is examined on."""

    trained: tuple[Example, ...]
    held_out: tuple[Example, ...]
    """The same facts in wordings that are not among the trained ones."""
    strangers: tuple[str, ...]
    """The same questions about people of whom nothing is known."""


def lessons(cubes: Sequence[MemCube]) -> Lessons:
    """Questions and answers on what the cubes, oldest first, state.

    Where two statements contradict each other the newer one holds. Equal cubes, equal lessons.
    """
    facts = _current(
        fact
        for cube in cubes
        for said in statements(cube)
        for fact in facts_in(said, speaker(cube))
    )
    trained: dict[str, str] = {}
    held_out: dict[str, str] = {}
    for fact in facts:
        for question in fact.trained[-_WORDINGS:]:
            trained.setdefault(question, fact.value)
    for fact in facts:
        for question in fact.held_out:
            if question not in trained:
                held_out.setdefault(question, fact.value)
    return Lessons(_examples(trained), _examples(held_out), _strangers(facts))


def _strangers(facts: Sequence[Fact]) -> tuple[str, ...]:
    known = {fact.whom for fact in facts}
    names = cycle(name for name in _STRANGERS if not any(name in whom for whom in known))
    asked = (fact.trained[0].replace(fact.whom, next(names)) for fact in facts if fact.whom)
    return tuple(dict.fromkeys(asked))


def _current(facts: Iterable[Fact]) -> list[Fact]:
    """One fact for each thing that can be asked, newest first."""
    current: dict[tuple[str, ...], Fact] = {}
    for fact in facts:
        older = current.pop(fact.about, None)
        current[fact.about] = _joined(older, fact) if older is not None else fact
    return list(reversed(current.values()))


def _joined(older: Fact, newer: Fact) -> Fact:
    if not newer.several:
        return newer
    values = [value for value in older.value.split(", ") if value != newer.value]
    joint = ", ".join([*values, newer.value][-_VALUES:])
    # a blank has room for one value only, so the sentences with blanks are left out
    asked = tuple(question for question in newer.trained if "____" not in question)
    return replace(newer, value=joint, trained=asked)


def _examples(answers: dict[str, str]) -> tuple[Example, ...]:
    return tuple(Example(question, answer) for question, answer in answers.items())
