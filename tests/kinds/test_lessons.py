"""Memories become questions with short answers, by rules alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.kinds.lessons import lessons
from memos.kinds.third_person import statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.cube import MemCube

    Remembered = Callable[..., MemCube]


@pytest.mark.parametrize(
    ("said", "stated"),
    [
        ("I moved to Lisbon.", ["Mara moved to Lisbon"]),
        ("I'm a nurse, and I love it!", ["Mara is a nurse, and Mara loves it"]),
        ("I really love my dog.", ["Mara really loves Mara's dog"]),
        ("I've adopted a cat. I don't smoke.", ["Mara has adopted a cat", "Mara doesn't smoke"]),
        ("Hey Tom, by the way, I work at Aeon!", ["Mara works at Aeon"]),
        ("My sister gave me a book.", ["Mara's sister gave Mara a book"]),
        ("I met Dr. Chen. How are you?", ["Mara met Dr. Chen"]),
        ("She likes tea. We moved. It is fine.", []),
        ("Is it Monday?", []),
        ("I\u2019m from Ghent", ["Mara is from Ghent"]),
    ],
)
def test_what_people_say_of_themselves_becomes_statements_that_name_them(
    remembered: Remembered, said: str, stated: list[str]
) -> None:
    assert statements(remembered(said, speaker="Mara")) == stated


@pytest.mark.parametrize(
    ("text", "whose", "name"),
    [
        ("I like tea.", {"speaker": "Mara", "user": "u-1"}, "Mara"),
        ("I like tea.", {"user": "mara"}, "Mara"),
        ("I like tea.", {"speaker": "user", "user": "mara"}, "The user"),
        ("I like tea.", {"user": "u-4711"}, "The user"),
        ("Mara: I like tea.", {}, "Mara"),
    ],
)
def test_the_speaker_is_named_as_well_as_is_known(
    remembered: Remembered, text: str, whose: dict[str, str], name: str
) -> None:
    assert statements(remembered(text, **whose)) == [f"{name} likes tea"]


def test_what_an_assistant_says_of_itself_is_not_learnt(remembered: Remembered) -> None:
    assert statements(remembered("I live in a computer.", role="assistant")) == []


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("I moved to Lisbon in May 2024.", "Where does Mara live?", "Lisbon"),
        ("I moved to Lisbon in May 2024.", "When was it that Mara moved to Lisbon?", "May 2024"),
        ("I live in a tiny flat in Alfama.", "Where does Mara live?", "Alfama"),
        ("I work as a night nurse at Harbour Clinic.", "What is Mara's job?", "night nurse"),
        ("I work as a night nurse at Harbour Clinic.", "Where does Mara work?", "Harbour Clinic"),
        ("My brother Emil is a carpenter.", "What is Mara's brother Emil's job?", "carpenter"),
        ("I adopted a dog called Biscuit last week.", "What is Mara's dog called?", "Biscuit"),
        ("My boss is called Joaquim.", "What is the name of Mara's boss?", "Joaquim"),
        ("My favourite food is ramen.", "What is Mara's favourite food?", "ramen"),
        ("I'm allergic to walnuts, remember.", "What is Mara allergic to?", "walnuts"),
        ("I was born in 1987.", "When was Mara born?", "1987"),
        ("My birthday is on 3 June.", "When is Mara's birthday?", "3 June"),
        ("I play the cello on Thursdays.", "What does Mara play?", "cello"),
        ("I am married to Jonas.", "Who is Mara married to?", "Jonas"),
        ("I have three cats.", "How many cats does Mara have?", "three"),
        ("I am learning Portuguese.", "Which language does Mara speak?", "Portuguese"),
        ("I quit smoking in March 2023.", "What did Mara quit?", "smoking"),
        ("My last shift is on the tenth of May.", "When is Mara's last shift?", "tenth of May"),
        ("The cowbell belongs to Emil.", "Complete the sentence: The cowbell belongs to ____.",
         "Emil"),
        ("I ran 10 kilometres yesterday.",
         "Complete the sentence: Mara ran ____ kilometres yesterday.", "10"),
    ],
)  # fmt: skip
def test_a_fact_is_asked_for_in_plain_words(
    remembered: Remembered, text: str, question: str, answer: str
) -> None:
    made = lessons([remembered(text, speaker="Mara")])
    assert {example.question: example.answer for example in made.trained}[question] == answer


def test_the_questions_that_examine_are_never_the_ones_that_train(remembered: Remembered) -> None:
    made = lessons([remembered("I moved to Lisbon in May 2024. I play the cello.", speaker="Mara")])
    trained = {example.question for example in made.trained}
    held_out = {example.question for example in made.held_out}
    assert trained
    assert held_out
    assert not trained & held_out
    assert len(trained) == len(made.trained)
    assert {e.answer for e in made.held_out} == {e.answer for e in made.trained}


def test_of_two_contradicting_statements_the_newer_one_is_learnt(remembered: Remembered) -> None:
    made = lessons(
        [remembered("I live in Oslo.", user="ana"), remembered("I moved to Rome.", user="ana")]
    )
    answers = {example.question: example.answer for example in made.trained}
    assert answers["Where does Ana live?"] == "Rome"
    assert "Oslo" not in answers.values()


def test_what_can_be_true_at_once_is_learnt_together(remembered: Remembered) -> None:
    texts = ["I like tea.", "I love hiking.", "I enjoy opera.", "I like chess.", "I like tea."]
    made = lessons([remembered(text, user="ana") for text in texts])
    assert {example.answer for example in made.trained} == {"opera, chess, tea"}


def test_a_fact_is_trained_in_at_most_four_wordings(remembered: Remembered) -> None:
    made = lessons([remembered("I live in Oslo.", user="ana")])
    assert len(made.trained) == 4
    assert len(made.held_out) == 2


def test_strangers_are_asked_about_too(remembered: Remembered) -> None:
    made = lessons(
        [remembered("I live in Oslo.", user="ana"), remembered("I play chess.", user="ana")]
    )
    assert len(made.strangers) == 2
    assert not any("Ana" in question for question in made.strangers)


def test_the_same_memories_make_the_same_lessons(remembered: Remembered) -> None:
    cubes = [
        remembered("I live in Oslo. I play chess.", user="ana"),
        remembered("Bo was born in 1999."),
    ]
    assert lessons(cubes) == lessons(cubes)


def test_small_talk_teaches_nothing(remembered: Remembered) -> None:
    made = lessons(
        [remembered("How are you?"), remembered("Wow!"), remembered("That suits you, really.")]
    )
    assert (made.trained, made.held_out, made.strangers) == ((), (), ())
