"""Whose memories a call may touch: pure decisions over scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Governance, MemCube, Scope
from memos.errors import BadInput, Forbidden, UnknownCube
from memos.governance.sensitivity import highest

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


def unknown(cube_id: str, scope: Scope) -> UnknownCube:
    """The error for a cube that is not there, or not to be seen: the two cannot be told apart."""
    hint = "memos ls lists the cubes there are"
    where = f" in this scope ({scope})" if scope.named() else ""
    return UnknownCube(f"there is no cube {cube_id}{where}", hint=hint)


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


def inherited(sources: Sequence[Governance]) -> Governance:
    """The rules of a cube that was derived from others: as strict as the strictest of them."""
    expiries = [one.expires_at for one in sources if one.expires_at is not None]
    owners = {one.owner for one in sources}
    licences = {one.licence for one in sources}
    return Governance(
        owner=owners.pop() if len(owners) == 1 else None,
        sensitivity=highest(one.sensitivity for one in sources),
        expires_at=min(expiries, default=None),
        licence=licences.pop() if len(licences) == 1 else None,
    )
