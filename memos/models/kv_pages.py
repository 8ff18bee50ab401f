"""Where a text lies in a slab: stored blocks first, and behind them what is appended.

    closed: blocks that lie in the slab, never written | open: the pages of what was appended last

What is appended goes into pages of its own. So the question and the answer lie behind the stored
blocks, and those are as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from memos.models.kv_slab import Run, Slab, runs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.models.kv_attention_triton import Table


@dataclass(frozen=True, slots=True)
class Piece:
    """Where some of the tokens of one call lie: in a page, from a token on."""

    page: int
    start: int
    count: int


def table_of(pages: Sequence[tuple[int, int]], queries: int, slab: Slab) -> Table:
    """(page, tokens) of a text as a table on the slab's device."""
    import torch

    from memos.models.kv_attention_triton import Table

    starts = [0, *accumulate(tokens for _, tokens in pages)]
    told = [len(pages), starts[-1] - queries, *(page for page, _ in pages), *starts]
    on_device = torch.tensor(told, dtype=torch.int32).to(slab.device, non_blocking=True)
    split = 2 + len(pages)
    return Table(on_device[2:split], on_device[split:], on_device[:2])


class Pages:
    """The pages of one text, in order, for all layers at once.

    Args:
        slab: where they lie.
        stored: (page, tokens) of blocks that somebody else holds; they are never written.
        take: who gives so many pages to append to; by default the slab.
    """

    def __init__(
        self,
        slab: Slab,
        stored: Sequence[tuple[int, int]] = (),
        take: Callable[[int], list[int]] | None = None,
    ) -> None:
        self.slab = slab
        self._take = take or slab.take
        self.last: list[Piece] = []
        """What was appended last."""
        self._stored = list(stored)
        self._own: list[tuple[int, int]] = []
        self._closed: list[Run] | None = None
        self._table: Table | None = None

    @property
    def length(self) -> int:
        """How many tokens there are."""
        return sum(tokens for _, tokens in (*self._stored, *self._own))

    def append(self, tokens: int) -> None:
        """Make room for tokens behind the others; ``last`` says where.

        They begin in a new page, unless the open one has room for all of them.

        Raises:
            OutOfSpace: the slab has no more pages.
        """
        size = self.slab.layout.block_tokens
        self.last, self._closed, self._table = [], None, None
        if self._own and self._own[-1][1] + tokens <= size:
            page, filled = self._own[-1]
            self._own[-1] = (page, filled + tokens)
            self.last = [Piece(page, filled, tokens)]
            return
        pages = self._take(-(-tokens // size))
        for number, page in enumerate(pages):
            count = min(size, tokens - number * size)
            self._own.append((page, count))
            self.last.append(Piece(page, 0, count))

    def add(self, page: int, tokens: int) -> None:
        """A block that lies in the slab already comes next; nothing may have been appended."""
        self._stored.append((page, tokens))
        self._closed = None

    def keep(self) -> list[int]:
        """What was appended last is blocks now, one a page; the pages belong to the caller."""
        first = len(self._own) - len(self.last)
        blocks, self._own = self._own[first:], self._own[:first]
        self._stored += blocks
        self.last, self._closed = [], None
        return [page for page, _ in blocks]

    def fits(self, tokens: int, padded: int) -> bool:
        """Whether appending leaves room for padding in the page that is appended to."""
        size = self.slab.layout.block_tokens
        filled = self._own[-1][1] if self._own else size
        begins = 0 if filled + tokens > size else filled
        return begins + padded <= size

    def closed(self) -> list[Run]:
        """The pages before those that were appended to last."""
        if self._closed is None:
            before = [*self._stored, *self._own[: len(self._own) - len(self.last)]]
            self._closed = runs_of(before, self.slab.layout.block_tokens)
        return self._closed

    def runs(self) -> list[Run]:
        """All pages."""
        return runs_of(self.all(), self.slab.layout.block_tokens)

    def opened(self) -> list[tuple[int, int]]:
        """(page, tokens) of the pages that were appended to last, with all that is in them."""
        return self._own[len(self._own) - len(self.last) :]

    def table(self) -> Table:
        """All pages, on the device; the queries are the tokens that were appended last."""
        if self._table is None:
            self._table = table_of(self.all(), sum(one.count for one in self.last), self.slab)
        return self._table

    def all(self) -> list[tuple[int, int]]:
        """(page, tokens) of everything, in order."""
        return [*self._stored, *self._own]

    def crop(self, tokens: int) -> None:
        """Take the last ``tokens`` away; only what was appended can be.

        Raises:
            ValueError: there were not so many.
        """
        self.last, self._closed = [], None
        while tokens and self._own:
            page, filled = self._own.pop()
            taken = min(filled, tokens)
            tokens -= taken
            if filled > taken:
                self._own.append((page, filled - taken))
            else:
                self.slab.give([page])
        if tokens:
            raise ValueError("stored blocks cannot be cropped")

    def release(self) -> None:
        """Give the pages back that were taken for what was appended."""
        self.slab.give([page for page, _ in self._own])
        self._own, self.last, self._closed = [], [], None
