"""Attention state in blocks: what one looks like, how it is named, and where it lies.

tokens   | head      | memories                                 | question
cuts                 ^                                          ^
blocks   | 0: partly | 1: full | 2: full | 3: partly filled     |
names      H(root,0)   H(0,1)    H(1,2)    H(2,3)

A block is the attention keys and values of at most ``block_tokens`` tokens, in all layers. Its
name is a hash over the model, the tenant, all tokens before it and its own: two texts share the
blocks of the beginning that they have in common, and what was made by another model, with another
dtype or other rotary parameters, for another tenant or in blocks of another length has another
name. It never changes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from memos.cube.identity import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memos.cube import Fingerprint

Content = bytes | bytearray | memoryview
"""A whole block as bytes: see ``memos.ports.block_wire``."""

_FORMAT = 1
_WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class Layout:
    """What the attention state of a model looks like, and in how long pieces it is kept."""

    layers: int
    heads: int
    """Key-value heads."""
    key_width: int
    value_width: int
    dtype: str
    """``float32``, ``bfloat16`` or ``float16``: the model's own, in which nothing is lost."""
    block_tokens: int
    """The most tokens of a block."""

    @property
    def token_bytes(self) -> int:
        """What one token takes, in all layers."""
        width = self.key_width + self.value_width
        return self.layers * self.heads * width * _WIDTHS[self.dtype]

    @property
    def block_bytes(self) -> int:
        """What a full block takes."""
        return self.block_tokens * self.token_bytes


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a text: its name, and from where to where it reaches."""

    name: str
    """64 hexadecimal digits."""
    parent: str
    """The name of the block before it; the root's name where it is the first."""
    start: int
    end: int

    @property
    def tokens(self) -> int:
        """How many tokens it is of."""
        return self.end - self.start


class Blocks(Protocol):
    """One place in which blocks lie, by name.

    What is put is whole or absent, also after a crash at any point of ``put``; a name stands for
    the same tokens for ever, but a codec may keep less than all of their bits. The place itself
    never removes anything: whoever owns it keeps to a budget. Calls may come from several threads.
    """

    def put(self, name: str, content: Content) -> None:
        """Keep a block; putting it again replaces it.

        Raises:
            OutOfSpace: there is no room for it; nothing was changed.
        """
        ...

    def get(self, name: str) -> Content:
        """The block, as it was put, verified.

        Raises:
            MissingBlock: there is none of that name.
            CorruptionError: it is not what was put.
        """
        ...

    def get_many(self, names: Sequence[str]) -> Iterator[tuple[str, Content | None]]:
        """Each block, in order, read as fast as the place can; None where ``get`` raises."""
        ...

    def drop(self, name: str) -> None:
        """Remove a block and every byte of it. Removing what is absent is no error."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """The names of all blocks, and how many bytes each takes here."""
        ...

    def close(self) -> None:
        """Let go of what the place holds open; blocks that are durable stay."""
        ...


def root_name(model: Fingerprint, layout: Layout, salt: str) -> str:
    """The name before the first block: of one model, one layout and one tenant.

    Args:
        model: whose attention state it is; its name does not count.
        layout: the shape and length of blocks.
        salt: the tenant's secret mark, so that no tenant finds another's blocks.
    """
    named = {
        "format": _FORMAT,
        "model": model.model_dump(exclude={"name"}),
        "layout": [layout.layers, layout.heads, layout.key_width, layout.value_width,
                   layout.dtype, layout.block_tokens],
        "salt": salt,
    }  # fmt: skip
    return hashlib.sha256(canonical(named)).hexdigest()


def chained(
    tokens: Sequence[int], cuts: Sequence[int], *, root: str, block_tokens: int
) -> list[Block]:
    """The blocks of a text, of which each begins where the one before it ends.

    Args:
        tokens: the text's token ids.
        cuts: where a block ends in any case, in ascending order; the last is how much of the text
            is kept in blocks.
        root: the name before the first block.
        block_tokens: the most tokens of a block.
    """
    blocks: list[Block] = []
    name = root
    for first, last in pairwise([0, *cuts]):
        for start in range(first, last, block_tokens):
            end = min(start + block_tokens, last)
            parent, name = name, block_name(name, tokens[start:end])
            blocks.append(Block(name, parent, start, end))
    return blocks


def block_name(parent: str, tokens: Sequence[int]) -> str:
    """The name of the block of ``tokens`` behind the block ``parent``."""
    digest = hashlib.sha256(bytes.fromhex(parent))
    digest.update(struct.pack(f"<{len(tokens)}q", *tokens))
    return digest.hexdigest()
