"""What a training has reached, as bytes: a safetensors file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.errors import CorruptionError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping

    import torch

    from memos.models.trainee import Trainee
    from memos.models.training_order import Order

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of each weight."""
_ENDED = "ended."
"""Before the names of what the stages that have ended left."""


@dataclass(slots=True)
class State:
    """Where a training stands, its weights apart."""

    recent: deque[float]
    """The losses of the last steps."""
    order: Order
    optimizer: torch.optim.Optimizer
    stage: int = 0
    begun: int = 0
    """How many steps the stages before took."""
    step: int = 0
    first: float = 0.0
    """The loss of the first step."""


def written(state: State, trainee: Trainee) -> bytes:
    """Everything that a training needs to go on as if it had not stopped."""
    from safetensors.torch import save

    tensors = {f"{_ENDED}{name}": left for name, left in trainee.ended().items()}
    for number, weight in enumerate(trainee.weights):
        tensors[f"{number}.weight"] = weight
        for name in _MOMENTS:
            tensors[f"{number}.{name}"] = state.optimizer.state[weight][name]
    told = {
        "stage": state.stage,
        "begun": state.begun,
        "step": state.step,
        "first": state.first,
        "recent": list(state.recent),
        "order": state.order.state,
    }
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(kept, metadata={"training": json.dumps(told)})


def restored(content: bytes, trainee: Trainee, begin: Callable[[int], State]) -> State:
    """Where :func:`written` found a training; ``begin`` gives the beginning of a stage.

    Raises:
        CorruptionError: the bytes are not of such a training.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["training"])
        ended = {
            name.removeprefix(_ENDED): tensor
            for name, tensor in tensors.items()
            if name.startswith(_ENDED)
        }
        trainee.resume(ended)
        state = begin(range(len(trainee.stages))[told["stage"]])
        _take_up(tensors, trainee, state.optimizer)
        state.begun, state.step = int(told["begun"]), int(told["step"])
        state.first = float(told["first"])
        state.recent.extend(map(float, told["recent"]))
        state.order.state = told["order"]
    except (SafetensorError, ValueError, LookupError, TypeError) as error:
        message = "what was saved of a training does not belong to it"
        raise CorruptionError(message, hint="drop the training and begin anew") from error
    return state


def _take_up(
    tensors: Mapping[str, torch.Tensor], trainee: Trainee, optimizer: torch.optim.Optimizer
) -> None:
    import torch

    for number, weight in enumerate(trainee.weights):
        step, *moments = (tensors[f"{number}.{name}"] for name in _MOMENTS)
        kept = tensors[f"{number}.weight"]
        if any(one.shape != weight.shape for one in (kept, *moments)):
            raise ValueError(f"the weight {number} has another shape")
        with torch.no_grad():
            weight.copy_(kept)
        first, second = (moment.to(weight.device) for moment in moments)
        optimizer.state[weight] = dict(zip(_MOMENTS, (step, first, second), strict=True))
