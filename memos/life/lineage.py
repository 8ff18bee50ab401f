"""Where a cube came from, as a tree that can be walked."""

from __future__ import annotations

from memos.cube import MemCube, Parent
from memos.cube.frozen import Frozen


class Ancestor(Frozen):
    """One cube above another, at the version that was used."""

    cube: MemCube
    """At the version that the child was made from."""
    children: tuple[str, ...]
    """The ids, within this lineage, that were derived from it."""
    distance: int
    """1 for a parent, 2 for a grandparent."""
    stale: bool
    """Whether the cube has been revised since."""
    expired: bool = False
    """Whether its time is over."""


class Lineage(Frozen):
    """A cube and everything it was derived from, nearest first."""

    cube: MemCube
    ancestors: tuple[Ancestor, ...]

    @property
    def stale(self) -> tuple[Parent, ...]:
        """The ancestors that have been revised since; a cube with any is not served."""
        return tuple(
            Parent(id=one.cube.id, version=one.cube.version) for one in self.ancestors if one.stale
        )

    @property
    def expired(self) -> tuple[Parent, ...]:
        """The ancestors whose time is over; a cube with any is not served."""
        return tuple(
            Parent(id=one.cube.id, version=one.cube.version)
            for one in self.ancestors
            if one.expired
        )
