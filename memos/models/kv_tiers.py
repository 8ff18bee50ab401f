"""The blocks of a store over their places, and the texts that are read from them.

        session: hold, load, compute
              |
gpu or ram: a pool of pages that the model reads   <── loads ──  disk, shared: shelves of bytes
              └────────────── a computed block is written to disk ──────────┘
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput, OutOfSpace, shown
from memos.models.kv_codec import decode
from memos.models.kv_plan import computed_first
from memos.models.kv_pool import Pool
from memos.models.kv_session import Session, Source
from memos.models.kv_shared import SharedShelf
from memos.models.kv_slab import Paged, Slab
from memos.ports.block_wire import body_of, header_of
from memos.ports.blocks import Block
from memos.ports.kv import DISK, GPU, RAM, SHARED, Usage
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import torch

    from memos.models.kv_graph import Graphs
    from memos.models.kv_pool import Counters, Move
    from memos.models.kv_shelf import Shelf
    from memos.models.kv_state import State
    from memos.ports.blocks import Content, Layout
    from memos.ports.eviction import Eviction

_MEMORY = (GPU, RAM)
_SINKS, _RECENT = 4, 64
"""Of a text, so many of the first and of the last tokens stay exact where a codec is coarse."""
_WORKING = 16
"""Pages of a slab beyond its budget: questions and answers are written into them."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """The most bytes that blocks take in each place of memory."""

    gpu: int = 4 << 30
    ram: int = 1 << 30
    ram_codec: str = "raw"
    """How blocks are kept in ``ram`` beside a GPU: ``raw`` or ``int8``."""


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
        self._pools: dict[str, Pool] = {}
        self._sources: list[Source] = []
        self._wait: Callable[[int], None] | None = None
        self.graphs: Callable[[Any], Graphs] | None = None
        """Makes captured passes of a model over the blocks, where they lie on a GPU."""
        self._lock = threading.RLock()
        self._seconds_per_token = 0.0

    def attach(self, layout: Layout, device: torch.device) -> None:
        """Take memory for a model's blocks, next to where it computes.

        Raises:
            BadInput: another model is attached already.
        """
        with self._lock:
            if self._pools:
                if self._near.slab.layout == layout:
                    return
                raise BadInput("another model's blocks are attached", hint="open another store")
            if device.type == "cuda":
                self._attach_gpu(layout, device)
            else:
                self._pools[RAM] = self._made(Slab(layout, self._count(RAM, layout), device), RAM)

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
        pool, kept = self._near, blocks[:stored]
        needed = len(blocks) + -(-room // pool.slab.layout.block_tokens) + 1
        sources = list(self._sources)
        if pool.room() < needed:
            private = self._private(needed)
            sources, pool = [_copying(pool, private)], private
        names = {block.name for block in blocks}
        away = [one for one in kept if not any(one.name in held for held in self._pools.values())]

        def write(block: Block, page: int, seconds: float) -> None:
            exact = _SINKS if block is kept[0] else 0, _RECENT if block is kept[-1] else 0
            state = pool.slab.state(page, block.tokens)
            self.took(block.tokens, seconds)
            self._write(block, state, Kept(seconds, exact, names), insist=insist)

        return Session(
            pool, blocks, kept, sources=sources, loads=self._loads(away), write=write,
            wait=self._wait,
        )  # fmt: skip

    def names(self) -> set[str]:
        """Every block in a place that is this store's own."""
        disk = self._shelves[DISK]
        own = [disk.names()] if disk else []
        return set().union(*own, *(pool.names() for pool in self._pools.values()))

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
        for place in (*self._pools.values(), *self._shelves.values()):
            if place is not None:
                place.drop(names)
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
        for place, pool in self._pools.items():
            size, used = pool.slab.block_bytes, len(pool)
            told.append(_usage(place, used, (used * size, pool.budget * size), pool.counters))
        for place, shelf in self._shelves.items():
            if shelf is not None:
                count = len(shelf.names())
                told.append(
                    _usage(place, count, (shelf.used_bytes, shelf.budget_bytes), shelf.counters)
                )
        return tuple(told)

    def close(self) -> None:
        """Let go of memory and files."""
        with self._lock:
            for pool in self._pools.values():
                pool.slab.close()
            self._pools.clear()
            self._sources.clear()
            for shelf in self._shelves.values():
                if shelf is not None:
                    shelf.close()

    def took(self, tokens: int, seconds: float) -> None:
        """Computing so many tokens took so long; it is remembered for the next plan."""
        now = seconds / max(1, tokens)
        before = self._seconds_per_token
        self._seconds_per_token = now if not before else 0.8 * before + 0.2 * now

    @property
    def _near(self) -> Pool:
        """The pool that the model reads."""
        if not self._pools:
            raise BadInput("no model is attached", hint="attach one first")
        return next(iter(self._pools.values()))

    def _count(self, place: str, layout: Layout) -> int:
        size: int = getattr(self._budgets, place)
        return size // layout.block_bytes + _WORKING

    def _made(self, slab: Paged, place: str) -> Pool:
        size: int = getattr(self._budgets, place)
        return Pool(slab, size // slab.block_bytes, self._policy(size))

    def _attach_gpu(self, layout: Layout, device: torch.device) -> None:
        """A pool on the GPU, one in page-locked memory beside it, and the way between them."""
        from memos.models.kv_gpu import Bridge
        from memos.models.kv_host import HostSlab

        slab = _slab(layout, self._count(GPU, layout), device)
        gpu = self._pools[GPU] = self._made(slab, GPU)
        host = HostSlab(layout, self._budgets.ram, codec=self._budgets.ram_codec)
        ram = self._pools[RAM] = self._made(host, RAM)
        bridge = Bridge(host, slab)
        self._sources.append(Source(ram, bridge.bring, bridge.end))
        gpu.spill = bridge.spilling(ram)
        self._wait, self.graphs = bridge.wait, bridge.graphs

    def _holders(self) -> dict[str, Callable[[], set[str]]]:
        pools = {place: pool.names for place, pool in self._pools.items()}
        shelves = {place: one.names for place, one in self._shelves.items() if one is not None}
        return {**pools, **shelves}

    def _private(self, pages: int) -> Pool:
        """Memory for one text that the pool has no room for; it goes with the session."""
        slab = self._near.slab
        if not isinstance(slab, Slab):
            raise TypeError(slab)
        return Pool(_slab(slab.layout, pages, slab.device), 0, self._policy(0))

    def _loads(self, away: Sequence[Block]) -> dict[str, Shelf]:
        """From which shelf each block is loaded that is not in memory; others are computed."""
        found: dict[str, Shelf] = {}
        for shelf in self._shelves.values():
            if shelf is None:
                continue
            there = shelf.holding([one.name for one in away if one.name not in found])
            found.update(dict.fromkeys(there, shelf))
        loaded = away[self._computed(away, found) :]
        return {one.name: found[one.name] for one in loaded if one.name in found}

    def _computed(self, away: Sequence[Block], found: Mapping[str, Shelf]) -> int:
        """How many of the first blocks that are not in memory are computed, loading the others."""
        if not self._seconds_per_token:
            return 0
        size = self._near.slab.layout.token_bytes
        compute = [one.tokens * self._seconds_per_token for one in away]
        load = [
            found[one.name].seconds(one.name, one.tokens * size) if one.name in found else 0.0
            for one in away
        ]
        return computed_first(compute, load)

    def _write(self, block: Block, state: State, kept: Kept, *, insist: bool) -> None:
        layout, shared = self._near.slab.layout, self._shelves[SHARED]
        if isinstance(shared, SharedShelf):
            shared.offer(block.name, state, layout)
        disk = self._shelves[DISK]
        if disk is None:
            return
        try:
            disk.put(
                block.name, state, layout,
                seconds=kept.seconds, exact=kept.exact, held=kept.held,
            )  # fmt: skip
        except OutOfSpace:
            if insist:
                raise  # otherwise the answer is what counts: the block is computed again

    def _brought(self, name: str, to: str) -> int:
        """Bring a block into memory; what is on disk stays, since memory does not last."""
        pool = self._pools[to]
        found = None if name in pool else self._read(name)
        if found is None:
            return 0
        if not pool.put(Block(name, "", 0, found.tokens), found):
            raise OutOfSpace(f"the place {to} has no room", hint=f"give it more: kv.{to}")
        for place, other in self._pools.items():
            if place != to:
                other.drop([name])
        return pool.slab.block_bytes

    def _put_down(self, name: str, to: str) -> int:
        """Move a block to a shelf, and off what is faster."""
        shelf = self._shelves[to]
        if shelf is None:
            return 0
        moved = 0
        if to == SHARED or name not in shelf.names():
            content = self._bytes_of(name, shelf)
            if content is None:
                return 0
            shelf.put_bytes(name, content)
            shelf.get(name)
            moved = len(content)
        for pool in self._pools.values():
            pool.drop([name])
        disk = self._shelves[DISK]
        if to == SHARED and disk is not None:
            disk.drop([name])
        return moved

    def _read(self, name: str) -> State | None:
        """A block from wherever it lies, copied; None where it is nowhere."""
        for pool in self._pools.values():
            held = pool.hold(name)
            if held is not None:
                try:
                    return pool.slab.state(held.page, held.tokens).copied()
                finally:
                    pool.release([held])
        for shelf in self._shelves.values():
            if shelf is not None and name in shelf.names():
                content = shelf.get(name)
                header = header_of(content, name)
                layout = self._near.slab.layout
                return decode(body_of(content, name), header.codec, header.tokens, layout)
        return None

    def _bytes_of(self, name: str, to: Shelf) -> Content | None:
        for shelf in self._shelves.values():
            if shelf not in (None, to) and name in shelf.names():
                return shelf.get(name)
        state = self._read(name)
        return None if state is None else to.packed(name, state, self._near.slab.layout)


@dataclass(frozen=True, slots=True)
class Kept:
    """How a block that was computed is kept on a shelf."""

    seconds: float
    """That computing it took."""
    exact: tuple[int, int]
    """How many of its first and last tokens stay exact, whatever the codec."""
    held: Collection[str]
    """Blocks that must stay there."""


def _slab(layout: Layout, pages: int, device: torch.device) -> Slab:
    """A slab, of whatever device; one that has no memory for it says which setting takes it."""
    import torch

    try:
        return Slab(layout, pages, device)
    except torch.OutOfMemoryError as error:
        size = pages * layout.block_bytes
        message = f"{device} has no {size:,} bytes for attention state beside the model"
        raise OutOfSpace(message, hint="give it less: kv.gpu") from error


def _copying(source: Pool, target: Pool) -> Source:
    """Blocks of one pool are copied to another at once."""

    def bring(moves: Sequence[Move]) -> None:
        for move in moves:
            target.slab.write(move.target, source.slab.state(move.source, move.tokens))

    return Source(source, bring, lambda: None)


def _usage(place: str, blocks: int, bytes_: tuple[int, int | None], counters: Counters) -> Usage:
    return Usage(
        place,
        blocks,
        *bytes_,
        counters.hits,
        counters.misses,
        counters.read_bytes,
        counters.read_seconds,
        counters.written_bytes,
        counters.written_seconds,
        counters.evicted,
        counters.damaged,
    )
