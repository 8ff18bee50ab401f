"""The blocks of a store over their places, and the texts that are read from them.

        session: hold, load, compute
              |
gpu or ram: a pool of pages that the model reads   <── loads ──  disk, shared: shelves of bytes
              └────────────── a computed block is written to disk ──────────┘
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.errors import BadInput, OutOfSpace, shown
from memos.models.kv_codec import decode
from memos.models.kv_plan import computed_first
from memos.models.kv_pool import Pool
from memos.models.kv_session import Session
from memos.ports.block_wire import body_of, header_of
from memos.ports.blocks import Block
from memos.ports.kv import DISK, GPU, RAM, SHARED, Usage
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import torch

    from memos.models.kv_pool import Counters
    from memos.models.kv_shelf import Shelf
    from memos.models.kv_state import State
    from memos.ports.blocks import Content, Layout
    from memos.ports.eviction import Eviction

_MEMORY = (GPU, RAM)
_WORKING = 16
"""Pages of a slab beyond its budget: questions and answers are written into them."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """The most bytes that blocks take in each place of memory."""

    gpu: int = 4 << 30
    ram: int = 1 << 30


class Tiers:
    """See :class:`memos.ports.kv.Kv`; memory is taken when a model is first attached.

    Args:
        budgets: of the places in memory.
        policy: makes the eviction policy of a place of so many bytes.
        disk: the place on disk; None where nothing lies there.
        shared: a place that other stores and machines use as well; None where there is none.
    """

    def __init__(
        self,
        budgets: Budgets,
        *,
        policy: Callable[[int], Eviction],
        disk: Shelf | None = None,
        shared: Shelf | None = None,
    ) -> None:
        self._budgets, self._policy = budgets, policy
        self._shelves = {DISK: disk, SHARED: shared}
        self._pool: Pool | None = None
        self._lock = threading.RLock()
        self._seconds_per_token = 0.0

    def attach(self, layout: Layout, device: torch.device) -> None:
        """Take memory for a model's blocks, next to where it computes.

        Raises:
            BadInput: another model is attached already.
        """
        from memos.models.kv_slab import Slab

        with self._lock:
            if self._pool is not None:
                if self._pool.slab.layout == layout:
                    return
                raise BadInput("another model's blocks are attached", hint="open another store")
            place = GPU if device.type == "cuda" else RAM
            size: int = getattr(self._budgets, place)
            budget = size // layout.block_bytes
            slab = Slab(layout, budget + _WORKING, device)
            self._pool = Pool(slab, budget, self._policy(size))

    def open(
        self, blocks: Sequence[Block], *, room: int, stored: int | None = None, insist: bool = False
    ) -> Session:
        """Read a text: its blocks are held and loaded until the session is closed.

        What has to be computed is written to disk as well.

        Args:
            blocks: the part of the text that is kept in blocks; empty where nothing is.
            room: how many tokens will be read and written beyond them.
            stored: how many of the first blocks are looked up and kept, by default all; the
                others only say where reading pauses.
            insist: whether it is an error that the disk has no room for what was computed.
        """
        pool = self._attached()
        needed = len(blocks) + -(-room // pool.slab.layout.block_tokens) + 1
        if pool.room() < needed:
            pool = self._private(needed)
        names = {block.name for block in blocks}

        def write(block: Block, page: int, seconds: float) -> None:
            self._write(block, pool.slab.state(page, block.tokens), seconds, names, insist=insist)

        kept = blocks[:stored]
        return Session(pool, blocks, kept, loads=self._loads(kept, pool), write=write)

    def names(self) -> set[str]:
        """Every block in a place that is this store's own."""
        pool, disk = self._pool, self._shelves[DISK]
        return (pool.names() if pool else set()) | (disk.names() if disk else set())

    def where(self, names: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """The places that have each of these blocks, fastest first."""
        there = {place: held() for place, held in self._holders().items()}
        found = {
            name: tuple(place for place, held in there.items() if name in held) for name in names
        }
        return {name: places for name, places in found.items() if places}

    def drop(self, names: Collection[str]) -> int:
        """Remove blocks everywhere, every byte of them; how many there were."""
        there = len(self.where(names))
        if self._pool is not None:
            self._pool.drop(names)
        for shelf in self._shelves.values():
            if shelf is not None:
                shelf.drop(names)
        return there

    def move(self, names: Collection[str], to: str, *, progress: Progress = silent) -> int:
        """Move blocks to a place: copied, read back, verified, and only then dropped elsewhere."""
        if to not in self._holders():
            there = ", ".join(self._holders())
            raise BadInput(f"there is no place {shown(to)}", hint=f"there are: {there or 'none'}")
        moved = 0
        for number, name in enumerate(sorted(names), start=1):
            moved += self._brought(name, to) if to in _MEMORY else self._put_down(name, to)
            progress(f"moving blocks to {to}", number, len(names))
        return moved

    def verify(self, *, progress: Progress = silent) -> list[str]:
        """The names of blocks on disk that are damaged."""
        disk = self._shelves[DISK]
        names = sorted(disk.names()) if disk is not None else []
        damaged = []
        for number, name in enumerate(names, start=1):
            if disk is not None and disk.damaged(name):
                damaged.append(name)
            progress("verifying blocks", number, len(names))
        return damaged

    def usage(self) -> tuple[Usage, ...]:
        """What each place holds, fastest first."""
        told = []
        if self._pool is not None:
            size = self._pool.slab.layout.block_bytes
            used, budget = len(self._pool), self._pool.budget
            place = self._memory_place()
            told.append(_usage(place, used, used * size, budget * size, self._pool.counters))
        for place, shelf in self._shelves.items():
            if shelf is not None:
                count = len(shelf.names())
                told.append(
                    _usage(place, count, shelf.used_bytes, shelf.budget_bytes, shelf.counters)
                )
        return tuple(told)

    def close(self) -> None:
        """Let go of memory and files."""
        with self._lock:
            self._pool = None
            for shelf in self._shelves.values():
                if shelf is not None:
                    shelf.close()

    def took(self, tokens: int, seconds: float) -> None:
        """Computing so many tokens took so long; it is remembered for the next plan."""
        now = seconds / max(1, tokens)
        before = self._seconds_per_token
        self._seconds_per_token = now if not before else 0.8 * before + 0.2 * now

    def _attached(self) -> Pool:
        if self._pool is None:
            raise BadInput("no model is attached", hint="attach one first")
        return self._pool

    def _memory_place(self) -> str:
        return GPU if self._attached().slab.device.type == "cuda" else RAM

    def _holders(self) -> dict[str, Callable[[], set[str]]]:
        pool = {} if self._pool is None else {self._memory_place(): self._pool.names}
        return pool | {p: shelf.names for p, shelf in self._shelves.items() if shelf is not None}

    def _private(self, pages: int) -> Pool:
        """Memory for one text that the pool has no room for; it goes with the session."""
        from memos.models.kv_slab import Slab

        slab = self._attached().slab
        return Pool(Slab(slab.layout, pages, slab.device), 0, self._policy(0))

    def _loads(self, blocks: Sequence[Block], pool: Pool) -> dict[str, Shelf]:
        """From which shelf each block is loaded; those in memory and those to compute are not."""
        found: dict[str, Shelf] = {}
        for shelf in self._shelves.values():
            if shelf is None:
                continue
            there = shelf.names()
            found.update((one.name, shelf) for one in blocks
                         if one.name in there and one.name not in found)  # fmt: skip
        away = [one for one in blocks if one.name not in pool]
        return {one.name: found[one.name] for one in away[self._computed(away, found) :]
                if one.name in found}  # fmt: skip

    def _computed(self, away: Sequence[Block], found: Mapping[str, Shelf]) -> int:
        """How many of the first blocks that are not in memory are computed, loading the others."""
        if not self._seconds_per_token:
            return 0
        size = self._attached().slab.layout.token_bytes
        compute = [one.tokens * self._seconds_per_token for one in away]
        load = [
            one.tokens * size / found[one.name].bytes_per_second if one.name in found else 0.0
            for one in away
        ]
        return computed_first(compute, load)

    def _write(
        self, block: Block, state: State, seconds: float, held: Collection[str], *, insist: bool
    ) -> None:
        self.took(block.tokens, seconds)
        disk = self._shelves[DISK]
        if disk is None:
            return
        try:
            layout = self._attached().slab.layout
            disk.put(block.name, state, layout, seconds=seconds, held=held)
        except OutOfSpace:
            if insist:
                raise  # otherwise the answer is what counts: the block is computed again

    def _brought(self, name: str, to: str) -> int:
        """Bring a block into memory; what is on disk stays, since memory does not last."""
        pool = self._attached()
        shelf = next((one for one in self._shelves.values() if one and name in one.names()), None)
        if name in pool or shelf is None:
            return 0
        content = shelf.get(name)
        tokens = header_of(content, name).tokens
        (page,) = pool.pages(1)
        try:
            codec = header_of(content, name).codec
            decode(body_of(content, name), codec, tokens, pool.slab.layout,
                   out=pool.slab.state(page, tokens))  # fmt: skip
            made = pool.admit(Block(name, "", 0, tokens), page, 0.0)
        except BaseException:
            pool.slab.give([page])
            raise
        if made is None:
            pool.slab.give([page])
            raise OutOfSpace(f"the place {to} has no room", hint=f"give it more: kv.{to}")
        pool.release([made])
        return pool.slab.layout.block_bytes

    def _put_down(self, name: str, to: str) -> int:
        """Move a block to a shelf, and off what is faster."""
        shelf = self._shelves[to]
        if shelf is None:
            return 0
        moved = 0
        if name not in shelf.names():
            content = self._bytes_of(name, shelf)
            if content is None:
                return 0
            shelf.put_bytes(name, content)
            shelf.get(name)
            moved = len(content)
        if self._pool is not None:
            self._pool.drop([name])
        disk = self._shelves[DISK]
        if to == SHARED and disk is not None:
            disk.drop([name])
        return moved

    def _bytes_of(self, name: str, to: Shelf) -> Content | None:
        for shelf in self._shelves.values():
            if shelf is not None and name in shelf.names():
                return shelf.get(name)
        held = None if self._pool is None else self._pool.hold(name)
        if self._pool is None or held is None:
            return None
        try:
            slab = self._pool.slab
            return to.packed(name, slab.state(held.page, held.tokens), slab.layout)
        finally:
            self._pool.release([held])


def _usage(place: str, blocks: int, used: int, budget: int | None, counters: Counters) -> Usage:
    return Usage(
        place,
        blocks,
        used,
        budget,
        counters.hits,
        counters.misses,
        counters.read_bytes,
        counters.read_seconds,
        counters.written_bytes,
        counters.written_seconds,
        counters.evicted,
        counters.damaged,
    )
