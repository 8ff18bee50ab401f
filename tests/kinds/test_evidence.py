"""A claim is taken only if the words that it rests on say it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memos.cube import MemCube, Provenance, Scope, Step
from memos.kinds.drafts import Draft
from memos.kinds.evidence import stands_in, unsupported
from memos.kinds.plaintext import born
from memos.kinds.said_dates import dates_in, meant_dates
from memos.kinds.verdicts import judged
from memos.ports.steps import Assertion, Quote

SAID_AT = datetime(2023, 6, 8, 13, 56, tzinfo=UTC)  # a Thursday


def said(text: str, speaker: str | None = "Alice", at: datetime | None = SAID_AT) -> MemCube:
    draft = Draft(text=text, speaker=speaker, said_at=at, scope=Scope(user_id="alice"))
    step = Provenance(actor="test", time=SAID_AT, step=Step(operation="add", by="test"))
    return born(draft, f"id of {text}", now=SAID_AT, position=None, provenance=step)


def missing(claim: str, words: str, **how: str | None) -> list[str]:
    return unsupported(claim, [words], [said(words, **how)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("Alice moved to Lisbon.", "I moved to Lisbon!"),
        ("Alice has two cats, Tom and Kit.", "My two cats are Tom and Kit"),
        ("Alice's dog is called Rex.", "Rex? He is my dog, that is what he's called."),
        ("Alice studies biology and carries on running.", "I carry on: I run and I study biology."),
        ("Alice doesn't like coffee.", "I don\u2019t like coffee."),
        ("Alice paid 1,250.50 for the flat.", "The flat cost me 1,250.50, I paid at once."),
        ("Alice moved in May 2023.", "I moved last month."),
        ("Alice ran on 7 June 2023.", "I ran yesterday."),
        ("Alice ran in 2023.", "I ran yesterday."),
        ("Alice was there on Friday, 2 June 2023.", "I was there last Friday."),
        ("Alice began in 2021.", "I began two years ago."),
        ("Alice began on 2023-06-08.", "I begin today: I begin!"),
        ("Alice will leave in July 2023.", "I will leave next month."),
        ("Élodie likes tea.", "Élodie likes tea"),
    ],
)
def test_what_is_said_in_other_words_of_the_same_kind_is_supported(claim: str, words: str) -> None:
    assert missing(claim, words) == []


@pytest.mark.parametrize(
    ("claim", "words", "lacking"),
    [
        ("Alice moved to Porto.", "I moved to Lisbon!", "porto"),
        ("Bob moved to Lisbon.", "I moved to Lisbon!", "bob"),
        ("Alice has three cats.", "I have two cats", "three"),
        ("Alice has 13 cats.", "I have 3 cats", "13"),
        ("Alice likes coffee.", "I don't like coffee.", "not"),
        ("Alice never drinks coffee.", "I drink coffee.", "not"),
        ("Alice moved in April 2023.", "I moved last month.", "April 2023"),
        ("Alice ran on 6 June 2023.", "I ran yesterday.", "6 June 2023"),
        ("Alice ran on 31 June 2023.", "I ran yesterday.", "31 June 2023"),
        ("Alice moved in May 2022.", "I moved in May.", "May 2022"),
        ("Alice was born in 1990.", "I was born in Leeds.", "1990"),
        ("Alice began in 2020.", "I began two years ago.", "2020"),
        ("Alice begins on 9999-99-99.", "I begin today.", "9999-99-99"),
    ],
)
def test_what_is_not_said_is_named(claim: str, words: str, lacking: str) -> None:
    assert lacking in missing(claim, words)


def test_without_a_time_yesterday_is_no_date() -> None:
    assert missing("Alice ran on 7 June 2023.", "I ran yesterday.", at=None) == ["7 June 2023"]


def test_a_quote_stands_in_a_text_as_it_is_written_but_for_space_and_quotes() -> None:
    assert stands_in("I don't  like\nit", "Well, I don\u2019t like it.")
    assert not stands_in("I like it", "Well, I don\u2019t like it.")
    assert not stands_in(" ", "anything")


def test_dates_are_found_as_they_are_spelled() -> None:
    text = "On 7 May 2023, May 8th, in June, in 1999, 2024-01-02, maybe at 2359 or 12345."
    assert dates_in(text) == ["7 May 2023", "May 8th", "June", "1999", "2024-01-02"]


@pytest.mark.parametrize(
    ("written", "words", "meant"),
    [
        ("7 June", "yesterday", True),
        ("June 2023", "this week", True),
        ("5 June 2023", "3 days ago", True),
        ("9 June 2023", "on Friday", True),
        ("9 June 2023", "last Friday", False),
        ("16 June 2023", "next Friday", True),
        ("1 June 2023", "a week ago", True),
        ("2 June 2023", "a week ago", False),
        ("June 2023", "last weekend", True),
        ("3 June 2023", "last weekend", False),
        ("2022", "last year", True),
        ("2023", "last year", False),
        ("2023", "9999 years ago", False),
        ("7 June", "some years ago", False),
    ],
)
def test_a_date_is_meant_or_not(written: str, words: str, meant: bool) -> None:
    assert meant_dates(written, words, SAID_AT) is meant


def test_years_before_the_first_are_no_dates() -> None:
    early = datetime(3, 1, 1, tzinfo=UTC)
    for words in ("5 years ago", "last year", "900 days ago", "90 weeks ago", "yesterday"):
        assert not meant_dates("2023", words, early)
    assert not meant_dates("2023", "yesterday", datetime(1, 1, 1, tzinfo=UTC))
    assert not meant_dates("2023", "next year", datetime(9999, 12, 31, tzinfo=UTC))


def test_claims_are_judged_one_by_one_and_reasons_are_given() -> None:
    cubes = [said("I moved to Lisbon."), said("My dog is called Rex.")]
    claims = [
        Assertion("Alice moved to Lisbon.", (Quote(0, "I moved to Lisbon"),)),
        Assertion("Alice moved to Lisbon and her dog is Rex.",
              (Quote(0, "I moved to Lisbon"), Quote(1, "My dog is called Rex"))),
        Assertion("Alice moved to Paris.", (Quote(0, "I moved to Paris"),)),
        Assertion("Alice moved to Lisbon.", (Quote(7, "I moved to Lisbon"),)),
        Assertion("Alice moved to Lisbon.", ()),
        Assertion("Alice moved to Lisbon.", (Quote(0, "I moved"),)),
        Assertion("", (Quote(0, "I moved"),)),
        Assertion("x" * 401, (Quote(0, "I moved"),)),
        Assertion("\ud800", (Quote(0, "I moved"),)),
    ]  # fmt: skip
    proven, refused = judged(claims, cubes)
    assert [(one.text, one.sources) for one in proven] == [
        (claims[0].text, (cubes[0],)),
        (claims[1].text, tuple(cubes)),
    ]
    reasons = ["does not say 'I moved to Paris'", "memory 8, which was not read", "0 quotes",
               "does not say: lisbon", "empty", "401 characters", "surrogate"]  # fmt: skip
    assert len(refused) == len(reasons)
    for one, reason in zip(refused, reasons, strict=True):
        assert reason in one.why


def test_of_a_flood_of_claims_the_first_are_looked_at() -> None:
    claims = [Assertion("Alice ran.", (Quote(0, "I ran"),))] * 500
    proven, refused = judged(claims, [said("I ran.")])
    assert len(proven) == 200
    assert refused[-1].text == "300 further claims"
