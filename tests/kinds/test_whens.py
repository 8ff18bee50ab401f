"""Expressions of time are intervals of the calendar; words that only look like them are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.kinds import dateparsing
from memos.kinds import time_english as english
from memos.kinds.days import Grain
from memos.kinds.whens import When, spans_in

LABELLED = json.loads((Path(__file__).parents[2] / "benchmarks" / "times.json").read_text())
SAID = datetime(2023, 5, 10, 13, 56, tzinfo=UTC)
"""A Wednesday."""


def days(text: str, anchor: datetime = SAID) -> list[tuple[str, str, Grain]]:
    """First day, day after the last, grain."""
    return [
        (one.start.date().isoformat(), one.end.date().isoformat(), one.grain)
        for one in spans_in(text, anchor=anchor)
    ]


@pytest.mark.parametrize(("text", "first", "end"), LABELLED["expressions"])
def test_an_expression_means_the_days_that_people_mean(text: str, first: str, end: str) -> None:
    assert [each[:2] for each in days(text)] == [(first, end)]


@pytest.mark.parametrize("text", LABELLED["none"])
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    ("text", "first", "end", "grain"),
    [
        ("yesterday morning", "2023-05-09", "2023-05-10", "day"),
        ("Friday, 7 April 2023", "2023-04-07", "2023-04-08", "day"),
        ("a few weeks ago", "2023-04-10", "2023-05-01", "week"),
        ("a couple of weeks ago", "2023-04-24", "2023-05-01", "week"),
        ("two and a half years ago", "2021-01-01", "2022-01-01", "year"),
        ("two decades ago", "2000-01-01", "2010-01-01", "decade"),
        ("over the last three months", "2023-02-01", "2023-05-11", "month"),
        ("for the last 2 years", "2021-05-01", "2023-05-11", "year"),
        ("last winter", "2022-12-01", "2023-03-01", "season"),
        ("over the weekend", "2023-05-06", "2023-05-08", "weekend"),
        ("We will go over the weekend", "2023-05-13", "2023-05-15", "weekend"),
        ("this coming weekend", "2023-05-13", "2023-05-15", "weekend"),
        ("the weekend before 20 July 2023", "2023-07-15", "2023-07-17", "weekend"),
        ("two months after Christmas 2021", "2022-02-01", "2022-03-01", "month"),
        ("the day after New Year's Eve 2021", "2022-01-01", "2022-01-02", "day"),
        ("from November 2021 to February 2022", "2021-11-01", "2022-03-01", "month"),
        ("between November and February 2022", "2021-11-01", "2022-03-01", "month"),
        ("since 2021", "2021-01-01", "2023-05-11", "year"),
        ("after May 2022", "2022-06-01", "2023-05-11", "month"),
        ("before May 2022", "0001-01-01", "2022-05-01", "month"),
        ("until last week", "0001-01-01", "2023-05-08", "week"),
        ("in may", "2023-05-01", "2023-06-01", "month"),
        ("in June", "2022-06-01", "2022-07-01", "month"),
        ("We'll fly in June", "2023-06-01", "2023-07-01", "month"),
        ("on New Year Eve", "2022-12-31", "2023-01-01", "day"),
        ("on Valentines Day 2022", "2022-02-14", "2022-02-15", "day"),
        ("before New Year\u2019s Day 2023", "0001-01-01", "2023-01-01", "day"),
        ("on 5 may", "2023-05-05", "2023-05-06", "day"),
        ("on may 7th", "2023-05-07", "2023-05-08", "day"),
        ("We met. It was in mid-July. Rain!", "2022-07-01", "2022-08-01", "month"),
        ("on Sept. 7, 2021", "2021-09-07", "2021-09-08", "day"),
        ("in the first week of May 2022", "2022-05-01", "2022-06-01", "month"),
        ("on 29 February", "2020-02-29", "2020-03-01", "day"),
    ],
)
def test_an_expression_is_as_exact_as_it_is_said(
    text: str, first: str, end: str, grain: str
) -> None:
    assert days(text) == [(first, end, grain)]


@pytest.mark.parametrize(
    "text",
    [
        "every Friday",
        "on Black Friday",
        "on Fridays",
        "on 31 June 2022",
        "in 2000 steps",
        "I finished it in two weeks",
        "the last week of school",
        "3000 years ago",
        "you may 2 or 3",
    ],
)
def test_what_comes_again_or_never_or_is_a_length_is_no_time(text: str) -> None:
    assert days(text) == []


def test_several_times_come_in_the_order_in_which_they_are_told() -> None:
    text = "Last week we met, and on 7 May 2021, too."
    found = spans_in(text, anchor=SAID)
    assert [one.text for one in found] == ["Last week", "on 7 May 2021"]
    assert [text[slice(*one.at)] for one in found] == [one.text for one in found]


def test_a_day_begins_where_it_is_said() -> None:
    east = timezone(timedelta(hours=9))
    (one,) = spans_in("yesterday", anchor=datetime(2023, 5, 10, 3, tzinfo=east))
    assert one == When(
        datetime(2023, 5, 8, 15, tzinfo=UTC),
        datetime(2023, 5, 9, 15, tzinfo=UTC),
        Grain.DAY,
        "yesterday",
        (0, 9),
    )


def test_a_time_without_a_zone_is_in_utc() -> None:
    naive = datetime(2023, 5, 10)  # noqa: DTZ001
    assert spans_in("yesterday", anchor=naive) == spans_in("yesterday", anchor=SAID)


def test_what_is_known_of_an_expression_serves_every_day_on_which_it_is_said() -> None:
    for week in range(5):
        spans_in("two weeks ago", anchor=SAID + timedelta(weeks=week))
    before = dateparsing.step.cache_info().misses
    found = spans_in("two weeks ago", anchor=SAID + timedelta(weeks=50))
    assert found[0].start.date().isoformat() == "2024-04-08"
    assert dateparsing.step.cache_info().misses == before


def test_a_long_text_is_read_in_part() -> None:
    assert spans_in("word " * 5000 + "yesterday", anchor=SAID) == []
    assert len(spans_in("yesterday, " * 500, anchor=SAID)) == 32


WORDS = st.sampled_from(
    [
        *"last next this in on at since before after until between and from to of the".split(),
        *"a few two 3 7th 31 2022 1999 999 2024-02-30 5/7/2023 may May june Mar week weeks".split(),
        *"weekend month year decade friday Sun summer fall christmas easter ago yesterday".split(),
        *("early", "coming", "new year", "new year eve", "\u2013", " ", "\n", ","),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    text=st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join)),
    anchor=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11))])),
)
def test_any_text_on_any_day_is_read(text: str, anchor: datetime) -> None:
    for one in spans_in(text, anchor=anchor):
        assert one.start < one.end
        assert one.start.tzinfo is one.end.tzinfo is UTC
        assert text[slice(*one.at)] == one.text


@pytest.mark.parametrize("text", [text for text, *_ in LABELLED["expressions"]])
def test_a_form_needs_no_word_that_it_does_without(text: str) -> None:
    words = english.words_of(text)
    for form in english.FORMS:
        if form.pattern.search(text):
            assert not any(words.isdisjoint(need) for need in form.needs), form.reading
