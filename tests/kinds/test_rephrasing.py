"""Questions and statements are put in other words by rules."""

from __future__ import annotations

import pytest

from memos.kinds.rephrasing import of_beginning, of_question


@pytest.mark.parametrize(
    ("question", "others"),
    [
        (
            "What is the position of {s}?",
            {"What is {s}'s position?", "What's the position of {s}?",
             "Tell me the position of {s}.", "Do you know the position of {s}?",
             "what is the position of {s}"},
        ),
        ("Who's {s}'s mother?", {"Who is {s}'s mother?", "What is the mother of {s}?"}),
        ("The mother of {s} is who?", {"What is {s}'s mother?", "Tell me the mother of {s}."}),
        ("In what city did {s} die?", {"What city did {s} die in?", "In which city did {s} die?"}),
        ("What team does {s} play for?",
         {"For what team does {s} play?", "Tell me the team {s} plays for."}),
        ("Which war did {s} fight in?", {"Do you know the war {s} fought in?"}),
        ("Where did {s} die?", {"Do you know where {s} died?"}),
        ("When was {s} born?", {"Tell me when {s} was born."}),
        ("Who wrote {s}?", {"Do you know who wrote {s}?"}),
    ],
)  # fmt: skip
def test_a_question_is_asked_in_other_words(question: str, others: set[str]) -> None:
    made = of_question(question)
    assert made.ask[0] == question
    assert others <= set(made.ask)
    assert len(made.ask) == len(set(made.ask)) >= 4
    assert not set(made.ask) & {*made.check, *made.hold}
    assert not set(made.check) & set(made.hold)


def test_a_question_becomes_a_statement_to_continue() -> None:
    assert "the position of {s} is" in of_question("What is the position of {s}?").say
    assert "{s}'s position is" in of_question("What is the position of {s}?").say
    assert "the team {s} plays for is" in of_question("What team does {s} play for?").say


@pytest.mark.parametrize(
    ("begin", "other"),
    [
        ("{s}, who is employed by", "{s} is employed by"),
        ("{s}, whose headquarters are in", "{s}'s headquarters are in"),
        ("{s}, developed by", "{s} was developed by"),
        ("{s}, a citizen of", "{s} is a citizen of"),
        ("The owner of {s} is", "{s}'s owner is"),
        ("{s}'s owner is", "The owner of {s} is"),
    ],
)
def test_a_statement_begins_in_other_words(begin: str, other: str) -> None:
    assert of_beginning(begin) == (begin, other)


def test_a_plain_beginning_stays_as_it_is() -> None:
    assert of_beginning("{s} is employed by") == ("{s} is employed by",)
