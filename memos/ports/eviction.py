"""Which block goes when a place is full: decided by a pure policy, done by the place's owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Eviction(Protocol):
    """A policy's book on one place. It is told of everything that happens, and removes nothing.

    Equal calls give equal answers: there is no clock and no chance in it.
    """

    def asked(self, names: Sequence[str]) -> None:
        """A text is about to be asked for that has these blocks, in this order.

        Each is ``used`` or ``missed`` after that. What is asked for alone need not be announced.
        """
        ...

    def added(self, name: str, size_bytes: int, seconds: float) -> None:
        """A block has come, of that size; to make it anew would take so many ``seconds``."""
        ...

    def used(self, name: str) -> None:
        """A block that is there was asked for."""
        ...

    def missed(self, name: str) -> None:
        """A block that is not there was asked for."""
        ...

    def removed(self, name: str) -> None:
        """A block has gone, for whatever reason."""
        ...

    def freed(self, name: str) -> None:
        """A block that might not go may go again: its last child has gone, or a hold has ended."""
        ...

    def victim(self, may_go: Callable[[str], bool]) -> str | None:
        """The block that should go first, of those that may; None where none may.

        One that may not keeps its place in the order, and is set aside: it is asked about again
        once it was ``freed``, or when no other may go. So looking for a block takes no longer
        where thousands are held or have children.
        """
        ...

    def admits(self, name: str, size_bytes: int, seconds: float, victim: str) -> bool:
        """Whether a block that would come is worth more than ``victim``, which would go for it."""
        ...
