"""The life of a cube: which state leads to which, and by which call.

    from \\ to    activated    merged   archived   expired   frozen
    generated    activate              archive    expire
    activated                 merge    archive    expire    freeze
    merged       activate              archive    expire
    archived     activate                         expire
    expired      set_expiry
    frozen       thaw                             (its time comes)

A cube is born generated or activated. What is expired comes back only by being given more time.
Frozen refuses every change but two: it is thawed, or its time comes, which freezing doesn't stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import State
from memos.errors import IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memos.cube import MemCube

TRANSITIONS: Mapping[tuple[State, State], str] = {
    (State.GENERATED, State.ACTIVATED): "activate",
    (State.GENERATED, State.ARCHIVED): "archive",
    (State.GENERATED, State.EXPIRED): "expire",
    (State.ACTIVATED, State.MERGED): "merge",
    (State.ACTIVATED, State.ARCHIVED): "archive",
    (State.ACTIVATED, State.EXPIRED): "expire",
    (State.ACTIVATED, State.FROZEN): "freeze",
    (State.MERGED, State.ACTIVATED): "activate",
    (State.MERGED, State.ARCHIVED): "archive",
    (State.MERGED, State.EXPIRED): "expire",
    (State.ARCHIVED, State.ACTIVATED): "activate",
    (State.ARCHIVED, State.EXPIRED): "expire",
    (State.EXPIRED, State.ACTIVATED): "set_expiry",
    (State.FROZEN, State.ACTIVATED): "thaw",
    (State.FROZEN, State.EXPIRED): "expire",
}
"""Every allowed change of state, and the call that makes it."""
_TOLD = {"set_expiry": "more time"}
"""What a call is named in a message, where a command has another name for it."""


def next_states(state: State) -> dict[State, str]:
    """The states that ``state`` leads to, each with the call that leads there."""
    return {to: call for (origin, to), call in TRANSITIONS.items() if origin is state}


def require_transition(cube: MemCube, to: State, call: str) -> None:
    """Refuse a change of state that the table does not have.

    Raises:
        IllegalTransition: the cube's state does not lead to ``to`` by this call.
    """
    if TRANSITIONS.get((cube.state, to)) != call:
        leading = next_states(cube.state).items()
        ways = ", ".join(f"{_TOLD.get(way, way)} -> {state}" for state, way in leading)
        if cube.state is to:
            message = f"cube {cube.id} is {to} already"
        else:
            message = (
                f"cube {cube.id} is {cube.state}, which {_TOLD.get(call, call)} does not make {to}"
            )
        raise IllegalTransition(message, hint=f"what {cube.state} leads to: {ways}")
