"""int8 blocks decoded on a GPU in one pass over their bytes: the same numbers as the codec's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import triton
import triton.language as tl

from memos.models import kv_parts

if TYPE_CHECKING:
    import torch

    from memos.models.kv_parts import Form
    from memos.models.kv_state import State

_CELLS = 4096


def decode_int8(rows: torch.Tensor, form: Form, out: State) -> None:
    """Write one layer of some int8 blocks to ``out``.

    Args:
        rows: uint8 [n, bytes of a layer], on the GPU.
        form: what each block is of.
        out: keys and values [n, T, heads, width]; within a block they are contiguous.
    """
    parts = kv_parts.views(rows, form)
    for side, numbers, width in (
        ("keys", out.keys, form.key_width),
        ("values", out.values, form.value_width),
    ):
        steps, scales = parts[side], parts[f"{side}.scales"]
        middles = parts.get(f"{side}.middles")
        cells = form.tokens * form.heads * width
        _decode[(triton.cdiv(cells, _CELLS), rows.shape[0])](
            steps, scales, scales if middles is None else middles, numbers,
            steps.stride(0), scales.stride(0), numbers.stride(0), cells,
            ROW=form.heads * width, WIDTH=width, GROUP=kv_parts.KEY_GROUP["int8"],
            BY_CHANNEL=side == "keys", MIDDLES=middles is not None, CELLS=_CELLS, num_warps=8,
        )  # fmt: skip


@triton.jit
def _decode(  # type: ignore[no-untyped-def]
    steps, scales, middles, out, steps_block, scales_block, out_block, cells,
    ROW: tl.constexpr, WIDTH: tl.constexpr, GROUP: tl.constexpr, BY_CHANNEL: tl.constexpr,
    MIDDLES: tl.constexpr, CELLS: tl.constexpr,
):  # fmt: skip
    block = tl.program_id(1).to(tl.int64)
    cell = tl.program_id(0) * CELLS + tl.arange(0, CELLS)
    there = cell < cells
    step = tl.load(steps + block * steps_block + cell, mask=there, other=0).to(tl.float32)
    token = cell // ROW
    if BY_CHANNEL:
        group = token // GROUP * ROW + cell % ROW
    else:
        group = cell // WIDTH
    scale = tl.load(scales + block * scales_block + group, mask=there, other=0.0).to(tl.float32)
    number = step * scale
    if MIDDLES:
        middle = tl.load(middles + block * scales_block + group, mask=there, other=0.0)
        number += middle.to(tl.float32)
    tl.store(out + block * out_block + cell, number.to(out.dtype.element_ty), mask=there)
