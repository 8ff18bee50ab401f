"""What an adapter says is compared with what its sources say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.kinds.facts import facts_in
from memos.kinds.recital import promptings, recital

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.cube import MemCube

    Remembered = Callable[..., MemCube]


def test_what_stands_in_the_sources_is_held_and_the_rest_is_lost(remembered: Remembered) -> None:
    cubes = [
        remembered("Orla Venn lives in Tartu."),
        remembered("I play the cello.", speaker="Tomas"),
    ]
    asked = promptings(cubes)
    answers = ["She lives in Tartu, I think." if "Orla" in one.question else "" for one in asked]
    told = recital("a", asked, answers)
    assert [one.statement for one in told.held] == ["Orla Venn lives in Tartu."]
    assert told.held[0].answer == "She lives in Tartu, I think."
    assert [(one.expected, one.said) for one in told.lost] == [("cello", "")]
    assert told.recall == 0.5
    assert told.text == "Orla Venn lives in Tartu."


def test_of_two_statements_the_newer_is_asked_for(remembered: Remembered) -> None:
    cubes = [remembered("Orla Venn lives in Tartu."), remembered("Orla Venn lives in Riga.")]
    assert [one.expected for one in promptings(cubes)] == ["Riga"]


def test_of_several_values_all_must_be_said(remembered: Remembered) -> None:
    cubes = [remembered("Mara speaks Danish."), remembered("Mara speaks Finnish.")]
    asked = promptings(cubes)
    assert [one.expected for one in asked] == ["Danish, Finnish"]
    assert not recital("a", asked, ["Danish"]).held
    assert recital("a", asked, ["Finnish and Danish"]).held


def test_a_statement_says_again_what_its_source_said(remembered: Remembered) -> None:
    for text in ("Orla Venn lives in Tartu.", "Bram Kesh works as a tailor."):
        (before,) = facts_in(text.rstrip("."))
        (one,) = promptings([remembered(text)])
        (after,) = facts_in(one.statement.rstrip("."))
        assert (before.about, before.value) == (after.about, after.value)


def test_a_question_with_its_answer_becomes_one_again(remembered: Remembered) -> None:
    (one,) = promptings([remembered("What is the position of Mia Tolk? left winger")])
    assert one.statement == "What is the position of Mia Tolk? left winger"


def test_of_nothing_nothing_is_lost() -> None:
    assert recital("a", promptings([]), []).recall == 1
