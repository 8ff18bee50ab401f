"""What every policy's book has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Order(Protocol):
    """Blocks in the order in which they would go, with those set aside that may not."""

    def freed(self, name: str) -> None:
        """Ask about a name again that was set aside."""
        ...

    def recall(self) -> None:
        """Ask about all again."""
        ...


class Book(ABC):
    """An ``Eviction`` (``memos.ports.eviction``) but for the order itself.

    A policy that remembers what went must know why it went: what goes after it was named as a
    victim was thrown out; anything else was forgotten, and leaves nothing here.
    """

    def __init__(self, *orders: Order) -> None:
        self._orders = orders
        self._named: set[str] = set()

    def asked(self, names: Sequence[str]) -> None:  # noqa: B027
        """A text is about to be asked for: of use to one policy only."""

    @abstractmethod
    def added(self, name: str, size_bytes: int, seconds: float) -> None:
        """A block has come, or has another size."""

    @abstractmethod
    def used(self, name: str) -> None:
        """A block was asked for."""

    def missed(self, name: str) -> None:  # noqa: B027
        """A block that is not there was asked for: of use to some policies only."""

    def removed(self, name: str) -> None:
        """A block has gone."""
        evicted = name in self._named
        self._named.discard(name)
        self._leave(name, evicted=evicted)

    def freed(self, name: str) -> None:
        """A block that might not go may go again."""
        for order in self._orders:
            order.freed(name)

    def victim(self, may_go: Callable[[str], bool]) -> str | None:
        """The block that should go first, of those that may."""
        name = self._search(may_go)
        if name is None:
            for order in self._orders:
                order.recall()
            name = self._search(may_go)
        if name is not None:
            self._named.add(name)
        return name

    def admits(self, name: str, size_bytes: int, seconds: float, victim: str) -> bool:  # noqa: ARG002
        """Every block: a policy here judges what has come, and lets go of it first if need be."""
        return True

    @abstractmethod
    def _leave(self, name: str, *, evicted: bool) -> None:
        """Take a block from the book, if it is in it."""

    @abstractmethod
    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        """The block that should go first, of those that may and are not set aside."""
