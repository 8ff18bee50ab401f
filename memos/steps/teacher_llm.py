"""Lessons by a language model, which may word questions and must find their answers in the text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memos.errors import BadAnswer
from memos.kinds.facts import facts_of
from memos.kinds.lessons import lessons_on
from memos.kinds.pairs import Pairs, borne, facts_of_pairs
from memos.kinds.rule_teacher import RuleTeacher
from memos.kinds.third_person import is_told, speaker
from memos.ports.lessons import Refusal
from memos.steps.asking import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memos.cube import MemCube
    from memos.kinds.pairs import Borne
    from memos.ports.lessons import Lessons
    from memos.ports.llm import LLM
    from memos.ports.steps import NeedsLLM, Teacher

_MAX_TOKENS = 2_000
_LONGEST = 400
"""Characters of a claim that is told of."""
_TASK = (
    "Write questions by which somebody can be examined on a memory. For each thing that it says, "
    "give: the subject, that is of whom or what it is said (where the speaker speaks of "
    "themselves, the speaker as named in the data); the answer, that is the few words of the "
    "memory that say it, exactly as they stand there; six to eight questions in different words "
    "that the answer is right for, each of which names the subject as you gave it and not the "
    "answer, and is understood without the memory; and three to five reversed questions that the "
    "subject is right for, each of which names the answer and not the subject. Use no name, "
    "number or date that is not in the memory. Leave out greetings, questions and whatever you "
    "are not sure of; where there is nothing, answer with no facts.\n"
    'Answer: {"facts": [{"subject": "…", "answer": "…", "questions": ["…"], "reversed": ["…"]}]}'
)
_NO_ANSWER = "the model's answer was not what it was asked for"
_WITHHELD = "it is not shown to a model on another machine"


class _Fact(Answer):
    subject: str
    answer: str
    questions: list[str]
    reversed: list[str]


class _Facts(Answer):
    facts: list[_Fact]


class LLMTeacher:
    """Asks a language model for questions and answers, text by text; what they say is checked.

    The rules serve for a text of which nothing that the model said is of any use.
    """

    needs_llm: NeedsLLM = "required"

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def by(self) -> str | None:
        """The model."""
        return self._llm.name

    def lessons(self, cubes: Sequence[MemCube], withheld: Collection[str] = ()) -> Lessons:
        """What the model asks of the cubes, as far as they bear it."""
        told: list[list[Borne]] = []
        by_rules: list[int] = []
        refused: list[Refusal] = []
        for place, cube in enumerate(cubes):
            good, bad = self._read(cube, place, withheld)
            told.append(good)
            refused += bad
            if bad and not good:
                by_rules.append(place)
        facts = [
            fact
            for place, found in enumerate(facts_of_pairs(told))
            for fact in (facts_of(cubes[place]) if place in by_rules else found)
        ]
        made = lessons_on(facts, cubes)
        return replace(made, by_rules=tuple(by_rules), refused=tuple(refused))

    def _read(
        self, cube: MemCube, place: int, withheld: Collection[str]
    ) -> tuple[list[Borne], list[Refusal]]:
        """What the model says of one text and the text bears, and what it does not."""
        if not is_told(cube):
            return [], []
        if cube.id in withheld:
            return [], [Refusal(place, "", _WITHHELD)]
        try:
            pairs = self._asked(cube)
        except BadAnswer:
            return [], [Refusal(place, "", _NO_ANSWER)]
        good, bad = borne(pairs, cube)
        return good, [Refusal(place, _claimed(one), why) for one, why in bad]

    def _asked(self, cube: MemCube) -> list[Pairs]:
        said_at = cube.header.valid_from
        memory = {
            "date": f"{said_at:%A %d %B %Y}" if said_at else "",
            "speaker": speaker(cube),
            "text": cube.text,
        }
        answer = ask(self._llm, _TASK, {"memory": memory}, _Facts, max_tokens=_MAX_TOKENS)
        return [
            Pairs(one.subject, one.answer, tuple(one.questions), tuple(one.reversed))
            for one in answer.facts
        ]


class AutoTeacher:
    """A language model where the settings name one, and rules where they do not."""

    needs_llm: NeedsLLM = "optional"

    def __init__(self, llm: LLM | None) -> None:
        self._chosen: Teacher = RuleTeacher() if llm is None else LLMTeacher(llm)

    @property
    def by(self) -> str | None:
        """The model; None where there is none."""
        return self._chosen.by

    def lessons(self, cubes: Sequence[MemCube], withheld: Collection[str] = ()) -> Lessons:
        """As the chosen one does."""
        return self._chosen.lessons(cubes, withheld)


def _claimed(one: Pairs) -> str:
    return f"{one.subject}: {one.answer}"[:_LONGEST]
