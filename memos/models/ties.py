"""Several changes of one matrix become one: TIES (Yadav et al., 2023, arXiv 2306.01708)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


def merged(changes: Sequence[torch.Tensor], share: float) -> torch.Tensor:
    """Trim each change to its largest entries, elect a sign for each place, take the mean.

    Args:
        changes: tensors of one shape.
        share: how many of its entries, those furthest from zero, each change keeps.

    Returns:
        At each place the mean of the entries left whose sign is that of their sum.
    """
    import torch

    trimmed = torch.stack([_trimmed(change, share) for change in changes])
    elected = trimmed.sum(0).sign()
    agreeing = (trimmed.sign() == elected) & (trimmed != 0)
    return (trimmed * agreeing).sum(0) / agreeing.sum(0).clamp(min=1)


def _trimmed(change: torch.Tensor, share: float) -> torch.Tensor:
    import torch

    count = round(share * change.numel())
    flat = change.flatten()
    kept = flat.abs().topk(count).indices
    return torch.zeros_like(flat).index_copy(0, kept, flat[kept]).view_as(change)
