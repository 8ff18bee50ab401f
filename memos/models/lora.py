"""LoRAs (Hu et al., 2021, arXiv 2106.09685): their tensors, their bytes, and what they add."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.cube import Adapter
from memos.errors import CorruptionError
from memos.models.adapter_wire import Packet, require_float

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from memos.ports.runtime import Recipe

_PREFIX = "base_model.model."
"""The names are those of the library peft, so that its users can read them."""
_A, _B = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True)
class Lora:
    """Pairs of matrices A [rank, in] and B [out, rank] by the module whose output they add to."""

    adapter: Adapter
    pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]]

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
    blocks = 1 + max(map(_depth, found))
    return {name: module for name, module in found.items() if _depth(name) >= int(blocks * below)}


def _depth(name: str) -> int:
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
