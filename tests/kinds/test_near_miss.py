"""Names that are nearly known are nobody's."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.kinds.near_miss import near_misses, unseen_misses

NAMES = st.from_regex(r"[A-Z][a-z]{1,7}( [A-Z][a-z]{1,7}){0,2}", fullmatch=True)


@pytest.mark.parametrize(
    "whom",
    ["Orla Venn", "Mara", "Vorn Labs", "HD 142415", "1996 Tarn Games", "the user", "WKQX-FM",
     "the user's dog", "Mara's brother Emil", "The Glass Comet", "University of Tarn"],
)  # fmt: skip
def test_a_near_miss_is_of_the_same_shape(whom: str) -> None:
    near = list(islice(near_misses(whom, {whom}, ()), 3))
    unseen = list(islice(unseen_misses(whom, {whom}, ()), 2))
    assert len(near) == 3
    assert len(unseen) == 2
    assert not {*near} & {*unseen}
    for name in (*near, *unseen):
        assert name != whom
        assert name.count(" ") == whom.count(" ")


def test_one_word_stays_or_all_are_new() -> None:
    last, first, every = islice(near_misses("Orla Venn", {"Orla Venn"}, ()), 3)
    assert last.startswith("Orla ")
    assert first.endswith(" Venn")
    assert not {*every.split()} & {"Orla", "Venn"}


def test_a_thing_may_become_one_of_another_sort() -> None:
    near = list(islice(near_misses("Vorn Labs", {"Vorn Labs"}, ()), 2))
    assert near[0].endswith(" Labs")
    assert near[1].startswith("Vorn ")


def test_first_names_and_surnames_of_the_known_are_mixed() -> None:
    known = {"Orla Venn", "Ada Tolk", "Ivo Marr", "Mia Sund"}
    near = {*islice(near_misses("Orla Venn", known, ()), 12)}
    unseen = {*islice(unseen_misses("Orla Venn", known, ()), 12)}
    mixed = {"Orla Tolk", "Orla Marr", "Orla Sund"}
    assert mixed <= near | unseen


def test_what_can_be_nobody_else_has_no_near_miss() -> None:
    assert list(near_misses("the last shift", {"the last shift"}, ())) == []


@given(st.sets(NAMES, min_size=1, max_size=8))
def test_nobody_who_is_known_is_a_near_miss(known: set[str]) -> None:
    folded = {name.casefold() for name in known}
    for whom in known:
        for made in (near_misses, unseen_misses):
            assert not {name.casefold() for name in islice(made(whom, known, ()), 6)} & folded
