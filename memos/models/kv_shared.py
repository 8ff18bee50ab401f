"""A place for blocks that other stores and machines use as well, such as a server of Valkey.

What lies there changes without us: nobody lists it, it is asked. A server that does not answer is
no reason not to answer a question, for its blocks can be computed; but what is to be forgotten is
not forgotten until it has answered.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from memos.errors import BackendError
from memos.models.kv_shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from memos.models.kv_state import State
    from memos.ports.blocks import Blocks, Content, Layout

_PAUSE = 30.0
"""Seconds until a server that did not answer is asked again."""


class _Unbounded:
    """No book is kept on a place whose limit somebody else sets."""

    def asked(self, names: Sequence[str]) -> None: ...
    def added(self, name: str, size_bytes: int, seconds: float) -> None: ...
    def used(self, name: str) -> None: ...
    def missed(self, name: str) -> None: ...
    def freed(self, name: str) -> None: ...
    def removed(self, name: str) -> None: ...

    def victim(self, may_go: Callable[[str], bool]) -> str | None:  # noqa: ARG002
        """None: the server makes its own room."""
        return None

    def admits(self, name: str, size_bytes: int, seconds: float, victim: str) -> bool:  # noqa: ARG002
        """Everything."""
        return True


class SharedShelf(Shelf):
    """Blocks on a server.

    Args:
        opening: connects to it.
        codec: how keys and values are written.
    """

    def __init__(self, opening: Callable[[], Blocks], *, codec: str = "raw") -> None:
        super().__init__(opening, budget_bytes=None, policy=_Unbounded(), codec=codec)
        self._silent_until = 0.0
        self._guard = threading.Lock()

    @property
    def used_bytes(self) -> int:
        """What all blocks of this store take there, by asking for each."""
        return sum(self._found().values())

    def names(self) -> set[str]:
        """All blocks of this store that are there, by asking; none where nobody answers."""
        return set(self._found())

    def holding(self, names: Collection[str]) -> set[str]:
        """Those that may be there: all, unless the server has just failed to answer."""
        return set() if self._is_silent() else set(names)

    def put_bytes(
        self,
        name: str,
        content: Content,
        *,
        seconds: float = 0.0,  # noqa: ARG002
        held: Collection[str] = (),  # noqa: ARG002
    ) -> None:
        """Write a block that is in bytes already.

        Raises:
            OutOfSpace: the server has no memory for it.
            Unreachable: it does not answer.
        """
        self.blocks.put(name, content)

    def offer(self, name: str, state: State, layout: Layout) -> None:
        """Write a block, if the server takes it."""
        if self._is_silent():
            return
        try:
            self.put(name, state, layout, seconds=0.0)
        except BackendError:
            self._fell_silent()

    def load(
        self, names: Sequence[str], layout: Layout, outs: Sequence[State]
    ) -> Iterator[tuple[str, bool]]:
        """Read blocks into states; whether each is there and whole."""
        done = 0
        try:
            for each in super().load(names, layout, outs):
                done += 1
                yield each
        except BackendError:
            self._fell_silent()
            yield from ((name, False) for name in names[done:])

    def drop(self, names: Collection[str]) -> int:
        """Remove blocks; how many were to be removed, for nobody knows which were there.

        Raises:
            Unreachable: the server does not answer; they may still be there.
        """
        for name in names:
            self.blocks.drop(name)
        return len(names)

    def _found(self) -> dict[str, int]:
        if self._is_silent():
            return {}
        try:
            return dict(self.blocks.sizes())
        except BackendError:
            self._fell_silent()
            return {}

    def _is_silent(self) -> bool:
        with self._guard:
            return time.monotonic() < self._silent_until

    def _fell_silent(self) -> None:
        with self._guard:
            self._silent_until = time.monotonic() + _PAUSE
