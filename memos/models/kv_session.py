"""One text while it is read: what there is of it is loaded, the rest is computed and kept.

blocks   | in the slab | on disk      | nowhere | on disk   |
         | held        | loaded …     | computed| loaded …  |   loading and computing overlap
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from memos.models.kv_pages import Pages

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
            for name, whole in self.shelf.load(names, slab.layout, outs):
                self._tell({name: whole})
        finally:
            missing = {name: False for name in names if name not in self._done}
            self._tell(missing)

    def _tell(self, done: dict[str, bool]) -> None:
        with self._changed:
            self._done.update(done)
            self._changed.notify_all()


class Session:
    """The pages of one text, from when it is asked for until the answer is written.

    Args:
        pool: in whose slab the text lies.
        blocks: the part of the text that is read block by block.
        kept: those of them that are looked up, and kept when they are computed.
        loads: by name, the shelves from which blocks are loaded; what is nowhere is computed.
        write: keeps a computed block elsewhere, too: block, page, seconds that it took.
    """

    def __init__(
        self,
        pool: Pool,
        blocks: Sequence[Block],
        kept: Sequence[Block],
        *,
        loads: Mapping[str, Shelf],
        write: Callable[[Block, int, float], None],
    ) -> None:
        self._pool, self._write = pool, write
        self._kept = {block.name for block in kept}
        self._held: dict[str, Resident] = {}
        self._page_of: dict[str, int] = {}
        self._mine: set[int] = set()
        self._loadings: dict[str, Loading] = {}
        self._next: int | None = None
        self.pages = Pages(pool.slab, take=self._taken)
        self.reused = 0
        """How many tokens were not computed."""
        try:
            self._begin(blocks, loads)
        except BaseException:
            self.close()
            raise

    def ready(self, block: Block) -> bool:
        """Whether a block need not be computed: it then comes next in the pages.

        Otherwise what is appended next is this block.
        """
        held = self._held.get(block.name)
        if held is None and block.name in self._loadings:
            if self._loadings[block.name].wait(block.name):
                self._admit(block, self._page_of[block.name], 0.0)
                self.pages.add(self._page_of[block.name], block.tokens)
                self.reused += block.tokens
                return True
        elif held is not None:
            self.pages.add(held.page, block.tokens)
            self.reused += block.tokens
            return True
        self._next = self._page_of[block.name]
        return False

    def computed(self, block: Block, seconds: float) -> None:
        """What was appended last is this block; computing it took so long."""
        page, _ = self.pages.keep()
        self._mine.add(page)
        if block.name in self._kept:
            self._admit(block, page, seconds)
            self._write(block, page, seconds)

    def close(self) -> None:
        """Let go of all pages; blocks that were admitted stay in the pool."""
        for loading in self._loadings.values():
            loading.end()
        self.pages.release()
        self._pool.slab.give(sorted(self._mine))
        self._pool.release(self._held.values())
        self._held, self._mine = {}, set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, blocks: Sequence[Block], loads: Mapping[str, Shelf]) -> None:
        for block in blocks:
            held = self._pool.hold(block.name) if block.name in self._kept else None
            if held is not None:
                self._held[block.name] = held
        missing = [block for block in blocks if block.name not in self._held]
        pages = self._pool.pages(len(missing)) if missing else []
        self._mine.update(pages)
        self._page_of = {one.name: page for one, page in zip(missing, pages, strict=True)}
        by_shelf: dict[Shelf, list[tuple[Block, int]]] = {}
        for block in missing:
            if block.name in loads:
                wanted = by_shelf.setdefault(loads[block.name], [])
                wanted.append((block, self._page_of[block.name]))
        for shelf, wanted in by_shelf.items():
            loading = Loading(shelf, self._pool, wanted)
            self._loadings.update((block.name, loading) for block, _ in wanted)
            loading.start()

    def _admit(self, block: Block, page: int, seconds: float) -> None:
        made = self._pool.admit(block, page, seconds)
        if made is not None:
            self._held[block.name] = made
            self._mine.discard(page)

    def _taken(self, count: int) -> list[int]:
        if self._next is None:
            return self._pool.pages(count)
        page, self._next = self._next, None
        return [page]
