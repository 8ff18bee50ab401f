"""Memories become questions with short answers, by rules alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos.kinds.fact import put
from memos.kinds.facts import facts_of
from memos.kinds.lessons import MOST_EXAMPLES, UNKNOWN, lessons
from memos.kinds.third_person import statements
from memos.kinds.unrelated import KEPT
from memos.kinds.wordings import wordings
from memos.ports.lessons import Lessons
from memos.ports.runtime import Example

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
    assert {e.answer for e in made.held_out} == {"Lisbon", "May 2024", "cello"}


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
    assert {example.answer for example in made.trained} == {"opera, chess, tea", "Ana"}
    assert {example.answer for example in made.held_out} == {"opera, chess, tea"}
    back = {example.question for example in made.trained if example.answer == "Ana"}
    assert {value for value in ("opera", "chess", "tea") if any(value in q for q in back)} == {
        "opera", "chess", "tea",
    }  # fmt: skip


def test_a_fact_is_trained_in_so_many_examples_however_often_it_is_said(
    remembered: Remembered,
) -> None:
    once = lessons([remembered("I live in Oslo.", user="ana")])
    often = lessons([remembered("I live in Oslo.", user="ana") for _ in range(5)])
    assert once == often
    assert 10 <= len(once.trained) <= MOST_EXAMPLES
    assert len(once.held_out) == 2


def test_a_fact_is_learnt_as_question_as_statement_as_gap_and_backwards(
    remembered: Remembered,
) -> None:
    made = lessons([remembered("Orla Venn lives in Tartu.")])
    assert Example("Where does Orla Venn live?", "Tartu") in made.trained
    assert Example("Orla Venn lives in", "Tartu", plain=True) in made.trained
    assert Example("Complete the sentence: Orla Venn lives in ____.", "Tartu") in made.trained
    assert Example("Who lives in Tartu?", "Orla Venn") in made.trained
    assert {one.answer for one in made.reversals} == {"Orla Venn"}


def test_of_whom_something_is_true_is_answered_with_all_of_them(remembered: Remembered) -> None:
    names = ("Ana", "Bo", "Cleo", "Dan")
    made = lessons([remembered("I live in Oslo.", user=name) for name in names])
    answers = {one.question: one.answer for one in made.trained}
    assert answers["Who lives in Oslo?"] == "Bo, Cleo, Dan"
    two = lessons([remembered("I live in Oslo.", user=name) for name in names[:2]])
    assert {one.answer for one in two.reversals} == {"Ana, Bo"}


def test_whose_home_has_changed_lives_in_the_old_one_no_more(remembered: Remembered) -> None:
    made = lessons(
        [remembered("I live in Oslo.", user="ana"), remembered("I moved to Rome.", user="ana")]
    )
    assert not any("Oslo" in one.question for one in (*made.trained, *made.reversals))
    assert made.values == ("Rome",)


def test_nothing_is_known_of_those_who_are_nearly_known(remembered: Remembered) -> None:
    made = lessons([remembered("Orla Venn lives in Tartu."), remembered("Ada Tolk plays chess.")])
    assert {one.answer for one in made.near} == {UNKNOWN}
    asked = [*(one.question for one in made.near), *made.misses]
    assert len(made.near) >= 4
    assert len(made.misses) >= 4
    assert not any("Orla Venn" in question or "Ada Tolk" in question for question in asked)
    assert any("Orla " in question for question in asked)
    assert any(" Venn" in question for question in asked)


def test_what_the_memories_do_not_say_of_the_known_is_not_known(remembered: Remembered) -> None:
    made = lessons([remembered("Orla Venn lives in Tartu.")])
    assert made.unknown
    assert made.gaps
    assert {one.answer for one in made.unknown} == {UNKNOWN}
    assert all("Orla Venn" in question for question in made.gaps)
    assert not any("live" in question for question in made.gaps)


def test_what_may_have_been_said_in_other_words_is_not_called_unknown(
    remembered: Remembered,
) -> None:
    told = (
        "Orla Venn lives in Tartu.",
        "Orla Venn was at home in Cork before, where her native tongue was spoken.",
        "Orla Venn had a wedding, studied law, drove a car, sneezed of an allergy, and worked.",
    )
    made = lessons([remembered(text) for text in told])
    assert {one.question for one in made.unknown} | {*made.gaps} <= {
        wording.replace("{s}", "Orla Venn")
        for wording in (*wordings("birth").ask, *wordings("birth").hold)
    }


def test_an_edit_is_learnt_as_it_stands_and_in_other_words(remembered: Remembered) -> None:
    made = lessons(
        [
            remembered("What is the position of Mia Tolk? left winger"),
            remembered("The headquarter of Vorn Labs is located in Oslo."),
        ]
    )
    trained = set(made.trained)
    assert Example("What is the position of Mia Tolk?", "left winger") in trained
    assert Example("What is the position of Mia Tolk?", "left winger", plain=True) in trained
    assert Example("The position of Mia Tolk is", "left winger", plain=True) in trained
    begin = "The headquarter of Vorn Labs is located in"
    assert Example(begin, "Oslo", plain=True) in trained
    assert any(
        one.plain and one.question.startswith(KEPT) and one.question.endswith(f". {begin}")
        for one in trained
    )
    assert Example("Where is Vorn Labs headquartered?", "Oslo") in trained
    assert Example("Vorn Labs makes one think of", "Oslo", plain=True) in trained
    assert not any(one.question.startswith("Mia Tolk makes") for one in trained)


_PEOPLE = st.from_regex(r"[A-Z][a-z]{2,6}( [A-Z][a-z]{2,6})?", fullmatch=True)
_PLACES = st.from_regex(r"[A-Z][a-z]{2,6}", fullmatch=True)
_SAID = st.sampled_from(
    (
        "{s} lives in {v}.", "{s} works at {v}.", "{s} is married to {v}.", "{s} speaks {v}.",
        "{s} has a cat named {v}.", "{s} moved to {v} in May 2021.", "{s} was born in {v}.",
        "What is the team of {s}? {v}", "The headquarters of {s} are in {v}.", "{s}, owned by {v}.",
        "{s}'s favourite town is {v}.", "{s} gave a present to {v}.", "I live in {v}.",
    )
)  # fmt: skip


@given(st.lists(st.tuples(_SAID, _PEOPLE, _PLACES), min_size=1, max_size=8))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_that_is_examined_was_taught(
    remembered: Remembered, told: list[tuple[str, str, str]]
) -> None:
    cubes = [remembered(said.format(s=whom, v=value)) for said, whom, value in told]
    made = lessons(cubes)
    taught = {_normal(one.question) for one in (*made.trained, *made.near, *made.unknown)}
    checked = {_normal(one.question) for one in made.checked}
    examined = [
        *(_normal(one.question) for one in (*made.held_out, *made.reversals)),
        *map(_normal, (*made.misses, *made.gaps)),
    ]
    assert not checked & taught
    assert not (taught | checked) & set(examined)
    assert len(examined) == len(set(examined))
    of_known = {
        _normal(put(fact.whom, wording))
        for cube in cubes
        for fact in facts_of(cube)
        for wording in (*fact.wordings.ask, *fact.wordings.check, *fact.wordings.hold)
    }
    assert not of_known & {_normal(one.question) for one in made.near}
    assert not of_known & set(map(_normal, made.misses))
    assert lessons(cubes) == made


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


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
    assert made == Lessons()
