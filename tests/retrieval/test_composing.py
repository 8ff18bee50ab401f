"""A context is composed: what holds of every one, with whatever tokenizer."""

from __future__ import annotations

import itertools
import math
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.retrieval.composing import Terms, composed
from memos.retrieval.context import Context
from memos.retrieval.tokens import estimate
from tests.retrieval.told import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube

NONE = Context()


def pairs_of_lines(text: str) -> int:
    """Joins lines two by two: what stands after a line decides what it costs."""
    return sum(math.ceil(len(text[start : start + 97]) / 3) for start in range(0, len(text), 97))


def dearer_together(text: str) -> int:
    """The whole costs more than its parts."""
    return len(text) + (len(text) // 40) ** 2


def cheaper_together(text: str) -> int:
    """The whole costs less than its parts, each of which has a beginning and an end."""
    return 2 + len(set(text))


def moody(text: str) -> int:
    """A text costs whatever it costs."""
    return sha256(text.encode()).digest()[0] + len(text) // 9


COUNTS = [
    estimate, len, lambda text: len(text.split()), lambda text: len(text.encode()) // 4,
    pairs_of_lines, dearer_together, cheaper_together, moody,
]  # fmt: skip
MEMORIES = [
    told(
        f"{word} {'and more ' * (number % 4)}of {number}",
        number,
        days=number % 5,
        session="st"[number % 2],
        speaker=("Ann", "Bob", None)[number % 3],
    )
    for number, word in enumerate("tea bread rain music snow Lisbon Oslo chess".split() * 3, 1)
]

FOUND = st.lists(st.sampled_from(MEMORIES), max_size=20, unique_by=lambda cube: cube.id)


def compose(
    found: Sequence[MemCube],
    before: Context = NONE,
    budget: int = 1000,
    *,
    count: object = estimate,
    spare: float = 0.25,
    there: Sequence[MemCube] = MEMORIES,
) -> Context:
    terms = Terms(budget, spare, count)  # type: ignore[arg-type]
    return composed(found, {cube.id: cube for cube in there}, before, terms)


def talk(asked: Sequence[Sequence[MemCube]], **more: object) -> list[Context]:
    contexts = [NONE]
    for found in asked:
        contexts.append(compose(found, contexts[-1], **more))  # type: ignore[arg-type]
    return contexts[1:]


@settings(deadline=None)
@given(
    asked=st.lists(FOUND, min_size=1, max_size=5),
    budget=st.integers(1, 600),
    count=st.sampled_from(COUNTS),
    spare=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_whatever_is_asked_a_context_holds_what_it_says_and_no_token_too_many(
    asked: list[list[MemCube]], budget: int, count: object, spare: float
) -> None:
    before = NONE
    for found in asked:
        made = compose(found, before, budget, count=count, spare=spare)
        assert made.tokens <= budget
        assert made.tokens == (count(made.text) if made.text else 0)  # type: ignore[operator]
        assert made.text[: made.reused] == before.text[: made.reused]
        check(made, found, before)
        before = made


def check(made: Context, found: list[MemCube], before: Context) -> None:
    ids = [cube.id for cube in made.cubes]
    assert len(set(ids)) == len(ids) == len(made.layout)
    assert set(ids) <= {cube.id for cube in (*found, *before.cubes)}
    lines = made.text.splitlines()
    for mark, cube in made.marks.items():
        (line,) = [line for line in lines if line.startswith(f"[{mark}]")]
        assert line.endswith(cube.text)
    ends = [one.characters for one in made.breakpoints]
    assert ends == sorted(set(ends))
    assert len(ends) <= 4
    assert (ends[-1:] or [0]) == [len(made.text)]
    assert "".join(made.parts) == made.text
    for one in made.breakpoints:
        assert made.text[: one.characters].endswith("\n")
        assert sha256(made.text[: one.characters].encode()).hexdigest() == one.digest


@settings(deadline=None)
@given(
    st.lists(FOUND, min_size=1, max_size=4), st.integers(1, 600), st.sampled_from([0.0, 0.25, 1.0])
)
def test_the_same_question_again_has_the_same_bytes(
    asked: list[list[MemCube]], budget: int, spare: float
) -> None:
    *_, first, second = talk([*asked, asked[-1]], budget=budget, spare=spare)
    assert second.text == first.text
    assert second.reused == len(first.text)
    assert second.left_out == first.left_out


def test_the_same_question_with_less_room_fits_all_the_same() -> None:
    first = compose(MEMORIES[:8])
    after = compose(MEMORIES[:8], first, first.tokens - 1)
    assert 0 < after.tokens < first.tokens


def test_all_four_breakpoints_are_used_where_there_are_lines_enough() -> None:
    assert len(compose(MEMORIES[:8]).breakpoints) == 4
    assert len(compose(MEMORIES[:2]).breakpoints) == 2


@settings(deadline=None)
@given(st.lists(FOUND, min_size=2, max_size=6), st.integers(50, 600))
def test_whatever_stands_the_best_three_quarters_are_there(
    asked: list[list[MemCube]], budget: int
) -> None:
    for found, made in zip(asked, talk(asked, budget=budget), strict=True):
        room = 0.75 * budget
        for cube in found:
            room -= compose([cube], there=[]).tokens
            if room < 0:
                break
            assert cube in made.cubes


def test_within_a_block_time_goes_forward_and_a_conversation_stays_together() -> None:
    made = compose(MEMORIES)
    when = [cube.header.valid_from for cube in made.cubes]
    assert when == sorted(when, key=lambda time: (time is not None, time))
    heads = [line for line in made.text.splitlines() if not line.startswith("[")]
    assert len(heads) == len({(cube.header.valid_from, cube.scope) for cube in made.cubes})


def test_what_is_new_stands_behind_what_stood_and_what_moved() -> None:
    first, second = talk([MEMORIES[:6], MEMORIES[2:9]], budget=1000)
    assert second.text.startswith(first.text[: second.reused])
    assert second.reused > 0
    assert [cube for cube in second.cubes if cube in MEMORIES[6:9]] == list(second.cubes[-3:])


def test_a_cache_with_marks_finds_a_breakpoint_of_the_text_before() -> None:
    contexts = talk([MEMORIES[start : start + 8] for start in (0, 1, 1, 2, 2)], budget=1000)
    for before, after in itertools.pairwise(contexts):
        ends = {one.digest for one in before.breakpoints} & {
            one.digest for one in after.breakpoints
        }
        assert ends


@pytest.mark.parametrize("place", [0, 3, 5])
def test_the_text_is_cut_at_a_memory_that_has_changed_or_gone(place: int) -> None:
    first = compose(MEMORIES[:6])
    gone = first.cubes[place]
    left = [cube for cube in MEMORIES if cube.id != gone.id]
    found = [cube for cube in MEMORIES[:6] if cube.id != gone.id]
    without = compose(found, first, there=left)
    assert gone.text not in without.text
    assert first.text.index(gone.text) >= without.reused
    assert len(compose(found, first, there=left).cubes) == 5
    payload = gone.payload.model_copy(update={"text": "something else"})
    revised = gone.model_copy(update={"payload": payload})
    other = compose([*found, revised], first, there=[*left, revised])
    assert gone.text not in other.text
    assert "something else" in other.text
    kept = sum(placed == was for placed, was in zip(other.layout, first.layout, strict=True))
    assert kept >= place


def test_a_date_that_was_corrected_moves_the_memory() -> None:
    first = compose(MEMORIES[:4])
    cube = first.cubes[0]
    header = cube.header.model_copy(update={"valid_from": MEMORIES[4].header.valid_from})
    moved = cube.model_copy(update={"header": header})
    rest = [each for each in MEMORIES[:4] if each.id != cube.id]
    assert compose([moved, *rest], first, there=[moved, *rest]).reused == 0


def test_what_another_made_up_as_the_context_before_does_no_harm() -> None:
    first = compose(MEMORIES[:4])
    (placed, *rest) = first.layout
    twice = first.model_copy(update={"layout": (placed, placed, *rest)})
    forged = first.model_copy(update={"layout": (placed.model_copy(update={"mark": "[x]\n"}),)})
    ends = tuple(one.model_copy(update={"characters": 3}) for one in first.breakpoints)
    for before in (twice, forged, first.model_copy(update={"breakpoints": ends})):
        made = compose(MEMORIES[:4], before)
        check(made, MEMORIES[:4], first)
        assert len(made.cubes) == 4


def test_a_budget_for_none_gives_an_empty_context_that_says_so() -> None:
    made = compose(MEMORIES[:4], budget=3)
    assert (made.text, made.cubes, made.tokens, made.left_out) == ("", (), 0, 4)
    assert compose([]) == NONE


def test_a_context_outlives_json_and_goes_on_from_there() -> None:
    first = compose(MEMORIES[:6])
    again = Context.model_validate_json(first.model_dump_json())
    assert again == first
    assert compose(MEMORIES[:6], again).reused == len(first.text)
    assert compose(MEMORIES[:6], first.wordless()).reused == len(first.text)
    assert not any(cube.text in first.wordless().model_dump_json() for cube in first.cubes)


def test_what_an_answer_cites_is_found() -> None:
    made = compose(MEMORIES[:6])
    one, two = made.layout[3], made.layout[1]
    answer = f"Tea [{one.mark}], as ever [{two.mark}][{one.mark}], [note] and [{'x' * 9}]."
    assert made.cited(answer) == [made.cubes[3], made.cubes[1]]
