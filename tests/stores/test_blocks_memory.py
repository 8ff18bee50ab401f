"""Blocks in a dictionary keep the port's promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from memos.stores.blocks_memory import MemoryBlocks
from memos.testing.blocks import BlocksSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.blocks import Blocks


class TestMemoryBlocks(BlocksSuite):
    @pytest.fixture
    def blocks(self) -> Blocks:
        return MemoryBlocks()

    def reopened(self, blocks: Blocks) -> Blocks:
        return blocks

    def files(self) -> Path | None:
        return None

    def raw(self, blocks: Blocks, name: str) -> bytes:
        return cast("MemoryBlocks", blocks)._blocks[name]

    def spoil(self, blocks: Blocks, name: str, raw: bytes) -> None:
        cast("MemoryBlocks", blocks)._blocks[name] = raw
