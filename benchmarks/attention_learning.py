"""Attention that is learnt through on a processor: torch's kernel, and by hand.

python -m benchmarks.attention_learning
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from memos.models.attention_learning import attend

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

_HEADS, _WIDTH = 9, 64
_TIMES = 20


def main() -> None:
    """Measure and print."""
    import torch

    torch.set_num_threads(1)
    print(machine(), "one thread", sep="\n")
    print("\n| tokens | numbers | kernel, ms forwards and back | by hand | furthest apart |")
    print("|---:|---|---:|---:|---:|")
    for tokens in (120, 240, 480, 960):
        for dtype in (torch.bfloat16, torch.float32):
            _row(tokens, dtype)


def _row(tokens: int, dtype: torch.dtype) -> None:
    import torch

    made = [torch.randn(1, _HEADS, tokens, _WIDTH, dtype=dtype) for _ in range(3)]
    query, key, value = (one.requires_grad_() for one in made)
    seen = torch.ones(tokens, tokens, dtype=torch.bool).tril()
    mask = torch.zeros(1, 1, tokens, tokens, dtype=dtype)
    mask = mask.masked_fill(~seen, torch.finfo(dtype).min)
    scale = _WIDTH**-0.5

    def kernel() -> torch.Tensor:
        sdpa = torch.nn.functional.scaled_dot_product_attention
        return sdpa(query, key, value, attn_mask=mask, scale=scale).transpose(1, 2)

    def by_hand() -> torch.Tensor:
        return attend(query, key, value, mask, scale=scale)

    apart = float((kernel() - by_hand()).detach().abs().max())
    print(
        f"| {tokens} | {str(dtype).removeprefix('torch.')} | {_milliseconds(kernel):.1f} "
        f"| {_milliseconds(by_hand):.1f} | {apart:.0e} |"
    )


def _milliseconds(attention: Callable[[], torch.Tensor]) -> float:
    for _ in range(3):
        attention().sum().backward()
    started = time.process_time()
    for _ in range(_TIMES):
        attention().sum().backward()
    return (time.process_time() - started) / _TIMES * 1e3


if __name__ == "__main__":
    main()
