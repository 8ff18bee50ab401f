"""What a training has reached, as bytes: a safetensors file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.errors import CorruptionError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Sequence

    import torch

    from memos.models.training_order import Order

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of each weight."""


@dataclass(slots=True)
class State:
    """Where a training stands, its weights apart."""

    recent: deque[float]
    """The losses of the last steps."""
    order: Order
    step: int = 0
    first: float = 0.0
    """The loss of the first step."""


def written(
    state: State, weights: Sequence[torch.Tensor], optimizer: torch.optim.Optimizer
) -> bytes:
    """Everything that a training needs to go on as if it had not stopped."""
    from safetensors.torch import save

    tensors = {}
    for number, weight in enumerate(weights):
        tensors[f"{number}.weight"] = weight.detach().cpu().contiguous()
        for name in _MOMENTS:
            tensors[f"{number}.{name}"] = optimizer.state[weight][name].detach().cpu().contiguous()
    told = {
        "step": state.step,
        "first": state.first,
        "recent": list(state.recent),
        "order": state.order.state,
    }
    return save(tensors, metadata={"training": json.dumps(told)})


def restored(
    content: bytes,
    state: State,
    weights: Sequence[torch.Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Bring a training to where :func:`written` found it.

    Raises:
        CorruptionError: the bytes are not of such a training.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["training"])
        with torch.no_grad():
            for number, weight in enumerate(weights):
                weight.copy_(tensors[f"{number}.weight"])
                moments = {name: tensors[f"{number}.{name}"] for name in _MOMENTS}
                optimizer.state[weight] = {
                    name: moment if name == "step" else moment.to(weight.device)
                    for name, moment in moments.items()
                }
        state.step, state.first = int(told["step"]), float(told["first"])
        state.recent.extend(told["recent"])
        state.order.state = told["order"]
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        message = "what was saved of a training does not belong to it"
        raise CorruptionError(message, hint="drop the training and begin anew") from error
