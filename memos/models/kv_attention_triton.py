"""Attention over pages on a GPU, in one kernel: pages are read where they lie, by a table.

Keys are split over programs as FlashDecoding splits them (Dao et al. 2023), each with an online
softmax over its pages, and a second kernel joins the parts. Which pages there are, how long each
is and where the queries stand is read from memory on the device, so that a captured graph serves
every text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl

_ROWS, _COLUMNS = 128, 64
_PROGRAMS = 264
"""Two for each multiprocessor of a Hopper GPU."""


@dataclass(frozen=True, slots=True)
class Table:
    """Which pages a text lies in, on the device; room for more than there are."""

    pages: torch.Tensor
    """[at least count] int32"""
    starts: torch.Tensor
    """[at least count + 1] int32: which token of the text is the first of each page; the last
    number is how many tokens there are."""
    count: torch.Tensor
    """[2] int32: how many pages, and which token of the text the first query is."""


def attend(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, table: Table, scale: float
) -> torch.Tensor:
    """Attend from the last tokens of a text to all that stand before each of them.

    Args:
        query: [1, query heads, S, width].
        keys: [pages, T, heads, width] of one layer.
        values: [pages, T, heads, value width].
        table: the pages of the text; the S queries' own keys are in them already.
        scale: by which the products are multiplied.

    Returns:
        [1, S, query heads, value width]
    """
    _, query_heads, length, width = query.shape
    heads, value_width = keys.shape[2], values.shape[3]
    groups = query_heads // heads
    rows = groups * length
    block_rows = min(_ROWS, max(16, triton.next_power_of_2(rows)))
    blocks = triton.cdiv(rows, block_rows)
    splits = max(1, min(64, triton.next_power_of_2(_PROGRAMS // (heads * blocks))))
    parts = torch.empty(
        (splits, heads, rows, value_width), dtype=torch.float32, device=query.device
    )
    sums = torch.empty((splits, heads, rows), dtype=torch.float32, device=query.device)
    exact: Any = {"ALLOWED": "ieee" if query.dtype == torch.float32 else "tf32"}
    _partial[(splits, heads, blocks)](
        query, keys, values, parts, sums, table.pages, table.starts, table.count, scale,
        query.stride(1), query.stride(2), keys.stride(0), keys.stride(1), keys.stride(2),
        values.stride(0), values.stride(1), values.stride(2), rows, length,
        WIDTH=width, VALUE=value_width, WIDE=triton.next_power_of_2(width),
        VALUE_WIDE=triton.next_power_of_2(value_width), ROWS=block_rows, COLUMNS=_COLUMNS,
        num_warps=4 if block_rows < _ROWS else 8, num_stages=3, **exact,
    )  # fmt: skip
    out = torch.empty((1, length, query_heads, value_width), dtype=query.dtype, device=query.device)
    _joined[(heads, rows)](
        parts, sums, out, rows, length, groups, query_heads,
        SPLITS=splits, VALUE=value_width, VALUE_WIDE=triton.next_power_of_2(value_width),
    )  # fmt: skip
    return out


@triton.jit
def _partial(  # type: ignore[no-untyped-def]
    query, keys, values, parts, sums, pages, starts, count, scale,
    query_head, query_token, key_page, key_token, key_head,
    value_page, value_token, value_head, rows, length,
    WIDTH: tl.constexpr, VALUE: tl.constexpr, WIDE: tl.constexpr, VALUE_WIDE: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, ALLOWED: tl.constexpr,
):  # fmt: skip
    split, head, block = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    splits, heads = tl.num_programs(0), tl.num_programs(1)
    there, first = tl.load(count), tl.load(count + 1)
    row = block * ROWS + tl.arange(0, ROWS)
    group, token = row // length, row % length
    groups = rows // length
    across, value_across = tl.arange(0, WIDE), tl.arange(0, VALUE_WIDE)
    asked = tl.load(
        query + ((head * groups + group) * query_head + token * query_token)[:, None]
        + across[None, :],
        mask=(row < rows)[:, None] & (across < WIDTH)[None, :], other=0.0,
    )  # fmt: skip
    position = first + token
    top = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    joined = tl.zeros([ROWS, VALUE_WIDE], tl.float32)
    share = tl.cdiv(there, splits)
    for number in range(split * share, tl.minimum(split * share + share, there)):
        page = tl.load(pages + number).to(tl.int64)
        start = tl.load(starts + number)
        filled = tl.load(starts + number + 1) - start
        key_at = keys + page * key_page + head * key_head
        value_at = values + page * value_page + head * value_head
        for begin in range(0, filled, COLUMNS):
            column = begin + tl.arange(0, COLUMNS)
            key = tl.load(
                key_at + column[None, :] * key_token + across[:, None],
                mask=(column < filled)[None, :] & (across < WIDTH)[:, None], other=0.0,
            )  # fmt: skip
            score = tl.dot(asked, key, input_precision=ALLOWED) * scale
            seen = (column < filled)[None, :] & ((start + column)[None, :] <= position[:, None])
            score = tl.where(seen, score, float("-inf"))
            higher = tl.maximum(top, tl.max(score, 1))
            base = tl.where(higher == float("-inf"), 0.0, higher)
            weight = tl.exp(score - base[:, None])
            faded = tl.exp(top - base)
            total = total * faded + tl.sum(weight, 1)
            value = tl.load(
                value_at + column[:, None] * value_token + value_across[None, :],
                mask=(column < filled)[:, None] & (value_across < VALUE)[None, :], other=0.0,
            )  # fmt: skip
            joined = joined * faded[:, None] + tl.dot(
                weight.to(value.dtype), value, input_precision=ALLOWED
            )
            top = higher
    safe = tl.where(total == 0.0, 1.0, total)
    at = (split * heads + head).to(tl.int64) * rows + row
    tl.store(
        parts + at[:, None] * VALUE + value_across[None, :], joined / safe[:, None],
        mask=(row < rows)[:, None] & (value_across < VALUE)[None, :],
    )  # fmt: skip
    tl.store(sums + at, tl.where(total == 0.0, float("-inf"), top + tl.log(safe)), mask=row < rows)


@triton.jit
def _joined(  # type: ignore[no-untyped-def]
    parts, sums, out, rows, length, groups, query_heads,
    SPLITS: tl.constexpr, VALUE: tl.constexpr, VALUE_WIDE: tl.constexpr,
):  # fmt: skip
    head, row = tl.program_id(0), tl.program_id(1)
    heads = tl.num_programs(0)
    split, across = tl.arange(0, SPLITS), tl.arange(0, VALUE_WIDE)
    at = (split * heads + head).to(tl.int64) * rows + row
    sum_ = tl.load(sums + at)
    weight = tl.exp(sum_ - tl.max(sum_, 0))
    part = tl.load(
        parts + at[:, None] * VALUE + across[None, :], mask=(across < VALUE)[None, :], other=0.0
    )
    joined = tl.sum(part * weight[:, None], 0) / tl.sum(weight, 0)
    place = (row % length) * query_heads + head * groups + row // length
    tl.store(out + place * VALUE + across, joined.to(out.dtype.element_ty), mask=across < VALUE)
