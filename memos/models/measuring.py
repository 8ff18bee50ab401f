"""How a model does on text: losses and divergences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from memos.models.losses import divergence, surprises
from memos.models.packed import Packed, Passage
from memos.ports.runtime import Drift

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
            total += float(torch.cat(surprises(part, said)).sum())
            count += sum(map(len, said))
    return total / count


def drift(
    model: Any,
    passages: Sequence[Passage],
    changed: Callable[[], AbstractContextManager[None]],
) -> Drift:
    """What a change does to a model, per predicted token of all ``passages``."""
    import torch

    before, after, moved, count = 0.0, 0.0, 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(passages), _TOGETHER):
            part = passages[start : start + _TOGETHER]
            packed = Packed(part, (), model.device)
            said = packed.predictions(model)
            with changed():
                then = packed.predictions(model)
            tokens = sum(map(len, said))
            before += float(torch.cat(surprises(part, said)).sum())
            after += float(torch.cat(surprises(part, then)).sum())
            moved += float(divergence(said, then)) * tokens
            count += tokens
    return Drift(
        before=math.exp(before / count), after=math.exp(after / count), divergence=moved / count
    )
