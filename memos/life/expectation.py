"""What a cube must be like before anything is written to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import State
from memos.errors import ExpiredCube, FrozenCube, VersionConflict, shown

if TYPE_CHECKING:
    from memos.cube import MemCube


def require_version(cube: MemCube, if_version: int | None) -> None:
    """Refuse unless the cube is at the version the caller expects.

    Raises:
        VersionConflict: it is not.
    """
    if if_version is not None and cube.version != if_version:
        message = f"cube {cube.id} is at version {cube.version}, expected {shown(if_version)}"
        raise VersionConflict(message, hint="read it again and decide anew")


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
