"""What a forgetting takes: each cube, and how it hangs on what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from memos.cube import MemCube
    from memos.life.report import Tie


class Doom(NamedTuple):
    """A cube that goes, how it hangs on what was asked for, and on which cube."""

    cube: MemCube
    tie: Tie
    because: str | None
