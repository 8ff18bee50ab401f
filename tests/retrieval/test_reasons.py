"""A reason tells what a part of a score comes from, of nothing but the evidence, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings

from memos.kinds.entities import entity_of
from memos.kinds.whens import spans_in
from memos.retrieval.evidence import Evidence, Named
from memos.retrieval.hit import Hit
from memos.retrieval.rank import PARTS, Ranked, ranked
from memos.retrieval.reasons import as_shown, explained, reasons
from tests.retrieval.known import evidence, evidences, outline, turns
from tests.retrieval.told import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.ports.outlines import Outline

NOW = datetime(2024, 2, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def found(known: Evidence, row: int, part: str, value: float = 1.0) -> Ranked:
    """A candidate of whose score this part alone is told."""
    return Ranked(known.outlines[row].id, value, {part: value}, row)


def reason(known: Evidence, row: int, part: str, *better: int, value: float = 1.0) -> str | None:
    """Why it has the part, where these rows are better hits."""
    above = [found(known, each, part) for each in better]
    given = reasons(known, found(known, row, part, value), above)
    assert set(given) <= {part}
    return given.get(part)


def said(text: str, at: datetime) -> Outline:
    return outline("a", text)._replace(valid_from=(at - EPOCH) // timedelta(microseconds=1))


def named(*inside: Mapping[str, float], titles: Sequence[str | None], asked: str = "") -> Named:
    """Names of nobody's memories."""

    def node(name: str) -> str:
        return entity_of(name, None, None)

    return Named(
        [{node(name): weight for name, weight in each.items()} for each in inside],
        [None if title is None else node(title) for title in titles],
        frozenset(node(name) for name in asked.split(",")),
    )


def test_words_are_those_of_the_question_and_apart_from_them_what_it_has_only_kin_of() -> None:
    known = evidence(
        "adopt a dog, kids?",
        [outline("a"), outline("b"), outline("c"), outline("d")],
        shares=[[1, 1, 0.4], [0, 0, 0.4], [0, 1, 0], [0, 0, 0]],
        rareness=(1, 1, 1),
        terms=["adopt", "dog", "kids"],
    )
    given = [reason(known, row, "words") for row in range(4)]
    assert given == ["adopt, dog; kin of kids", "kin of kids", "dog", None]


def test_a_long_question_gives_no_long_reason() -> None:
    known = evidence("?", [outline("a")], shares=[[1] * 99], rareness=[1.0] * 99)
    given = reason(known, 0, "words")
    assert given is not None
    assert given.count(",") == 11


def test_a_turn_before_is_named_where_it_is_a_question() -> None:
    known = evidence("dog?", turns("How is she?", "Fine.", "Good."), count=3)
    assert reason(known, 0, "conversation") is None
    assert reason(known, 1, "conversation") == "turn 0"
    assert reason(known, 2, "conversation") is None


def test_who_speaks_is_told_where_the_question_names_them() -> None:
    one, other = turns("one", "two")
    known = evidence(
        "What did Ann say?", [one._replace(speaker="Ann Lee"), other._replace(speaker="Bob")]
    )
    assert reason(known, 0, "speaker") == "Ann Lee speaks"
    assert reason(known, 1, "speaker") is None


@pytest.mark.parametrize(
    ("question", "text", "given"),
    [
        ("When was it?", "It was in May.", "asks when: it tells a time"),
        ("How many?", "I have two.", "asks how many: it tells a number"),
        ("Where is it?", "It is in Lisbon.", "asks where: it has a name"),
        (
            "When, and how many?",
            "In 2022.",
            "asks when: it tells a time; asks how many: it tells a number",
        ),
        ("When was it?", "I have two.", None),
        ("Why?", "It was in May, in Lisbon.", None),
    ],
)
def test_an_answer_has_what_is_asked_for(question: str, text: str, given: str | None) -> None:
    assert reason(evidence(question, [outline("a", text)]), 0, "answer") == given


@pytest.mark.parametrize(
    ("text", "at", "given"),
    [
        ("Look at that.", datetime(2023, 5, 8, tzinfo=UTC), "said on 2023-05-08"),
        (
            "We moved last  May.",
            datetime(2023, 9, 1, tzinfo=UTC),
            "tells of last May (2023-05-01 to 2023-05-31)",
        ),
        (
            "We met in 1990, and on 7 May 2023.",
            datetime(2023, 9, 1, tzinfo=UTC),
            "tells of on 7 May 2023 (2023-05-07)",
        ),
    ],
)
def test_a_time_is_that_which_is_asked_about_and_the_memorys_nearest(
    text: str, at: datetime, given: str
) -> None:
    known = evidence("last May?", [said(text, at)])
    known = replace(known, times=spans_in("in 1800, or last May?", anchor=NOW))
    asked = "asked: last May (2023-05-01 to 2023-05-31)"
    assert reason(known, 0, "time") == f"{asked}; {given}"


def test_without_a_time_there_is_none_to_tell() -> None:
    known = evidence("last May?", [outline("a"), said("x", NOW)])
    assert reason(known, 1, "time") is None
    assert reason(replace(known, times=spans_in("last May", anchor=NOW)), 0, "time") is None


def test_a_title_is_told_as_it_is_spelled_where_the_question_names_it() -> None:
    names = named({"zorba": 1}, {"ann dee": 1}, titles=["zorba", "ann dee"], asked="zorba,the")
    known = evidence("Who knows ZORBA?", [outline("a", "A town."), outline("b")], named=names)
    assert reason(known, 0, "title") == "the question names ZORBA"
    assert reason(known, 1, "title") is None


def test_names_that_it_shares_with_the_question_come_rarest_first_without_its_own_title() -> None:
    names = named(
        {"lisbon": 0.5, "ann lee": 2, "oslo": 3, "zorba": 4},
        titles=["zorba"],
        asked="lisbon,ann lee,zorba",
    )
    known = evidence(
        "lisbon, ann lee, zorba?", [outline("a", "Ann Lee left LISBON for Oslo.")], named=names
    )
    assert reason(known, 0, "graph") == "shares Ann Lee, LISBON with the question"


def test_where_it_shares_no_name_with_the_question_the_better_hit_leads_with_which_it_shares_most(
    ) -> None:  # fmt: skip
    names = named(
        {"lisbon": 1}, {"lisbon": 1, "oslo": 1}, {"lisbon": 1, "oslo": 1}, {"oslo": 1}, {},
        titles=[None] * 5,
    )  # fmt: skip
    known = evidence("?", [outline(one) for one in "abcde"], named=names)
    assert reason(known, 2, "graph", 0, 1) == "b"
    assert reason(known, 2, "graph", 0) == "a"
    assert reason(known, 3, "graph", 0) is None
    assert reason(known, 2, "graph") is None
    assert reason(known, 4, "graph", 0, 1) is None


def test_what_takes_from_a_score_and_what_has_only_a_number_has_no_reason() -> None:
    known = evidence("dog?", [outline("a")], shares=[[1]])
    assert reason(known, 0, "words", value=-1.0) is None
    assert reason(known, 0, "vectors") is None


@settings(deadline=None)
@given(evidences())
def test_whatever_is_known_reasons_are_of_parts_that_add_and_name_nothing_unknown(
    known: Evidence,
) -> None:
    known = replace(known, times=spans_in("in May 2022", anchor=NOW))
    ids = {each.id for each in known.outlines}
    best = list(ranked(known))
    for place, one in enumerate(best):
        given = reasons(known, one, best[:place])
        assert set(given) <= {part for part, value in one.parts.items() if value > 0} <= set(PARTS)
        assert all(given.values())
        assert given.get("conversation", next(iter(ids))) in ids
        assert given.get("graph", one.id).startswith("shares ") or given.get("graph", one.id) in ids


def test_hits_are_explained_by_those_before_them_that_are_returned() -> None:
    cubes = {cube.id: cube for cube in (told(f"text {number}", number) for number in range(3))}
    names = named({"lisbon": 1}, {"lisbon": 1}, {"lisbon": 1}, titles=[None] * 3)
    known = evidence("?", [outline(one) for one in cubes], named=names)
    best = [found(known, row, "graph", 3.0 - row) for row in (1, 2)]
    hits = explained(known, best, cubes)
    assert [hit.cube for hit in hits] == [cubes[one.id] for one in best]
    assert [hit.why for hit in hits] == [{}, {"graph": best[0].id}]
    assert [(hit.score, hit.parts) for hit in hits] == [(2, {"graph": 2}), (1, {"graph": 1})]


def test_of_a_memory_that_is_shown_otherwise_nothing_is_told_nor_that_it_led_to_another() -> None:
    one, two, three = (told(f"text {number}", number) for number in range(3))
    hits = [
        Hit(cube=one, score=1, parts={}, why={"words": "text", "conversation": two.id}),
        Hit(cube=two, score=1, parts={}, why={"graph": one.id, "speaker": "Ann speaks"}),
        Hit(cube=three, score=1, parts={}, why={"graph": two.id}),
        Hit(cube=three, score=1, parts={}, why={"graph": "shares Lisbon with the question"}),
        Hit(cube=three, score=1, parts={}, why={"graph": "an id that is among no hits"}),
    ]
    header = one.header.model_copy(update={"title": "[name]"})
    shown = [one.model_copy(update={"header": header}), two, three, three, three]
    assert [hit.why for hit in as_shown(hits, shown)] == [
        {}, {"speaker": "Ann speaks"}, hits[2].why, hits[3].why, {}
    ]  # fmt: skip
    assert [hit.cube for hit in as_shown(hits, shown)] == shown


def test_turns_that_only_stand_beside_candidates_are_looked_at_too() -> None:
    known = evidence("dog?", turns("Yes.", "How is she?"), count=1)
    known = replace(known, before=np.array([1, -1]))
    assert reason(known, 0, "conversation") == "turn 1"
