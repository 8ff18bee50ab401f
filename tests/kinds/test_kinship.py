"""What a new text says of an older one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from memos.kinds.kinship import Kin, Moment, Verdict, kin, verdict

THEN = datetime(2024, 5, 1, tzinfo=UTC)
LATER = THEN + timedelta(days=1)
PASSAGE = (
    "The Holes is a 1974 French comedy film written and directed by {}, starring Louis de Jong, "
    "which was shown at the festival of Cannes and then in many towns of the south."
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I live in Lisbon.", "I moved to Porto last month."),
        ("Where I work: Acme", "I work at Beta now"),
        ("Ada Moreau's mother tongue is French", "Ada Moreau's mother tongue is English"),
        ("My favourite colour is blue", "My favorite color is green now"),
        ("I like coffee", "I don't like coffee anymore"),
        ("I eat meat.", "I no longer eat meat."),
        ("I smoke", "I quit smoking"),
        ("I prefer tea to coffee", "I prefer coffee to tea"),
        ("I use vim for everything", "I switched from vim to emacs"),
        ("I drink coffee in the morning", "I drink tea in the morning now"),
        ("The meeting of Apollo is on May 3", "The meeting of Apollo is on May 10"),
        (PASSAGE.format("Ann Perry"), PASSAGE.format("Hugh Dorn")),
    ],
)
def test_another_value_of_the_same_is_a_change(old: str, new: str) -> None:
    assert kin(new, old) is Kin.CHANGE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I ran 5 km this morning", "I ran 7 km this morning"),
        ("Alice lives in Paris", "Bob lives in Rome"),
        ("I like jazz", "I like rock"),
        ("I bought a red bike", "I bought a blue car"),
        ("Do you live in Rome?", "Do you live in Oslo?"),
        ("I live in Rome", "Do you live in Oslo?"),
        ("I live in Berlin", "I live in Berlin, Germany"),
        ("I want to move to Spain", "I want to move to Italy"),
        ("He lives in Rome", "He lives in Oslo"),
        ("I live in Rome. My sister visits me every week.", "I live in Oslo"),
        ("Emma gave Jack a book about birds", "Emma gave Jack a book about trees"),
        ("I didn't go to the party", "I went to the party"),
        ("The capital of France is Paris", "The capital of Spain is Madrid"),
        ("Turn 1 of a talk about gardens and birds", "Turn 2 of a talk about gardens and birds"),
        ("I like coffee", "No, I like coffee"),
        ("I drive to work", "I do not drive to work on Fridays"),
        ("My boss is Sarah", "My boss is sick today"),
        ("My boss is Sarah", "My boss is Irish"),
        ("My job is stressful", "My job is boring"),
        ("My phone is 555-0101", "My phone is broken"),
        ("I live in Berlin", "I live in Germany"),
        ("I live in Berlin", "I moved to Linux"),
        ("I live in Berlin", "I moved to a bigger flat"),
        ("Our budget is 300 for food", "Our budget is 900 for rent"),
        ("The film was released on May 3", "The film was released on June 7"),
        ("The Diocese of Bunia is a diocese in Congo", "The Diocese of Buta is a diocese in Congo"),
        ("", "I live in Rome"),
        ("?!", "..."),
    ],
)  # fmt: skip
def test_what_may_both_be_true_is_none(old: str, new: str) -> None:
    assert kin(new, old) is not Kin.CHANGE


def test_the_same_words_are_the_same_and_small_words_make_it_near() -> None:
    assert kin("bob likes tea!", "Bob likes tea") is Kin.SAME
    assert kin("I like jazz", "I really like jazz.") is Kin.NEAR
    assert kin("I like jazz", "I like trees") is None
    assert kin("He met us", "I met her") is None


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (Moment(LATER, THEN), Moment(THEN, THEN), Verdict.SUPERSEDES),
        (Moment(THEN, LATER), Moment(LATER, THEN), Verdict.SUPERSEDED),
        (Moment(None, LATER), Moment(None, THEN), Verdict.SUPERSEDES),
        (Moment(None, THEN), Moment(None, THEN), Verdict.SUPERSEDES),
        (Moment(THEN, LATER), Moment(THEN, THEN), Verdict.CONTRADICTS),
        (Moment(THEN, LATER, ("s", 2)), Moment(THEN, THEN, ("s", 1)), Verdict.SUPERSEDES),
        (Moment(THEN, LATER, ("s", 2)), Moment(THEN, THEN, ("t", 1)), Verdict.CONTRADICTS),
        (Moment(THEN, LATER + timedelta(1)), Moment(None, LATER), Verdict.SUPERSEDED),
    ],
)
def test_the_later_of_two_values_holds(new: Moment, old: Moment, expected: Verdict) -> None:
    assert verdict(Kin.CHANGE, new, old) is expected
    assert verdict(Kin.NEAR, new, old) is Verdict.DUPLICATES
