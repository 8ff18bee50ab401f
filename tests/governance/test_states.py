"""The state table: every pair is allowed by one call, or refused, and the drawings are true."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from memos.cube import Life, MemCube, State
from memos.errors import IllegalTransition
from memos.governance import states
from memos.governance.states import TRANSITIONS, next_states, require_transition
from memos.testing.catalog import plaintext

PAGE = Path(__file__).parent.parent.parent / "docs" / "vocabulary.md"
CALLS = sorted(set(TRANSITIONS.values()))


def in_state(state: State) -> MemCube:
    cube = plaintext("x")
    header = cube.header.model_copy(update={"life": Life(state=state)})
    return cube.model_copy(update={"header": header})


@pytest.mark.parametrize(("origin", "to"), list(product(State, State)))
def test_every_pair_is_allowed_by_one_call_or_refused_by_name(origin: State, to: State) -> None:
    cube = in_state(origin)
    for call in CALLS:
        if TRANSITIONS.get((origin, to)) == call:
            require_transition(cube, to, call)
        else:
            with pytest.raises(IllegalTransition, match=f"{cube.id} is {origin}.* {to} ") as error:
                require_transition(cube, to, call)
            assert all(str(way) in error.value.hint for way in next_states(origin))


def test_a_refusal_names_no_parameter_and_nothing_that_is_so_already() -> None:
    with pytest.raises(IllegalTransition) as caught:
        require_transition(in_state(State.EXPIRED), State.ACTIVATED, "activate")
    assert "more time -> activated" in caught.value.hint
    assert "set_expiry" not in str(caught.value)
    with pytest.raises(IllegalTransition, match="is archived already"):
        require_transition(in_state(State.ARCHIVED), State.ARCHIVED, "archive")


def test_every_state_but_the_first_can_be_left_and_reached() -> None:
    for state in State:
        assert next_states(state)
        reached = any(to is state for _, to in TRANSITIONS)
        assert reached == (state is not State.GENERATED)


def test_the_table_of_the_vocabulary_is_the_table() -> None:
    section = PAGE.read_text().partition("## States")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    head, _, *body = [[cell.strip(" `") for cell in row] for row in rows]
    told = {
        (State(row[0]), State(name.removeprefix("to "))): call
        for row in body
        for name, call in zip(head[1:], row[1:], strict=True)
        if call
    }
    assert told == dict(TRANSITIONS)


def test_the_drawing_in_the_module_is_the_table() -> None:
    lines = (states.__doc__ or "").splitlines()
    (head,) = [line for line in lines if "from \\ to" in line]
    columns = {state: head.index(str(state)) for state in State if str(state) in head}
    drawn = {}
    for line in lines[lines.index(head) + 1 :]:
        if not line.strip():
            break
        origin = State(line.split()[0])
        for word in re.finditer(r"\(.*?\)|\S+", line):
            for state, column in columns.items():
                if word.start() == column:
                    drawn[origin, state] = word[0]
    assert drawn.pop((State.FROZEN, State.EXPIRED)) == "(its time comes)"
    assert drawn == {pair: call for pair, call in TRANSITIONS.items()
                     if pair != (State.FROZEN, State.EXPIRED)}  # fmt: skip
