"""One text while it is read: what there is of it is loaded, the rest is computed and kept.

blocks   | in the slab | on disk      | nowhere | on disk   |
         | held        | loaded …     | computed| loaded …  |   loading and computing overlap
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from memos.errors import BackendError
from memos.models.kv_pages import Pages
from memos.models.kv_pool import Move

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from memos.models.kv_pool import Pool, Resident
    from memos.models.kv_shelf import Shelf
    from memos.ports.blocks import Block


@dataclass(slots=True)
class Loading:
    """Blocks on their way into pages; a thread of its own brings them."""

    shelf: Shelf
    pool: Pool
    wanted: Sequence[tuple[Block, int]]
    """Blocks and the pages for them."""
    _done: dict[str, bool] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="memos-kv-load", daemon=True)
        self._thread.start()

    def wait(self, name: str) -> bool:
        """Whether the block has come whole; waits until that is known."""
        with self._changed:
            self._changed.wait_for(lambda: name in self._done)
            return self._done[name]

    def end(self) -> None:
        """Wait until nothing is written to the pages any more."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        slab = self.pool.slab
        outs = [slab.state(page, block.tokens) for block, page in self.wanted]
        names = [block.name for block, _ in self.wanted]
        try:
            # a place that cannot be read costs the time to compute what lies there, no answer
            with suppress(BackendError):
                for name, whole in self.shelf.load(names, slab.layout, outs):
                    self._tell({name: whole})
        finally:
            missing = {name: False for name in names if name not in self._done}
            self._tell(missing)

    def _tell(self, done: dict[str, bool]) -> None:
        with self._changed:
            self._done.update(done)
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Source:
    """Another pool, from which blocks are copied into the session's pages."""

    pool: Pool
    bring: Callable[[Sequence[Move]], None]
    """Begins to copy."""
    end: Callable[[], None]
    """Waits until all that was begun has come."""


class Session:
    """The pages of one text, from when it is asked for until the answer is written.

    Args:
        pool: in whose slab the text lies.
        blocks: the part of the text that is read block by block.
        kept: those of them that are looked up, and kept when they are computed.
        sources: pools that are looked into after this one.
        loads: by name, the shelves from which blocks are loaded; what is nowhere is computed.
        write: keeps a computed block elsewhere, too: block, page, seconds that it took.
        wait: called with a layer's number before its blocks are first read.
    """

    def __init__(
        self,
        pool: Pool,
        blocks: Sequence[Block],
        kept: Sequence[Block],
        *,
        sources: Sequence[Source] = (),
        loads: Mapping[str, Shelf],
        write: Callable[[Block, int, float], None],
        wait: Callable[[int], None] | None = None,
    ) -> None:
        self._pool, self._write = pool, write
        self._kept = {block.name for block in kept}
        self._held: dict[str, Resident] = {}
        self._page_of: dict[str, int] = {}
        self._mine: set[int] = set()
        self._lent: list[tuple[Source, Resident]] = []
        self._brought: set[str] = set()
        self._loadings: dict[str, Loading] = {}
        self._next: list[int] = []
        self.wait = wait
        self.pages = Pages(pool.slab, take=self._taken)  # type: ignore[arg-type]
        self.reused = 0
        """How many tokens were not computed."""
        try:
            self._begin(blocks, sources, loads)
        except BaseException:
            self.close()
            raise

    def ready(self, block: Block) -> bool:
        """Whether a block need not be computed: it then comes next in the pages."""
        held = self._held.get(block.name)
        if held is None:
            if not self._has_come(block.name):
                return False
            page = self._page_of[block.name]
            self._admit(block, page, 0.0)
        else:
            page = held.page
        self.pages.add(page, block.tokens)
        self.reused += block.tokens
        return True

    def expects(self, block: Block) -> bool:
        """Whether a block is there, or on its way."""
        there = self._held.keys() | self._brought | self._loadings.keys()
        return block.name in there

    def next(self, blocks: Sequence[Block]) -> None:
        """What is appended next are these blocks, all but the last of them full."""
        self._next = [self._page_of[block.name] for block in blocks]

    def computed(self, blocks: Sequence[Block], seconds: float) -> None:
        """What was appended last are these blocks; computing them took so long."""
        total = sum(block.tokens for block in blocks)
        for block, page in zip(blocks, self.pages.keep(), strict=True):
            self._mine.add(page)
            if block.name in self._kept:
                share = seconds * block.tokens / total
                self._admit(block, page, share)
                self._write(block, page, share)

    def close(self) -> None:
        """Let go of all pages; blocks that were admitted stay in the pool."""
        for loading in self._loadings.values():
            loading.end()
        for source, resident in self._lent:
            source.end()
            source.pool.release([resident])
        self.pages.release()
        self._pool.slab.give(sorted(self._mine))
        self._pool.release(self._held.values())
        self._held, self._mine, self._lent = {}, set(), []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(
        self, blocks: Sequence[Block], sources: Sequence[Source], loads: Mapping[str, Shelf]
    ) -> None:
        names = [block.name for block in blocks if block.name in self._kept]
        for pool in (self._pool, *(source.pool for source in sources)):
            pool.asked(names)
        for block in blocks:
            held = self._pool.hold(block.name) if block.name in self._kept else None
            if held is not None:
                self._held[block.name] = held
        missing = [block for block in blocks if block.name not in self._held]
        pages = self._pool.pages(len(missing)) if missing else []
        self._mine.update(pages)
        self._page_of = {one.name: page for one, page in zip(missing, pages, strict=True)}
        for source in sources:
            self._bring(source, missing)
        self._load([one for one in missing if one.name not in self._brought], loads)

    def _bring(self, source: Source, blocks: Sequence[Block]) -> None:
        moves = []
        for block in blocks:
            if block.name in self._brought or block.name not in self._kept:
                continue
            resident = source.pool.hold(block.name)
            if resident is not None:
                self._lent.append((source, resident))
                self._brought.add(block.name)
                moves.append(Move(resident.page, self._page_of[block.name], block.tokens))
        if moves:
            source.bring(moves)

    def _load(self, blocks: Sequence[Block], loads: Mapping[str, Shelf]) -> None:
        by_shelf: dict[Shelf, list[tuple[Block, int]]] = {}
        for block in blocks:
            if block.name in loads:
                wanted = by_shelf.setdefault(loads[block.name], [])
                wanted.append((block, self._page_of[block.name]))
        for shelf, wanted in by_shelf.items():
            loading = Loading(shelf, self._pool, wanted)
            self._loadings.update((block.name, loading) for block, _ in wanted)
            loading.start()

    def _has_come(self, name: str) -> bool:
        if name in self._brought:
            return True
        loading = self._loadings.get(name)
        return loading is not None and loading.wait(name)

    def _admit(self, block: Block, page: int, seconds: float) -> None:
        made = self._pool.admit(block, page, seconds)
        if made is not None:
            self._held[block.name] = made
            self._mine.discard(page)

    def _taken(self, count: int) -> list[int]:
        if not self._next:
            return self._pool.pages(count)
        pages, self._next = self._next, []
        return pages
