"""What fits, and what goes on standing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memos.retrieval.packing import Priced, packed, standing

PRICED = st.lists(
    st.builds(
        Priced,
        id=st.uuids().map(str),
        tokens=st.integers(1, 50),
        group=st.sampled_from("abc"),
        head_tokens=st.just(7),
    ),
    max_size=20,
    unique_by=lambda each: each.id,
)


def test_the_best_come_first_and_what_does_not_fit_makes_way_for_what_does() -> None:
    sizes = {"best": 5, "long": 90, "short": 3}
    priced = [Priced(name, size, name, 1) for name, size in sizes.items()]
    assert packed(priced, 12) == ["best", "short"]


def test_a_date_line_is_paid_once() -> None:
    priced = [Priced(name, 5, "day", 3) for name in ("one", "two")]
    assert packed(priced, 13) == ["one", "two"]
    assert packed(priced, 12) == ["one"]


@given(PRICED, st.integers(0, 300))
def test_what_is_chosen_fits_and_nothing_that_was_passed_over_would(
    priced: list[Priced], room: int
) -> None:
    chosen = packed(priced, room)
    there = [each for each in priced if each.id in chosen]
    heads = {each.group for each in there}
    left = room - sum(each.tokens for each in there) - 7 * len(heads)
    assert left >= 0
    for each in priced:
        if each.id not in chosen:
            assert each.tokens + (0 if each.group in heads else each.head_tokens) > left


COSTS = [("a", 10.0), ("b", 10.0), ("c", 10.0), ("d", 10.0)]


def stands(wanted: str, *, spare: float = 10, budget: int = 100, owed: str = "") -> int:
    cost = dict.fromkeys(owed, 10.0)
    return standing(COSTS, wanted=set(wanted), owed=cost, budget=budget, spare=spare)


def test_what_is_all_wanted_stands() -> None:
    assert stands("abcd") == 4


def test_it_ends_in_what_is_wanted_and_nothing_is_kept_for_its_own_sake() -> None:
    assert stands("ab") == 2
    assert stands("") == 0
    assert stands("z") == 0


def test_what_is_not_wanted_is_kept_for_what_stands_behind_it_within_the_share() -> None:
    assert stands("bd", spare=10) == 2
    assert stands("bd", spare=20) == 4
    assert stands("bcd", spare=9) == 0


def test_there_is_room_for_the_best_wherever_they_stand() -> None:
    assert stands("abcd", budget=40) == 4
    assert stands("abcd", budget=40, owed="d") == 4
    assert stands("abcd", budget=40, owed="xy") == 2
    assert stands("abcd", budget=40, owed="wxyz") == 0
