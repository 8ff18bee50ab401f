"""Blocks that lie in a slab: which page is whose, what is in use, what goes when it is full."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.errors import OutOfSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from memos.models.kv_slab import Paged
    from memos.models.kv_state import State
    from memos.ports.blocks import Block
    from memos.ports.eviction import Eviction


@dataclass(slots=True)
class Counters:
    """What a place did; see :class:`memos.ports.kv.Usage`."""

    hits: int = 0
    misses: int = 0
    read_bytes: int = 0
    read_seconds: float = 0.0
    written_bytes: int = 0
    written_seconds: float = 0.0
    evicted: int = 0
    damaged: int = 0

    def read(self, size_bytes: int, seconds: float) -> None:
        """So much was read."""
        self.read_bytes += size_bytes
        self.read_seconds += seconds

    def written(self, size_bytes: int, seconds: float) -> None:
        """So much was written."""
        self.written_bytes += size_bytes
        self.written_seconds += seconds


@dataclass(frozen=True, slots=True)
class Move:
    """A block that is copied from one slab to another."""

    source: int
    """The page that it lies in."""
    target: int
    """The page that it goes to."""
    tokens: int


@dataclass(slots=True)
class Resident:
    """A block in a page."""

    name: str
    page: int
    tokens: int
    holds: int = 0
    gone: bool = False
    """Dropped while it was held: its page is given back with the last hold."""


@dataclass(slots=True)
class Pool:
    """The blocks of one slab, within a budget; the slab may have more pages, to work in."""

    slab: Paged
    budget: int
    """The most blocks that stay."""
    policy: Eviction
    spill: Callable[[Resident], None] | None = None
    """Called with a block that has to go, before its page is given to another."""
    counters: Counters = field(default_factory=Counters)
    _residents: dict[str, Resident] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __len__(self) -> int:
        return len(self._residents)

    def __contains__(self, name: str) -> bool:
        return name in self._residents

    def names(self) -> set[str]:
        """All blocks that can be served."""
        with self._lock:
            return set(self._residents)

    def asked(self, names: Sequence[str]) -> None:
        """A text is about to be read that has these blocks, in this order."""
        with self._lock:
            self.policy.asked(names)

    def hold(self, name: str) -> Resident | None:
        """The block, which stays until it is released; None where it is not here."""
        with self._lock:
            found = self._residents.get(name)
            if found is None:
                self.policy.missed(name)
                self.counters.misses += 1
                return None
            found.holds += 1
            self.policy.used(name)
            self.counters.hits += 1
            return found

    def release(self, held: Iterable[Resident]) -> None:
        """Blocks that were held, or admitted, are not in use any more."""
        with self._lock:
            for one in held:
                one.holds -= 1
                if one.gone and not one.holds:
                    self._vacate(one)
                elif not one.holds:
                    self.policy.freed(one.name)

    def admit(self, block: Block, page: int, seconds: float) -> Resident | None:
        """A filled page is this block from now on, held; None where it is not worth its room.

        Then, and where the block is here already, the page stays the caller's.
        """
        with self._lock:
            if block.name in self._residents or not self._made_room(block, seconds):
                return None
            made = Resident(block.name, page, block.tokens, holds=1)
            self._residents[block.name] = made
            self.policy.added(block.name, self.slab.block_bytes, seconds)
            return made

    def put(self, block: Block, state: State) -> bool:
        """Copy a block to a page of its own; whether there was room that it is worth."""
        with self._lock:
            if block.name in self._residents:
                return True
            if not self._made_room(block, 0.0):
                return False
            (page,) = self.pages(1)
            self.slab.write(page, state)
            made = self.admit(block, page, 0.0)
            if made is None:
                self.slab.give([page])
                return False
            self.release([made])
            return True

    def pages(self, count: int) -> list[int]:
        """Pages to work in; blocks go for them, where there are no others.

        Raises:
            OutOfSpace: even so there are not so many.
        """
        with self._lock:
            while self.slab.free < count:
                if not self._evict():
                    message = f"all but {self.slab.free} pages are in use, and {count} are needed"
                    raise OutOfSpace(message, hint="give the place more memory: kv.ram or kv.gpu")
            return self.slab.take(count)

    def room(self) -> int:
        """How many pages could be worked in, if all that is not held went."""
        with self._lock:
            idle = sum(not one.holds for one in self._residents.values())
            return self.slab.free + idle

    def drop(self, names: Collection[str]) -> int:
        """Remove blocks; their bytes are overwritten, at once or when they are released."""
        with self._lock:
            there = [name for name in names if name in self._residents]
            for name in there:
                one = self._residents.pop(name)
                self.policy.removed(name)
                one.gone = True
                if not one.holds:
                    self._vacate(one)
            return len(there)

    def _vacate(self, one: Resident) -> None:
        self.slab.clear([one.page])
        self.slab.give([one.page])

    def _made_room(self, block: Block, seconds: float) -> bool:
        if self.budget < 1:
            return False
        size = self.slab.block_bytes
        while len(self._residents) >= self.budget:
            victim = self.policy.victim(self._may_go)
            if victim is None or not self.policy.admits(block.name, size, seconds, victim):
                return False
            self._remove(victim)
        return True

    def _evict(self) -> bool:
        victim = self.policy.victim(self._may_go)
        if victim is not None:
            self._remove(victim)
        return victim is not None

    def _remove(self, victim: str) -> None:
        one = self._residents.pop(victim)
        self.policy.removed(victim)
        if self.spill is not None:
            self.spill(one)
        self.slab.give([one.page])
        self.counters.evicted += 1

    def _may_go(self, name: str) -> bool:
        return not self._residents[name].holds
