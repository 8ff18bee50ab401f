"""How far what a model says is from what it should say, and from what it said before."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from memos.models.packed import Passage


def surprises(passages: Sequence[Passage], said: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Of each passage the negative log-likelihoods of its predicted tokens."""
    import torch

    expected = list(chain.from_iterable(passage.predicted for passage in passages))
    together = torch.cat(list(said[: len(passages)]))
    target = torch.tensor(expected, device=together.device)
    losses = torch.nn.functional.nll_loss(together, target, reduction="none")
    return list(torch.split(losses, [len(passage.predicted) for passage in passages]))


def divergence(anchors: Sequence[torch.Tensor], said: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean KL divergence of what is said from the anchors, per predicted token."""
    import torch

    if not anchors:
        return torch.zeros(())
    before, after = torch.cat(list(anchors)), torch.cat(list(said))
    return torch.nn.functional.kl_div(after, before, log_target=True, reduction="batchmean")
