"""Whether what lies on disk is for its owner only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Privacy(Protocol):
    """The files of a store, as far as others have a right to them."""

    def loose(self) -> Sequence[str]:
        """The paths that others than the owner have any right to, in ascending order."""
        ...

    def tighten(self) -> Sequence[str]:
        """Take these rights from them, and return the paths where that could be done."""
        ...
