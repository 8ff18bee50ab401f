"""LoRAs (Hu et al., 2021, arXiv 2106.09685): their tensors, their bytes, and what they add."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.cube import Adapter
from memos.errors import CorruptionError
from memos.models.adapter_wire import Packet, require_float
from memos.models.hooks import Hook, hooked
from memos.models.trainee import AtOnce
from memos.models.upper_blocks import can_be_cut, first_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import torch

    from memos.models.lesson import Lesson
    from memos.ports.runtime import Recipe

_PREFIX = "base_model.model."
"""The names are those of the library peft, so that its users can read them."""
_A, _B = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True)
class Lora:
    """Pairs of matrices A [rank, in] and B [out, rank] by the module whose output they add to."""

    adapter: Adapter
    pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    ahead: int = 0

    @property
    def scale(self) -> float:
        """The factor of every addition."""
        return self.adapter.alpha / self.adapter.rank

    @property
    def weights(self) -> list[torch.Tensor]:
        """Everything that is trained."""
        return [tensor for pair in self.pairs.values() for tensor in pair]

    def packet(self) -> Packet:
        """What its bytes are made of."""
        shape = {"rank": self.adapter.rank, "alpha": self.adapter.alpha}
        tensors = {}
        for module, (a, b) in self.pairs.items():
            tensors[f"{_PREFIX}{module}{_A}"] = a
            tensors[f"{_PREFIX}{module}{_B}"] = b
        return Packet("lora", shape, tensors)


@dataclass(frozen=True, slots=True)
class LoraTrainee(AtOnce):
    """A LoRA of the upper blocks, in training."""

    lora: Lora
    first: int
    stages: Sequence[range]

    @property
    def weights(self) -> list[torch.Tensor]:
        """What is trained."""
        return self.lora.weights

    @property
    def adapter(self) -> Adapter:
        """Its shape."""
        return self.lora.adapter

    def worn(self, model: Any) -> AbstractContextManager[None]:
        """Put it on a model; afterwards the model is as it was."""
        return hooked(hooks(model, None, [self.lora]))

    def packet(self) -> Packet:
        """What its bytes are made of."""
        return self.lora.packet()


def trainee(model: Any, lesson: Lesson, recipe: Recipe) -> LoraTrainee:
    """A LoRA to be trained, which changes nothing yet."""
    first = first_of(model, recipe.below)
    if first and not can_be_cut(model, first, lesson.examples[0].tokens):
        first = 0
    return LoraTrainee(fresh(model, recipe), first, [range(len(lesson.examples))])


def fresh(model: Any, recipe: Recipe) -> Lora:
    """A LoRA that adds nothing yet: A as linear layers begin, B zero."""
    import torch

    modules = linear_modules(model, recipe.below)
    pairs = {}
    for name, module in modules.items():
        a = torch.empty(recipe.rank, module.in_features, device=model.device)
        torch.nn.init.kaiming_uniform_(a, a=math.sqrt(5))
        b = torch.zeros(module.out_features, recipe.rank, device=model.device)
        pairs[name] = (a.requires_grad_(), b.requires_grad_())
    return Lora(_adapter(pairs, recipe.rank, recipe.alpha), pairs)


def linear_modules(model: Any, below: float) -> dict[str, Any]:
    """The linear layers that are trained, by name: of the blocks above the share ``below``."""
    import torch

    output = model.get_output_embeddings()
    found = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not output
    }
    blocks = 1 + max(map(depth, found), default=0)
    return {name: module for name, module in found.items() if depth(name) >= int(blocks * below)}


def depth(name: str) -> int:
    """Which block a module belongs to."""
    return next((int(part) for part in name.split(".") if part.isdigit()), 0)


def read(packet: Packet, model: Any) -> Lora:
    """The LoRA that :meth:`Lora.packet` gave.

    Raises:
        CorruptionError: it does not fit the model.
    """
    rank, alpha = packet.number("rank"), float(packet.shape.get("alpha", 0))
    names = {name.removesuffix(_A).removesuffix(_B) for name in packet.tensors}
    if set(packet.tensors) != {name + end for name in names for end in (_A, _B)} or not names:
        raise CorruptionError("the adapter has half of a pair of tensors, or none at all")
    pairs = {}
    for name in sorted(names):
        module = linear(model, name.removeprefix(_PREFIX))
        a, b = packet.tensors[name + _A], packet.tensors[name + _B]
        require_float(name + _A, a, (rank, module.in_features))
        require_float(name + _B, b, (module.out_features, rank))
        pairs[name.removeprefix(_PREFIX)] = (a, b)
    return Lora(_adapter(pairs, rank, alpha), pairs)


def linear(model: Any, name: str) -> Any:
    """The linear layer of that name.

    Raises:
        CorruptionError: the model has none.
    """
    import torch

    try:
        module = model.get_submodule(name)
    except AttributeError as error:
        raise CorruptionError(f"the model has no module {name!r} for the adapter") from error
    if not isinstance(module, torch.nn.Linear):
        raise CorruptionError(f"the adapter's module {name!r} is no linear layer of the model")
    return module


def _adapter(
    pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]], rank: int, alpha: float
) -> Adapter:
    return Adapter(
        rank=rank,
        alpha=alpha,
        targets=tuple(sorted(pairs)),
        parameters=sum(tensor.numel() for pair in pairs.values() for tensor in pair),
    )


@dataclass(frozen=True, slots=True)
class _Addition:
    """What one module adds: to some rows, or to all of them."""

    rows: torch.Tensor | None
    """None: all rows wear the same."""
    a: torch.Tensor
    """[rank, in], or [rows, rank, in]."""
    b: torch.Tensor
    """[out, rank], or [rows, out, rank]."""
    scale: float

    def __call__(self, _: Any, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> Any:
        """Forward hook of a linear layer: its output with the addition."""
        given = inputs[0] if self.rows is None else inputs[0][self.rows]
        narrow = (given.to(self.a.dtype) @ self.a.mT) * self.scale
        added = (narrow @ self.b.mT).to(out.dtype)
        if self.rows is None:
            return out + added
        # rows that wear nothing keep what the module gave them, to the last bit
        return out.index_add(0, self.rows, added)


def hooks(model: Any, rows: Sequence[int] | None, loras: Sequence[Lora]) -> list[Hook]:
    """By which each of some rows adds what its LoRA says; without rows, all add the only one's."""
    names = dict.fromkeys(name for lora in loras for name in lora.pairs)
    if rows is None:
        additions = {name: _for_all(loras[0], name) for name in names}
    else:
        wearing = list(zip(rows, loras, strict=True))
        additions = {
            name: _for_some([(row, lora) for row, lora in wearing if name in lora.pairs], name)
            for name in names
        }
    return [Hook(model.get_submodule(name), addition) for name, addition in additions.items()]


def _for_all(lora: Lora, name: str) -> _Addition:
    a, b = lora.pairs[name]
    return _Addition(None, a, b, lora.scale)


def _for_some(wearing: Sequence[tuple[int, Lora]], name: str) -> _Addition:
    import torch

    rank = max(lora.adapter.rank for _, lora in wearing)
    pairs = [lora.pairs[name] for _, lora in wearing]
    rows = torch.tensor([row for row, _ in wearing], device=pairs[0][0].device)
    a = torch.stack([_padded(a, 0, rank) for a, _ in pairs])
    b = torch.stack(
        [_padded(b * lora.scale, 1, rank) for (_, lora), (_, b) in zip(wearing, pairs, strict=True)]
    )
    return _Addition(rows, a, b, 1.0)


def _padded(tensor: torch.Tensor, axis: int, rank: int) -> torch.Tensor:
    import torch

    missing = rank - tensor.shape[axis]
    if not missing:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = missing
    return torch.cat([tensor, tensor.new_zeros(shape)], dim=axis)
