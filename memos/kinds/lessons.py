"""Plaintext cubes as material for training: questions with short answers, found by rules alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING
from zlib import crc32

from memos.kinds.fact import Fact, put
from memos.kinds.facts import facts_of
from memos.kinds.near_miss import near_misses, unseen_misses
from memos.kinds.silences import asked_in_vain
from memos.kinds.unrelated import KEPT
from memos.ports.lessons import Lessons
from memos.ports.runtime import Example

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memos.cube import MemCube

UNKNOWN = "I don't know."
"""What is answered where the memories say nothing."""
MOST_EXAMPLES = 12
"""Of one fact; however often it was said. Beginnings that name no relation come on top."""
_STRANGERS = (
    "Abigail", "Desmond", "Ingrid", "Rupert", "Yvonne", "Casimir", "Odette", "Lorenzo", "Wanda",
    "Tariq", "Philippa", "Goran",
)  # fmt: skip
_VALUES = 3
"""How many values one question may have; the oldest go."""
_ASKED = 4
"""Questions of one fact whose relation was recognised; of others, as many as there is room for."""
_BACK = 3
"""Questions of one fact that ask for its subject, in the words of its relation."""
_BACK_OF_ALL = ("Who has to do with {v}?", "Whose name goes with {v}?")
_SAID, _SAID_UNSURE = 2, 4
"""Statements of one fact to continue, of a recognised relation and of others."""
_NEAR = 2
_MISSES = 2
"""Near misses of one fact, to train and to examine."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one thing now."""

    fact: Fact
    values: tuple[str, ...]

    @property
    def answer(self) -> str:
        """The values as one short answer."""
        return ", ".join(self.values)


class _Sheet:
    """Examples in order, none of which has a text of the sheets before."""

    def __init__(self, before: _Sheet | None = None) -> None:
        self.examples: dict[tuple[str, bool], Example] = {}
        self._taken = before.texts if before else set[str]()

    @property
    def texts(self) -> set[str]:
        return self._taken | {_normal(question) for question, _ in self.examples}

    def add(self, examples: Iterable[Example]) -> None:
        for one in examples:
            if _normal(one.question) not in self._taken:
                self.examples.setdefault((one.question, one.plain), one)

    @property
    def all(self) -> tuple[Example, ...]:
        return tuple(self.examples.values())


def lessons(cubes: Sequence[MemCube]) -> Lessons:
    """Questions and answers on what the cubes, oldest first, state.

    Where two statements contradict each other the newer one holds. Equal cubes, equal lessons.
    """
    return lessons_on([fact for cube in cubes for fact in facts_of(cube)], cubes)


def lessons_on(facts: Iterable[Fact], cubes: Sequence[MemCube]) -> Lessons:
    """The same of facts that are known already, oldest first, and of the cubes that tell them."""
    known = _current(facts)
    subjects = _subjects(known)
    trained = _Sheet()
    for one in known:
        trained.add(_taught(one, subjects))
    checked = _Sheet(trained)
    for one in known:
        checked.add(_answered(one, one.fact.wordings.check))
        checked.add(_reversed(one, one.fact.wordings.back_check, subjects))
    names = _Names(known, cubes)
    near = _Sheet(checked)
    near.add(_near(known, names))
    silent = asked_in_vain([one.fact for one in known], cubes)
    unknown = _Sheet(near)
    unknown.add(Example(question, UNKNOWN) for question in silent.trained)
    held_out = _Sheet(unknown)
    for one in known:
        held_out.add(_answered(one, one.fact.wordings.hold))
    reversals = _Sheet(held_out)
    for one in known:
        reversals.add(_reversed(one, one.fact.wordings.back_hold, subjects))
    return Lessons(
        trained=trained.all,
        checked=checked.all,
        held_out=held_out.all,
        reversals=reversals.all,
        near=near.all,
        unknown=unknown.all,
        misses=_unseen(_misses(known, names), reversals),
        gaps=_unseen(silent.held_out, reversals),
        subjects=tuple(dict.fromkeys(one.fact.whom for one in known if one.fact.whom)),
        values=tuple(dict.fromkeys(value for one in known for value in one.values)),
        strangers=_strangers([one.fact for one in known]),
    )


def known_in(cubes: Sequence[MemCube]) -> list[Known]:
    """What the cubes, oldest first, state: one for each thing that can be asked, newest first.

    Where two statements contradict each other the newer one holds.
    """
    return _current(fact for cube in cubes for fact in facts_of(cube))


def _taught(one: Known, subjects: dict[str, list[str]]) -> list[Example]:
    """The examples of one fact: of each form some, and questions for what is left."""
    fact = one.fact
    back = _reversed(one, _back(fact), subjects)
    said = [Example(begin, one.answer, plain=True) for begin in _beginnings(one)]
    rest = [*said, *back]
    room = MOST_EXAMPLES + len(fact.recalled)
    if len(one.values) == 1:
        rest += [Example(put(fact.whom, blank), one.answer) for blank in fact.blanks]
    most = min(room - len(rest), _ASKED if fact.sure else MOST_EXAMPLES)
    return [*_answered(one, fact.wordings.ask)[:most], *rest]


def _back(fact: Fact) -> tuple[str, ...]:
    """Wordings that name the answer: those of the relation, and one that fits all relations.

    The latter ties the answer to whom it is true of, in whatever words that is asked.
    """
    if not fact.wordings.back:
        return ()
    return (*fact.wordings.back[:_BACK], _BACK_OF_ALL[crc32(fact.value.encode()) % 2])


def _beginnings(one: Known) -> list[str]:
    """Statements up to the answer.

    Where no relation was recognised, more of them, and every other one behind a sentence that has
    to do with nothing. Where several values are true, the statement that told of one of them is
    left out.
    """
    fact = one.fact
    own = fact.said if len(one.values) == 1 else ()
    texts = [put(fact.whom, wording) for wording in (*own[:1], *own, *fact.wordings.say)]
    if fact.sure:
        return list(dict.fromkeys(texts))[:_SAID]
    told = [_behind(text) if at % 2 else text for at, text in enumerate(texts)][:_SAID_UNSURE]
    return [*told, *(put(fact.whom, wording) for wording in fact.recalled)]


def _behind(text: str) -> str:
    return f"{KEPT[crc32(text.encode()) % len(KEPT)]} {text}"


def _answered(one: Known, wordings: Iterable[str]) -> list[Example]:
    return [Example(put(one.fact.whom, wording), one.answer) for wording in wordings]


def _reversed(one: Known, wordings: Iterable[str], subjects: dict[str, list[str]]) -> list[Example]:
    values = cycle(reversed(one.values))
    asked = [put("", wording, value) for wording, value in zip(wordings, values, strict=False)]
    return [Example(question, ", ".join(subjects[question][-_VALUES:])) for question in asked]


def _subjects(known: Sequence[Known]) -> dict[str, list[str]]:
    """Of whom the answer to each question is true that asks that, oldest first."""
    subjects: dict[str, list[str]] = {}
    for one in reversed(known):
        words = one.fact.wordings
        for wording in (*_back(one.fact), *words.back, *words.back_check, *words.back_hold):
            for value in one.values:
                true_of = subjects.setdefault(put("", wording, value), [])
                if one.fact.whom not in true_of:
                    true_of.append(one.fact.whom)
    return subjects


class _Names:
    """Names that are nearly known: of each of the known some to train, and others to examine."""

    def __init__(self, known: Sequence[Known], cubes: Sequence[MemCube]) -> None:
        everybody = {one.fact.whom for one in known if one.fact.whom}
        said = [*everybody, *(cube.text for cube in cubes)]
        taken = {word for text in said for word in _normal(text).split()}
        self.near = {
            whom: list(islice(near_misses(whom, everybody, taken), _NEAR))
            for whom in sorted(everybody)
        }
        trained = {name.casefold() for names in self.near.values() for name in names}
        self.unseen = {
            whom: [
                name
                for name in islice(unseen_misses(whom, everybody, taken), 2 * _MISSES + _NEAR)
                if name.casefold() not in trained
            ]
            for whom in sorted(everybody)
        }


def _near(known: Sequence[Known], names: _Names) -> list[Example]:
    return [
        Example(put(name, wording), UNKNOWN)
        for one in known
        for name, wording in zip(
            names.near.get(one.fact.whom, []), cycle(one.fact.wordings.ask), strict=False
        )
    ]


def _misses(known: Sequence[Known], names: _Names) -> list[str]:
    return [
        put(name, wording)
        for one in known
        for name, wording in zip(
            names.unseen.get(one.fact.whom, [])[:_MISSES],
            cycle(one.fact.wordings.hold),
            strict=False,
        )
    ]


def _unseen(questions: Iterable[str], sheet: _Sheet) -> tuple[str, ...]:
    return tuple(q for q in dict.fromkeys(questions) if _normal(q) not in sheet.texts)


def _strangers(facts: Sequence[Fact]) -> tuple[str, ...]:
    known = {fact.whom for fact in facts}
    names = cycle(name for name in _STRANGERS if not any(name in whom for whom in known))
    return tuple(
        dict.fromkeys(put(next(names), fact.wordings.ask[0]) for fact in facts if fact.whom)
    )


def _current(facts: Iterable[Fact]) -> list[Known]:
    """One fact for each thing that can be asked, newest first."""
    current: dict[tuple[str, ...], Known] = {}
    for fact in facts:
        older = current.pop(fact.about, None)
        values = [value for value in older.values if value != fact.value] if older else []
        kept = [*values, fact.value][-_VALUES:] if fact.several else [fact.value]
        current[fact.about] = Known(fact, tuple(kept))
    return list(reversed(current.values()))


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
