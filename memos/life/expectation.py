"""What a cube must be like before anything is written to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import State
from memos.errors import BadInput, ExpiredCube, FrozenCube, VersionConflict, shown

if TYPE_CHECKING:
    from memos.cube import MemCube


def require_version(cube: MemCube, if_version: int | None) -> None:
    """Refuse unless the cube is at the version the caller expects.

    Raises:
        BadInput: what is expected is no version's number.
        VersionConflict: it is not.
    """
    require_number(if_version)
    if if_version is not None and cube.version != if_version:
        message = f"cube {cube.id} is at version {cube.version}, expected {shown(if_version)}"
        raise VersionConflict(message, hint="read it again and decide anew")


def require_number(if_version: object) -> None:
    """Refuse to expect what is no version's number; None expects nothing.

    Raises:
        BadInput: so it is.
    """
    if if_version is None or (isinstance(if_version, int) and not isinstance(if_version, bool)):
        return
    raise BadInput(f"the expected version is {shown(if_version)}", hint="pass a whole number")


def require_changeable(cube: MemCube) -> None:
    """Refuse to change a frozen cube.

    Raises:
        FrozenCube: it is one.
    """
    if cube.state is State.FROZEN:
        message = f"cube {cube.id} is frozen at version {cube.version}"
        raise FrozenCube(message, hint="fork it and change the fork, or thaw it: memos thaw")


def require_unexpired(cube: MemCube) -> None:
    """Refuse to use or to rewrite a cube whose time is over.

    Raises:
        ExpiredCube: it is over.
    """
    if cube.state is State.EXPIRED:
        message = f"cube {cube.id} has expired"
        raise ExpiredCube(message, hint="it can be read by its id; to use it, give it more time")
