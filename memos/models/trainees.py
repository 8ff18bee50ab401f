"""Adapters in training, by method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput
from memos.models import lora
from memos.models.adapter_wire import METHODS
from memos.models.upper_blocks import can_be_cut, first_of
from memos.models.wearing import worn

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import torch

    from memos.cube import AnyAdapter
    from memos.models.adapter_wire import Packet
    from memos.models.training import Lesson, Trainee
    from memos.ports.runtime import Recipe


@dataclass(frozen=True, slots=True)
class LoraTrainee:
    """A LoRA of the upper blocks."""

    lora: lora.Lora
    first: int

    @property
    def weights(self) -> list[torch.Tensor]:
        """What is trained."""
        return self.lora.weights

    @property
    def adapter(self) -> AnyAdapter:
        """Its shape."""
        return self.lora.adapter

    def worn(self, model: Any) -> AbstractContextManager[None]:
        """Put it on a model; afterwards the model is as it was."""
        return worn(model, [self.lora])

    def packet(self) -> Packet:
        """What its bytes are made of."""
        return self.lora.packet()


def trainee(model: Any, lesson: Lesson, recipe: Recipe) -> Trainee:
    """A new adapter that changes nothing yet.

    Raises:
        BadInput: no method is called like that.
    """
    if recipe.method == "lora":
        first = first_of(model, recipe.below)
        if first and not can_be_cut(model, first, lesson.examples[0].tokens):
            first = 0
        return LoraTrainee(lora.fresh(model, recipe), first)
    raise BadInput(f"no way to train is called {recipe.method!r}", hint=", ".join(METHODS))
