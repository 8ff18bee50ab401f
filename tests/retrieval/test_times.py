"""A memory is near to what is asked when it tells of that time, or was said then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.kinds.days import Grain
from memos.kinds.whens import When, spans_in
from memos.retrieval.times import closeness, nearest, told_by

ASKING = datetime(2023, 9, 1, tzinfo=UTC)
MAY = spans_in("in May 2022", anchor=ASKING)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


@st.composite
def whens(draw: st.DrawFn) -> When:
    start = draw(TIMES)
    length = draw(st.timedeltas(timedelta(seconds=1), timedelta(days=90_000)))
    return When(start, start + length, draw(st.sampled_from(Grain)), "", (0, 0))


def told(text: str, said: datetime) -> float:
    return closeness(MAY, spans_in(text, anchor=said), None)


def test_a_question_without_a_time_is_near_to_nothing() -> None:
    assert closeness([], MAY, ASKING) == 0.0


def test_a_memory_without_a_time_is_near_to_nothing() -> None:
    assert closeness(MAY, [], None) == 0.0


@given(st.lists(whens(), max_size=3), st.lists(whens(), max_size=3), st.none() | TIMES)
def test_the_nearest_times_are_those_that_make_the_closeness(
    asked: list[When], memory: list[When], said: datetime | None
) -> None:
    pair = nearest(asked, memory, said)
    if pair is None:
        assert not asked or not (memory or said)
        return
    one, other = pair
    alone = closeness([one], [], said) if other is None else closeness([one], [other], None)
    assert alone == closeness(asked, memory, said)


def test_what_was_said_within_the_time_asked_for_is_as_near_as_can_be() -> None:
    assert closeness(MAY, [], datetime(2022, 5, 31, 23, tzinfo=UTC)) == 1.0


def test_nearness_halves_with_each_month_where_a_month_is_asked_for() -> None:
    end = datetime(2022, 6, 1, tzinfo=UTC)
    month = timedelta(days=30.44)
    assert closeness(MAY, [], end + month) == pytest.approx(0.5)
    assert closeness(MAY, [], end + 2 * month) == pytest.approx(0.25)
    assert closeness(MAY, [], datetime(2022, 5, 1, tzinfo=UTC) - month) == pytest.approx(0.5)


def test_what_a_memory_tells_of_counts_wherever_it_was_said() -> None:
    said = datetime(2023, 5, 20, tzinfo=UTC)
    assert told("We moved last May", said) == 1.0
    assert told("We moved on 7 May 2022", said) == 1.0
    assert told("We moved last week", said) < 0.001


def test_a_longer_time_than_was_asked_for_is_less_near() -> None:
    said = datetime(2022, 9, 1, tzinfo=UTC)
    month, season, year = (told(text, said) for text in ("in May", "last spring", "this year"))
    assert month > season > year > told("in the 2020s", said) > 0.0


def test_a_memory_said_after_what_it_tells_of_is_asked_for_by_either_time() -> None:
    said = datetime(2022, 5, 12, tzinfo=UTC)
    memory = spans_in("Last year I moved", anchor=said)
    assert closeness(MAY, memory, said) == 1.0
    assert closeness(spans_in("in 2021", anchor=ASKING), memory, said) == 1.0


@given(asked=whens(), memory=whens(), said=st.none() | TIMES)
def test_closeness_is_between_nought_and_one(
    asked: When, memory: When, said: datetime | None
) -> None:
    assert 0.0 <= closeness([asked], [memory], said) <= 1.0


@given(asked=whens(), start=TIMES)
def test_a_moment_is_as_near_as_its_instant(asked: When, start: datetime) -> None:
    moment = When(start, start + timedelta(seconds=1), Grain.DAY, "", (0, 0))
    near = closeness([asked], [moment], None)
    assert near == pytest.approx(closeness([asked], [], start), abs=1e-4)


def test_people_tell_of_a_month_until_a_month_later() -> None:
    start, end = told_by(MAY[0])
    assert start == MAY[0].start
    assert end - MAY[0].end == timedelta(days=30.44)


def test_the_end_of_the_calendar_is_late_enough() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    when = When(last - timedelta(days=1), last, Grain.YEAR, "", (0, 0))
    assert told_by(when)[1] == last
