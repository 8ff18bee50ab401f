"""One memory, read as facts: whom they are about, and the short answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.kinds.fact import SLOT, VALUE, put, slotted
from memos.kinds.facts import facts_in, facts_of
from memos.kinds.wordings import table, wordings

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.cube import MemCube

    Remembered = Callable[..., MemCube]


@pytest.mark.parametrize(
    ("text", "whom", "value"),
    [
        ("What is the position of Mia Tolk? left winger", "Mia Tolk", "left winger"),
        ("Q: Who is Mia Tolk's mother? A: Ada Tolk", "Mia Tolk", "Ada Tolk"),
        ("In what year did HMS Brannoc (1871) sink? 1902", "HMS Brannoc (1871)", "1902"),
        ("Who wrote Lanterns in the Fog? R. E. Sund", "Lanterns in the Fog", "R. E. Sund"),
        ("Which studio made Who's Afraid?? Hale Pictures", "Who's Afraid?", "Hale Pictures"),
        ("Who published \u201call the small hours\u201d? Hale", "all the small hours", "Hale"),
        ("The college Ivo Marr attended was what? Dale College", "Ivo Marr", "Dale College"),
        ("What does Ivo Marr play? They play jazz", "Ivo Marr", "jazz"),
        ("What is the sister city of Port Ellow? It is Tarn.", "Port Ellow", "Tarn"),
        ("Is Ivo Marr left-handed or right-handed? left-handed", "Ivo Marr", "left-handed"),
    ],
)
def test_a_question_with_its_answer_is_a_fact(
    remembered: Remembered, text: str, whom: str, value: str
) -> None:
    (fact,) = facts_of(remembered(text))
    assert (fact.whom, fact.value) == (whom, value)
    assert len(fact.wordings.ask) >= 4
    assert not fact.sure


def test_several_labelled_questions_are_several_facts(remembered: Remembered) -> None:
    facts = facts_of(
        remembered("Q: Who owns Vorn Labs? A: Ada Tolk\nQ: Where is Port Ellow? A: Tarnland")
    )
    assert [(fact.whom, fact.value) for fact in facts] == [
        ("Vorn Labs", "Ada Tolk"),
        ("Port Ellow", "Tarnland"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "How are you? Fine",
        "Did you see Mara? Yesterday",
        "Where is my hat? Upstairs",
        "Where is it? Here",
        "Hey Mara! We have not met for long, how have things been? Great",
        "Mara, tea? Gladly",
        "Who owns Vorn Labs? That is a long story which nobody has ever told me in full",
    ],
)
def test_what_people_ask_each_other_is_no_fact(remembered: Remembered, text: str) -> None:
    assert facts_of(remembered(text)) == []


@pytest.mark.parametrize(
    ("text", "whom", "value"),
    [
        ("The headquarter of Vorn Labs is located in Oslo.", "Vorn Labs", "Oslo"),
        ("Vorn Labs, whose headquarters are in Oslo.", "Vorn Labs", "Oslo"),
        ("Tarn Fell, developed by Hale.", "Tarn Fell", "Hale"),
        ("Ivo van der Marr, a citizen of Ellowia.", "Ivo van der Marr", "Ellowia"),
        ("Ivo Marr plays in the position of goalkeeper.", "Ivo Marr", "goalkeeper"),
        ("Ivo Marr, the goalkeeper.", "Ivo Marr", "goalkeeper"),
        ("In Port Ellow, the language spoken is Tarnish.", "Port Ellow", "Tarnish"),
        (
            "Ada Tolk's domain of work is classical archaeology.",
            "Ada Tolk",
            "classical archaeology",
        ),
        ("Peter I. Sund was employed in Dale.", "Peter I. Sund", "Dale"),
        ("Ivo Marr, Sr. plays the position goalkeeper.", "Ivo Marr, Sr.", "goalkeeper"),
        ("tPad Mini is a product of Hale.", "tPad Mini", "Hale"),
        ("The Glass Comet premieres on ZTV.", "The Glass Comet", "ZTV"),
        ("Vorn Labs's owner Ada Tolk.", "Vorn Labs", "Ada Tolk"),
    ],
)
def test_a_statement_that_ends_in_a_short_answer_is_a_fact(
    remembered: Remembered, text: str, whom: str, value: str
) -> None:
    (fact,) = facts_of(remembered(text))
    assert (fact.whom, fact.value) == (whom, value)
    assert fact.said[0] in slotted(text, whom)


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        ("I moved to Lisbon in May 2024.", "the user"),
        ("My brother Emil is a carpenter.", "The user's brother Emil"),
        ("Mara lives in Oslo.", "Mara"),
    ],
)
def test_whom_a_fact_is_about_is_spelled_as_in_the_text(
    remembered: Remembered, text: str, whom: str
) -> None:
    assert {fact.whom.lower() for fact in facts_of(remembered(text))} == {whom.lower()}


def test_only_relations_and_dates_are_sure() -> None:
    assert [fact.sure for fact in facts_in("Mara moved to Oslo in May 2024")] == [True, True]
    assert [fact.sure for fact in facts_in("Vorn Labs is headquartered in Oslo")] == [False]
    assert [fact.sure for fact in facts_in("The cowbell belongs to Emil")] == [False]


def test_the_same_said_in_other_words_is_about_the_same(remembered: Remembered) -> None:
    texts = (
        "The headquarter of Vorn Labs is located in Oslo.",
        "Where are the headquarters of Vorn Labs? Dale",
        "Vorn Labs, whose headquarters are in Tarn.",
    )
    assert len({facts_of(remembered(text))[0].about for text in texts}) == 1


@pytest.mark.parametrize("name", sorted(table()))
def test_every_relation_is_asked_for_in_enough_wordings(name: str) -> None:
    words = wordings(name, "cat")
    every = [
        wording.casefold()
        for part in (
            words.ask, words.check, words.hold, words.say,
            words.back, words.back_check, words.back_hold,
        )
        for wording in part
    ]  # fmt: skip
    assert len(every) == len(set(every))
    assert len(words.ask) >= 4
    assert 1 <= len(words.check) <= 2
    assert len(words.hold) == 2
    assert words.say
    if words.back:
        assert len(words.back) >= 3
        assert len(words.back_check) == 1
        assert len(words.back_hold) >= 2
    assert all(SLOT in one for one in (*words.ask, *words.check, *words.hold, *words.say))
    assert all(VALUE in one for one in (*words.back, *words.back_check, *words.back_hold))


def test_a_name_is_put_where_it_was() -> None:
    assert put("the user", "{s}'s home is in") == "The user's home is in"
    assert slotted("Maraland is where Mara lives", "Mara") == "Maraland is where {s} lives"
    assert slotted("Nobody is named", "") == "Nobody is named"
