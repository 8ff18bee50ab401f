"""Whose memories a call may touch: pure decisions over scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import MemCube, Scope
from memos.errors import BadInput, Forbidden, UnknownCube

if TYPE_CHECKING:
    from collections.abc import Sequence


def narrowed(bound: Scope, asked: Scope) -> Scope:
    """What a call may touch: what the application bound the handle to, narrowed by the call.

    Raises:
        Forbidden: the call names somebody else than the handle is bound to.
    """
    for name, value in asked.named().items():
        allowed = getattr(bound, name)
        if allowed is not None and value != allowed:
            message = f"{name} {value!r} is outside the scope of this handle ({bound})"
            raise Forbidden(message, hint=f"open the store for {name}={value!r}")
    return Scope(**{**bound.named(), **asked.named()})


def seen(cube: MemCube | None, cube_id: str, scope: Scope) -> MemCube:
    """The cube, if the scope covers it.

    Raises:
        UnknownCube: there is none, or it is another's; the two cannot be told apart.
    """
    if cube is None or not scope.covers(cube.scope):
        hint = "memos ls lists the cubes there are"
        raise UnknownCube(f"there is no cube {cube_id} in this scope ({scope})", hint=hint)
    return cube


def joint(cubes: Sequence[MemCube]) -> Scope:
    """Whose a cube is that was derived from all of these.

    Raises:
        BadInput: they belong to different users; what is derived would show one to the other.
    """
    users = sorted({cube.scope.user_id or "" for cube in cubes})
    if len(users) > 1:
        named = ", ".join(repr(user) if user else "nobody" for user in users)
        message = f"the cubes belong to different users: {named}"
        raise BadInput(message, hint="derive one cube for each user")
    shared = {}
    for name in ("user_id", "agent_id", "session_id"):
        values = {getattr(cube.scope, name) for cube in cubes}
        if len(values) == 1:
            shared[name] = values.pop()
    return Scope(**shared)
