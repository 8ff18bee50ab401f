"""Who may see what: every combination of a handle's scope and a call's."""

from __future__ import annotations

from itertools import product

import pytest

from memos.cube import Scope
from memos.errors import BadInput, Forbidden
from memos.governance.access import Area
from memos.governance.scope import joint, narrowed
from memos.testing.catalog import plaintext

VALUES = (None, "a", "b")
SCOPES = [
    Scope(user_id=user, agent_id=agent, session_id=session)
    for user, agent, session in product(VALUES, repeat=3)
]


@pytest.mark.parametrize("bound", SCOPES, ids=str)
def test_a_call_narrows_and_never_widens(bound: Scope) -> None:
    for asked in SCOPES:
        clash = any(
            bound.named().get(name, value) != value for name, value in asked.named().items()
        )
        if clash:
            with pytest.raises(Forbidden):
                narrowed(bound, asked)
        else:
            assert narrowed(bound, asked).named() == {**bound.named(), **asked.named()}


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_an_area_holds_exactly_the_cubes_that_its_scope_covers(scope: Scope) -> None:
    for whose in SCOPES:
        covered = all(whose.named().get(name) == value for name, value in scope.named().items())
        assert Area(scope).holds(plaintext("x", whose)) == covered


def test_what_is_derived_belongs_to_what_its_sources_share() -> None:
    first = plaintext("x", Scope(user_id="alice", agent_id="a", session_id="1"))
    second = plaintext("y", Scope(user_id="alice", agent_id="a", session_id="2"))
    assert joint([first, second]) == Scope(user_id="alice", agent_id="a")


def test_sources_of_two_users_are_not_mixed() -> None:
    for other in (Scope(user_id="bob"), Scope()):
        with pytest.raises(BadInput, match="different users"):
            joint([plaintext("x", Scope(user_id="alice")), plaintext("y", other)])
