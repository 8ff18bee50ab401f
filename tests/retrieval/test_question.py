"""What a question asks for, and what a text has of it, as far as the wording tells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.retrieval import traits
from memos.retrieval.question import Question


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("When did Ann move?", (True, False, False)),
        ("how long has she been there", (True, False, False)),
        ("Which year was it?", (True, False, False)),
        ("How many cats has Ann?", (False, True, False)),
        ("Where does she live?", (False, False, True)),
        ("What city is it?", (False, False, True)),
        ("When and where?", (True, False, True)),
        ("Who is Whenley?", (False, False, False)),
        ("", (False, False, False)),
    ],
)
def test_a_question_says_what_it_asks_for(text: str, kinds: tuple[bool, bool, bool]) -> None:
    question = Question.read(text)
    assert (question.when, question.many, question.where) == kinds


def test_somebody_is_named_by_the_first_word_of_the_name_whatever_the_case() -> None:
    question = Question.read("What does ann's brother (Bob?) do")
    assert [question.names(one) for one in ("Ann", "ANN Lee", "Bob", "Lee Ann", "Anna")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert not any(question.names(one) for one in (None, "", " ?"))


@settings(deadline=None)
@given(st.text(), st.none() | st.text())
def test_any_text_is_a_question_and_anything_a_name(text: str, name: str | None) -> None:
    question = Question.read(text)
    assert question.text == text
    assert question.names(name) in (True, False)


@pytest.mark.parametrize(
    ("trait", "having", "lacking"),
    [
        (traits.asks, "Is it? ", "Is it? Yes."),
        (traits.tells_of_self, "That is my cat.", "Mine is a cat of Iris."),
        (traits.tells_time, "In 1999, or last week", "12345 mayors"),
        (traits.tells_number, "She has two.", "Someone often waits."),
        (traits.names_something, "We saw Lisbon.", "We saw it. And left."),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_text_has_a_trait_or_not(trait: object, having: str, lacking: str) -> None:
    assert callable(trait)
    assert trait(having)
    assert not trait(lacking)
    assert not trait("")
