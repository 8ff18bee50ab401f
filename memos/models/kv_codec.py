"""How keys and values are written (replaced)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import CorruptionError

if TYPE_CHECKING:
    from memos.models.kv_state import State
    from memos.ports.blocks import Layout


def encode(state: State, codec: str) -> bytes:
    import torch

    assert codec == "raw"
    parts = []
    for k, v in zip(state.keys, state.values, strict=True):
        for t in (k, v):
            parts.append(t.contiguous().cpu().flatten().view(torch.uint8).numpy().tobytes())
    return b"".join(parts)


def decode(body: memoryview, codec: str, layout: Layout, out: State) -> State:
    import torch

    assert codec == "raw"
    if len(body) != out.tokens * layout.token_bytes:
        raise CorruptionError("a block's body has another length than its tokens need")
    flat = torch.frombuffer(bytearray(body), dtype=out.keys.dtype)
    per = flat.view(layout.layers, -1)
    cut = out.tokens * layout.heads * layout.key_width
    out.keys.copy_(per[:, :cut].reshape(out.keys.shape))
    out.values.copy_(per[:, cut:].reshape(out.values.shape))
    return out
