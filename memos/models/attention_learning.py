"""Attention that is learnt through, on a processor: for rows of some hundred tokens.

In bfloat16 the kernel that torch has there takes up to twice as long, forwards and back
(``python -m benchmarks.attention_learning``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def pays(query: torch.Tensor) -> bool:
    """Whether to attend by :func:`attend`."""
    import torch

    return query.requires_grad and query.device.type == "cpu" and query.dtype == torch.bfloat16


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    *,
    scale: float,
) -> torch.Tensor:
    """softmax(scale · q kᵀ + mask) v, as [rows, tokens, heads, width].

    Args:
        query: [rows, heads, tokens, width].
        key: [rows, heads that share keys, tokens, width].
        value: of the same shape.
        mask: [rows or 1, 1, tokens, tokens], added.
        scale: by which products are multiplied.
    """
    groups = query.shape[1] // key.shape[1]
    keys = key.repeat_interleave(groups, dim=1)
    values = value.repeat_interleave(groups, dim=1)
    scores = (query * scale) @ keys.transpose(-1, -2) + mask
    return (scores.softmax(-1) @ values).transpose(1, 2)
