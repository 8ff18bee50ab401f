"""What follows from new cubes for the cubes around them, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube
    from memos.ports.graph import Edge


@dataclass(slots=True)
class Related:
    """What is committed along with new cubes."""

    put: list[MemCube] = field(default_factory=list)
    """Versions of older cubes, or of the new ones, that end their time."""
    edges: list[Edge] = field(default_factory=list)

    def current(self, cubes: Sequence[MemCube]) -> list[MemCube]:
        """The cubes as they will be."""
        newest = {cube.id: cube for cube in self.put}
        return [newest.get(cube.id, cube) for cube in cubes]
