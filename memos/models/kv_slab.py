"""Pages for blocks of attention state, allocated once: the model reads where the blocks lie.

layer 0   | page 0: keys, values | page 1: keys, values | page 2 …
layer 1   | page 0: keys, values | …

Pages side by side are one contiguous piece of memory in each layer, so that a run of blocks is
copied in as few and as large pieces as there are layers.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.errors import OutOfSpace
from memos.models.kv_state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from memos.ports.blocks import Layout


@dataclass(frozen=True, slots=True)
class Run:
    """Blocks that lie side by side, all of the same length."""

    page: int
    """The first one's page."""
    count: int
    tokens: int
    """Of each of them."""


class Paged(ABC):
    """Room for so many blocks, one to a page, and which of the pages somebody has."""

    def __init__(self, layout: Layout, pages: int) -> None:
        self.layout, self.pages = layout, pages
        self._free = [True] * pages
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """How many pages nobody has."""
        with self._lock:
            return sum(self._free)

    def take(self, count: int) -> list[int]:
        """Pages that nobody has: side by side where there are so many in the smallest gap.

        Raises:
            OutOfSpace: there are not so many.
        """
        with self._lock:
            pages = self._fitting(count)
            for page in pages:
                self._free[page] = False
            return pages

    def give(self, pages: Sequence[int]) -> None:
        """Pages that are not needed any more; their bytes stay until they are written again."""
        with self._lock:
            for page in pages:
                self._free[page] = True

    @property
    def block_bytes(self) -> int:
        """What a full block takes here, in all layers."""
        return self.layout.block_bytes

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of the memory."""

    @abstractmethod
    def write(self, page: int, state: State) -> None:
        """Put a block into a page."""

    @abstractmethod
    def state(self, page: int, tokens: int) -> State:
        """The block in a page."""

    @abstractmethod
    def clear(self, pages: Sequence[int]) -> None:
        """Overwrite pages: what was forgotten does not stay in memory."""

    def _fitting(self, count: int) -> list[int]:
        gaps = self._gaps()
        if sum(length for _, length in gaps) < count:
            message = f"there is no room for {count} blocks of {self.layout.block_tokens} tokens"
            raise OutOfSpace(message, hint="give the place more memory: kv.ram or kv.gpu")
        whole = [gap for gap in gaps if gap[1] >= count]
        if whole:
            start, _ = min(whole, key=lambda gap: gap[1])
            return list(range(start, start + count))
        found: list[int] = []
        for start, length in sorted(gaps, key=lambda gap: -gap[1]):
            found += range(start, start + min(length, count - len(found)))
            if len(found) == count:
                break
        return found

    def _gaps(self) -> list[tuple[int, int]]:
        """Where free pages begin, and how many there are."""
        gaps: list[tuple[int, int]] = []
        for page, free in enumerate(self._free):
            if not free:
                continue
            if gaps and sum(gaps[-1]) == page:
                gaps[-1] = (gaps[-1][0], gaps[-1][1] + 1)
            else:
                gaps.append((page, 1))
        return gaps


class Slab(Paged):
    """Memory for a number of blocks on one device, in the model's own dtype.

    Args:
        layout: what a block looks like.
        pages: how many there is room for.
        device: where.
    """

    def __init__(self, layout: Layout, pages: int, device: torch.device | str) -> None:
        import torch

        dtype = getattr(torch, layout.dtype)
        cells = layout.block_tokens * layout.heads
        self._split = cells * layout.key_width
        shape = (layout.layers, pages, cells * (layout.key_width + layout.value_width))
        # On a CPU, memory is taken when it is first written.
        self.memory = torch.empty(shape, dtype=dtype, device=device)
        super().__init__(layout, pages)
        paged = (layout.layers, pages, layout.block_tokens, layout.heads)
        self.keys = self.memory[..., : self._split].view(*paged, layout.key_width)
        """[layers, pages, T, heads, key width]"""
        self.values = self.memory[..., self._split :].view(*paged, layout.value_width)
        """[layers, pages, T, heads, value width]"""

    @property
    def device(self) -> torch.device:
        """Where it lies."""
        return self.memory.device

    def clear(self, pages: Sequence[int]) -> None:
        """Overwrite pages: what was forgotten does not stay in memory."""
        for page in pages:
            self.memory[:, page].zero_()

    def write(self, page: int, state: State) -> None:
        """Put a block into a page."""
        there = self.state(page, state.tokens)
        there.keys.copy_(state.keys)
        there.values.copy_(state.values)

    def state(self, page: int, tokens: int) -> State:
        """The block in a page, without a copy."""
        return State(self.keys[:, page, :tokens], self.values[:, page, :tokens])


def runs_of(pages: Sequence[tuple[int, int]], block_tokens: int) -> list[Run]:
    """(page, tokens) of blocks in order, as runs: full ones that lie side by side are one."""
    runs: list[Run] = []
    for page, tokens in pages:
        last = runs[-1] if runs else None
        full = tokens == block_tokens
        if full and last and last.tokens == tokens and last.page + last.count == page:
            runs[-1] = Run(last.page, last.count + 1, tokens)
        else:
            runs.append(Run(page, 1, tokens))
    return runs
