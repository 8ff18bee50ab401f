"""Blocks in a dictionary: gone when the process ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.stores.block_checks import absent, found, require_block, verified_block
from memos.stores.digests import checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.ports.blocks import Content


class MemoryBlocks:
    """Copies of blocks, by name; whoever gets one may not write to it."""

    def __init__(self) -> None:
        self._blocks: dict[str, bytes] = {}

    def put(self, name: str, content: Content) -> None:
        """Keep a copy of a block."""
        require_block(name, content)
        self._blocks[name] = bytes(content)

    def get(self, name: str) -> Content:
        """The block, verified."""
        content = self._blocks.get(checked(name))
        if content is None:
            raise absent(name)
        return verified_block(name, content)

    def get_many(self, names: Sequence[str]) -> Iterator[tuple[str, Content | None]]:
        """Each block, in order."""
        listed = [checked(name) for name in names]
        return ((name, found(self.get, name)) for name in listed)

    def drop(self, name: str) -> None:
        """Remove a block, if it is there."""
        self._blocks.pop(checked(name), None)

    def sizes(self) -> dict[str, int]:
        """The names of all blocks, and how many bytes each takes."""
        return {name: len(content) for name, content in self._blocks.copy().items()}

    def close(self) -> None:
        """Nothing is open."""
