"""Blocks in a computer's own memory, for a GPU beside it: page-locked, and perhaps in fewer bits.

layer 0   | page 0 | page 1 | …        a page holds one layer of a block's body,
layer 1   | page 0 | page 1 | …        as the codec writes it
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from memos.models import kv_parts
from memos.models.kv_codec import decode, encode
from memos.models.kv_slab import Paged

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from memos.models.kv_parts import Form
    from memos.models.kv_state import State
    from memos.ports.blocks import Layout


class HostSlab(Paged):
    """Page-locked memory for a number of blocks, from which a GPU copies at full speed.

    Args:
        layout: what a block looks like.
        size_bytes: how much memory there is for them.
        codec: how they are kept: ``raw`` or ``int8``.
    """

    def __init__(self, layout: Layout, size_bytes: int, *, codec: str = "raw") -> None:
        import torch

        page_bytes = kv_parts.form_of(layout, layout.block_tokens, codec).layer_bytes
        pages = size_bytes // (layout.layers * page_bytes)
        super().__init__(layout, pages)
        self.codec, self.page_bytes = codec, page_bytes
        self.memory = torch.empty((layout.layers, pages, self.page_bytes), dtype=torch.uint8)
        self._unlock = weakref.finalize(self, _unlock, self.memory) if _lock(self.memory) else None

    def close(self) -> None:
        """Let go of the memory."""
        if self._unlock is not None:
            self._unlock()

    @property
    def block_bytes(self) -> int:
        """What a full block takes here, in all layers."""
        return self.layout.layers * self.page_bytes

    def form(self, tokens: int) -> Form:
        """What the body of so many tokens looks like here."""
        return kv_parts.form_of(self.layout, tokens, self.codec)

    def write(self, page: int, state: State) -> None:
        """Put a block into a page."""
        import torch

        body = torch.frombuffer(encode(state, self.codec), dtype=torch.uint8)
        rows = body.view(self.layout.layers, -1)
        self.memory[:, page, : rows.shape[1]].copy_(rows)

    def state(self, page: int, tokens: int) -> State:
        """The block in a page, decoded."""
        rows = self.memory[:, page, : self.form(tokens).layer_bytes]
        return decode(rows.reshape(-1), self.codec, tokens, self.layout)

    def clear(self, pages: Sequence[int]) -> None:
        """Overwrite pages: what was forgotten does not stay in memory."""
        for page in pages:
            self.memory[:, page].zero_()


def _lock(memory: torch.Tensor) -> bool:
    """Lock pages, so that a GPU copies from them at full speed; torch's own way rounds sizes up."""
    import torch

    if not (torch.cuda.is_available() and memory.nbytes):
        return False
    cudart = torch.cuda.cudart()
    if int(cudart.cudaHostRegister(memory.data_ptr(), memory.nbytes, 0)) == 0:
        return True
    with suppress(RuntimeError):  # the limit of the process: copies are slower, and as right
        torch.cuda.synchronize()
    return False


def _unlock(memory: torch.Tensor) -> None:
    import torch

    torch.cuda.cudart().cudaHostUnregister(memory.data_ptr())
