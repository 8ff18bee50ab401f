"""A place that keeps blocks as bytes, such as a disk, within a budget."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from memos.errors import CorruptionError, MissingBlock, OutOfSpace
from memos.models.kv_codec import decode, encode
from memos.models.kv_pool import Counters
from memos.ports.block_wire import PAGE, header_of, layout_mark, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from memos.models.kv_state import State
    from memos.ports.blocks import Blocks, Content, Layout
    from memos.ports.eviction import Eviction

_PRESUMED = 1e9
"""Bytes a second, until a block has been read."""


class Shelf:
    """Blocks as bytes, the least useful of which go when there is no room.

    Args:
        opening: opens the place where they lie.
        budget_bytes: the most that they take; None where whoever runs the place sees to it.
        policy: which go first.
        codec: how keys and values are written.
        there: whether there is a place already; nothing is opened to find that it is empty.
    """

    def __init__(
        self,
        opening: Callable[[], Blocks],
        *,
        budget_bytes: int | None,
        policy: Eviction,
        codec: str = "raw",
        there: Callable[[], bool] = lambda: True,
    ) -> None:
        self.budget_bytes, self.codec = budget_bytes, codec
        self.counters = Counters()
        self._opening, self._there = opening, there
        self._policy = policy
        self._lock = threading.RLock()
        self._sizes: dict[str, int] = {}
        self._opened: Blocks | None = None

    @property
    def blocks(self) -> Blocks:
        """Where they lie; opened when it is first needed."""
        with self._lock:
            if self._opened is None:
                self._opened = self._opening()
                self._list(self._opened)
            return self._opened

    def _list(self, blocks: Blocks) -> None:
        self._sizes = dict(blocks.sizes())
        for name, size in sorted(self._sizes.items()):
            self._policy.added(name, size, 0.0)

    def close(self) -> None:
        """Let go of what is open."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @property
    def used_bytes(self) -> int:
        """What all blocks take."""
        with self._lock:
            return sum(self._known().values())

    @property
    def bytes_per_second(self) -> float:
        """How fast blocks have been read so far."""
        told = self.counters
        known = told.read_bytes > 0 and told.read_seconds > 0
        return told.read_bytes / told.read_seconds if known else _PRESUMED

    def seconds(self, name: str, raw_bytes: int) -> float:
        """How long a block takes to read; of unknown size, it has ``raw_bytes``."""
        return self._sizes.get(name, raw_bytes) / self.bytes_per_second

    def names(self) -> set[str]:
        """All blocks that are here."""
        with self._lock:
            return set(self._known())

    def holding(self, names: Collection[str]) -> set[str]:
        """Those of the blocks that are here."""
        with self._lock:
            known = self._known()
            return {name for name in names if name in known}

    def _known(self) -> dict[str, int]:
        if self._opened is None and self._there():
            _ = self.blocks
        return self._sizes

    def put(
        self,
        name: str,
        state: State,
        layout: Layout,
        *,
        seconds: float,
        exact: tuple[int, int] = (0, 0),
        held: Collection[str] = (),
    ) -> None:
        """Write a block; others go for it, but not those that are ``held``.

        Args:
            name: the block's.
            state: what it holds.
            layout: the model's.
            seconds: that computing it takes.
            exact: how many of its first and last tokens int4 keeps as they are.
            held: names of blocks that must stay.

        Raises:
            OutOfSpace: there is no room for it.
        """
        started = time.perf_counter()
        content = self.packed(name, state, layout, exact=exact)
        self.put_bytes(name, content, seconds=seconds, held=held)
        self.counters.written(len(content), time.perf_counter() - started)

    def packed(
        self, name: str, state: State, layout: Layout, *, exact: tuple[int, int] = (0, 0)
    ) -> Content:
        """The bytes of a block, as this place would keep it."""
        body = encode(state, self.codec, exact_first=exact[0], exact_last=exact[1])
        return packed(name, body, codec=self.codec, tokens=state.tokens, layout=layout)

    def put_bytes(
        self, name: str, content: Content, *, seconds: float = 0.0, held: Collection[str] = ()
    ) -> None:
        """Write a block that is in bytes already; see :meth:`put`."""
        blocks = self.blocks
        with self._lock:
            self._make_room(name, len(content), held)
        blocks.put(name, content)
        with self._lock:
            self._sizes[name] = len(content)
            self._policy.added(name, len(content), seconds)

    def load(
        self, names: Sequence[str], layout: Layout, outs: Sequence[State]
    ) -> Iterator[tuple[str, bool]]:
        """Read blocks into states; whether each is there and whole. A damaged one is dropped."""
        started = time.perf_counter()
        for number, (name, content) in enumerate(self.blocks.get_many(names)):
            whole = content is not None and self._decoded(name, content, layout, outs[number])
            self._told(name, content, whole=whole)
            self.counters.read(len(content or b""), time.perf_counter() - started)
            yield name, whole
            started = time.perf_counter()

    def get(self, name: str) -> Content:
        """A block's bytes, verified.

        Raises:
            MissingBlock: it is not here.
            CorruptionError: it is not what was put.
        """
        return self.blocks.get(name)

    def damaged(self, name: str) -> bool:
        """Whether a block that is here is not what was put."""
        try:
            self.get(name)
        except CorruptionError:
            return True
        except MissingBlock:
            return False
        return False

    def drop(self, names: Collection[str]) -> int:
        """Remove blocks; how many of them were here."""
        with self._lock:
            there = [name for name in names if name in self._known()]
            for name in there:
                del self._sizes[name]
                self._policy.removed(name)
            nothing = self._opened is None
        for name in () if nothing else names:  # a damaged one may be there unlisted
            self.blocks.drop(name)
        return len(there)

    def _decoded(self, name: str, content: Content, layout: Layout, out: State) -> bool:
        try:
            header = header_of(content, name)
            if header.layout != layout_mark(layout) or header.tokens != out.tokens:
                return False
            # its sum was verified when it was read
            body = memoryview(content)[PAGE:]
            decode(body, header.codec, header.tokens, layout, out=out)
        except CorruptionError:
            return False
        return True

    def _told(self, name: str, content: Content | None, *, whole: bool) -> None:
        with self._lock:
            known = name in self._sizes
            if whole:
                self.counters.hits += 1
                if known:
                    self._policy.used(name)
                return
            self.counters.misses += 1
            self.counters.damaged += known
            if known:
                del self._sizes[name]
                self._policy.removed(name)
        if known or content is not None:
            self.blocks.drop(name)

    def _make_room(self, name: str, size: int, held: Collection[str]) -> None:
        if self.budget_bytes is None:
            return
        if size > self.budget_bytes:
            message = (
                f"a block of {size:,} bytes is more than all {self.budget_bytes:,} of its place"
            )
            raise OutOfSpace(message, hint="give the disk more room: kv.disk")
        taken = sum(self._sizes.values()) - self._sizes.get(name, 0)
        while taken + size > self.budget_bytes:
            victim = self._policy.victim(lambda one: one != name and one not in held)
            if victim is None:
                message = f"all blocks on disk are in use, and {size:,} more bytes are needed"
                raise OutOfSpace(message, hint="give the disk more room: kv.disk")
            taken -= self._sizes[victim]
            self.drop([victim])
            self.counters.evicted += 1
        for one in (name, *held):
            self._policy.freed(one)
