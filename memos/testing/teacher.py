"""What every teacher must do, whoever it asks."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from memos.cube import MemCube, Provenance, Scope, Step
from memos.kinds.drafts import Draft
from memos.kinds.examination import is_right
from memos.kinds.lessons import UNKNOWN
from memos.kinds.plaintext import born
from memos.ports.lessons import Lessons

if TYPE_CHECKING:
    from memos.ports.steps import Teacher

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
TEXTS = (
    "Orla Venn lives in Tartu.",
    "Piet Marrow lives in Tartu.",
    "Ines Quill works at Vorn Labs.",
    "I play the cello, and not often.",
    "Hello! How are you?",
)
"""What the suite teaches; of the last there is nothing to learn."""
SPEAKER = "Mara"
NEWER = "Orla Venn moved to Braga."


def told(text: str, at: int = 0) -> MemCube:
    """A plaintext cube of a text, said by :data:`SPEAKER`."""
    step = Provenance(actor="test", time=NOON, step=Step(operation="add", by="test"))
    draft = Draft(text=text, speaker=SPEAKER, said_at=NOON, scope=Scope(user_id="mara"))
    return born(draft, text, now=NOON, position=at, provenance=step)


class TeacherSuite(ABC):
    """Inherit from it and say how a teacher is made.

    The teacher must find something to ask of all :data:`TEXTS` but the last, and of :data:`NEWER`.
    One that asks a model, be it recorded, is asked of each with :data:`SPEAKER` as who speaks.
    """

    @pytest.fixture
    @abstractmethod
    def teacher(self) -> Teacher:
        """A teacher; a costly one may be shared by all tests."""

    @pytest.fixture
    def cubes(self) -> list[MemCube]:
        return [told(text, at) for at, text in enumerate(TEXTS)]

    @pytest.fixture
    def made(self, teacher: Teacher, cubes: list[MemCube]) -> Lessons:
        return teacher.lessons(cubes)

    def test_it_says_what_it_needs_and_who_it_asks(self, teacher: Teacher) -> None:
        assert teacher.needs_llm in {"never", "optional", "required"}
        assert teacher.by is None or teacher.by.strip() == teacher.by != ""
        assert teacher.by is None or teacher.needs_llm != "never"

    def test_there_is_something_to_train_to_check_and_to_examine(self, made: Lessons) -> None:
        for several in (made.trained, made.checked, made.held_out, made.near, made.misses):
            assert several
        assert all(example.question.strip() for example in made.trained)
        asked = " ".join(example.question for example in made.held_out)
        assert all(name in asked for name in ("Orla Venn", "Piet Marrow", "Ines Quill", SPEAKER))

    def test_no_question_that_examines_is_taught_or_checked(self, made: Lessons) -> None:
        taught = {_key(one.question) for one in (*made.trained, *made.near, *made.unknown)}
        checked = {_key(one.question) for one in made.checked}
        examples = (*made.held_out, *made.reversals)
        examined = [
            *(_key(one.question) for one in examples),
            *map(_key, (*made.misses, *made.gaps)),
        ]
        assert not checked & taught
        assert not (taught | checked) & set(examined)
        assert len(examined) == len(set(examined))

    def test_every_answer_stands_in_the_texts(self, made: Lessons) -> None:
        said = " ".join((*TEXTS, SPEAKER))
        for one in (*made.trained, *made.checked, *made.held_out, *made.reversals):
            assert all(is_right(said, part) for part in one.answer.split(", ")), one
        assert made.values
        assert all(is_right(said, value) for value in made.values)

    def test_a_question_does_not_hold_its_answer(self, made: Lessons) -> None:
        for one in (*made.trained, *made.checked, *made.held_out, *made.reversals):
            assert one.plain or not is_right(one.question, one.answer), one

    def test_nothing_is_known_of_what_is_nearly_known(self, made: Lessons) -> None:
        assert {one.answer for one in (*made.near, *made.unknown)} == {UNKNOWN}
        names = ("Orla Venn", "Piet Marrow", "Ines Quill")
        asked = [*(one.question for one in made.near), *made.misses]
        assert not any(name in question for question in asked for name in names)

    def test_equal_texts_make_equal_lessons(
        self, teacher: Teacher, cubes: list[MemCube], made: Lessons
    ) -> None:
        assert teacher.lessons(list(cubes)) == made

    def test_what_is_said_anew_holds(self, teacher: Teacher, cubes: list[MemCube]) -> None:
        made = teacher.lessons([cubes[0], told(NEWER, 1)])
        assert "Braga" in {one.answer for one in made.held_out}
        assert not any("Tartu" in one.answer for one in (*made.trained, *made.held_out))

    def test_what_no_model_is_shown_is_taught_all_the_same(
        self, teacher: Teacher, cubes: list[MemCube], made: Lessons
    ) -> None:
        hidden = teacher.lessons(cubes, {cubes[0].id})
        assert hidden.values == made.values
        assert set(made.by_rules) <= set(hidden.by_rules)
        assert all(0 <= one.cube < len(cubes) for one in hidden.refused)
        assert any("Orla Venn" in one.question for one in hidden.trained)

    def test_of_nothing_nothing_is_taught(self, teacher: Teacher, cubes: list[MemCube]) -> None:
        assert teacher.lessons([]) == Lessons()
        assert not teacher.lessons([cubes[-1]]).trained


def _key(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
