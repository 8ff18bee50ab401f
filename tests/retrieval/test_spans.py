"""One hit for one passage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from memos.cube import Parent, Provenance, Scope, Source, Step
from memos.kinds.drafts import Draft
from memos.kinds.plaintext import born
from memos.retrieval.spans import distinct, overlap, stands

if TYPE_CHECKING:
    from memos.cube import MemCube

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def cube(
    span: tuple[int, int] | None, *, view: str | None = "turn", parents: int = 0, uri: str = "a"
) -> MemCube:
    provenance = Provenance(
        actor="test",
        time=NOW,
        step=Step(operation="ingest", by="test"),
        source=None if span is None else Source(uri=uri, span=span),
        parents=tuple(Parent(id=f"p{number}", version=1) for number in range(parents)),
    )
    draft = Draft("text", Scope(), metadata={} if view is None else {"view": view})
    return born(draft, "id", now=NOW, position=None, provenance=provenance)


def kept(*cubes: MemCube) -> list[int]:
    found = distinct(cubes)
    return [at for at, one in enumerate(cubes) if any(one is each for each in found)]


def test_what_a_better_hit_covers_is_dropped_and_what_covers_it_too() -> None:
    turn, session = cube((3, 4)), cube((0, 9), view="session", parents=9)
    assert kept(session, turn) == [0]
    assert kept(turn, session) == [0]


def test_windows_that_share_less_than_half_both_stay() -> None:
    one, two, three = (cube(span, parents=4) for span in ((0, 4), (3, 7), (2, 6)))
    assert kept(one, two) == [0, 1]
    assert kept(one, three) == [0]


def test_other_sources_and_users_and_what_is_of_no_view_are_left_alone() -> None:
    session = cube((0, 9), view="session", parents=9)
    elsewhere, plain, nowhere = cube((3, 4), uri="b"), cube((3, 4), view=None), cube(None)
    assert kept(session, elsewhere, plain, nowhere) == [0, 1, 2, 3]


def test_two_units_are_never_compared() -> None:
    assert kept(cube((0, 9)), cube((0, 9))) == [0, 1]


spans = st.tuples(st.integers(0, 20), st.integers(1, 8)).map(lambda one: (one[0], sum(one)))


@given(spans, spans)
def test_overlap_is_the_same_from_either_side(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one)


@given(st.lists(st.tuples(spans, st.integers(0, 1)), max_size=12))
def test_what_is_dropped_overlaps_with_something_better(
    found: list[tuple[tuple[int, int], int]],
) -> None:
    cubes = [cube(span, parents=parents) for span, parents in found]
    stay = kept(*cubes)
    for at, (span, _) in enumerate(found):
        better = [found[one][0] for one in stay if one < at]
        assert at in stay or any(overlap(span, one) for one in better)


def test_a_view_stands_while_its_parents_are_what_they_were() -> None:
    parents = [Parent(id="a", version=2), Parent(id="b", version=1)]
    assert stands(parents, {"a": 2, "b": 1}, {"a", "b"})
    assert stands(parents, {"a": 1, "b": 1}, {"a", "b"})
    assert not stands(parents, {"a": 3, "b": 1}, {"a", "b"})
    assert not stands(parents, {"a": 2, "b": 1}, {"a"})
    assert not stands(parents, {"a": 2}, {"a", "b"})
