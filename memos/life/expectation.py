"""Compare-and-swap: what the caller believes is checked before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import VersionConflict

if TYPE_CHECKING:
    from memos.cube import MemCube


def require_version(cube: MemCube, if_version: int | None) -> None:
    """Refuse unless the cube is at the version the caller expects.

    Raises:
        VersionConflict: it is not.
    """
    if if_version is not None and cube.version != if_version:
        message = f"cube {cube.id} is at version {cube.version}, expected {if_version}"
        raise VersionConflict(message, hint="read it again and decide anew")
