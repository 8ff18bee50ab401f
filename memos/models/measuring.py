"""How a model does on text: losses and divergences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memos.models.losses import divergence, surprises
from memos.models.packed import Packed, Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

_TOGETHER = 8


def mean_loss(model: Any, passages: Sequence[Passage]) -> float:
    """Mean negative log-likelihood of the predicted tokens of all ``passages``."""
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(passages), _TOGETHER):
            part = passages[start : start + _TOGETHER]
            said = Packed(part, (), model.device).predictions(model)
            losses = torch.cat(surprises(part, said))
            total += float(losses.mean()) * len(losses)
            count += len(losses)
    return total / count


def mean_divergence(
    model: Any,
    passages: Sequence[Passage],
    changed: Callable[[], AbstractContextManager[None]],
) -> float:
    """Mean KL divergence, per predicted token, of a changed model from the model as it is."""
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(passages), _TOGETHER):
            packed = Packed(passages[start : start + _TOGETHER], (), model.device)
            before = packed.predictions(model)
            with changed():
                after = packed.predictions(model)
            tokens = sum(map(len, before))
            total += float(divergence(before, after)) * tokens
            count += tokens
    return total / count
