"""A LoRA that the model wears for one call and then takes off, by way of peft."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.cube import Adapter
from memos.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch

_PREFIX = "base_model.model."
_PARTS = (".lora_A.weight", ".lora_B.weight")
_NAME = "memory"


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA's tensors by the names that peft gives them, and its shape."""

    adapter: Adapter
    tensors: Mapping[str, torch.Tensor]


def linear_modules(model: Any) -> tuple[str, ...]:
    """The names of the linear layers that are trained: those of the upper two thirds of blocks.

    What the lower blocks make of single words is left alone; training costs a quarter less.
    """
    import torch

    output = model.get_output_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not output
    ]
    blocks = 1 + max(map(_depth, names))
    return tuple(name for name in names if _depth(name) >= blocks // 3)


def _depth(name: str) -> int:
    """Which block a module belongs to."""
    return next((int(part) for part in name.split(".") if part.isdigit()), 0)


@contextmanager
def fresh(model: Any, *, rank: int, alpha: float) -> Iterator[None]:
    """Put an untrained LoRA on a model; afterwards the model is as it was."""
    with _injected(model, rank, alpha, linear_modules(model)):
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()  # also where the model computes in 16 bits
        yield


@contextmanager
def worn(model: Any, lora: Lora | None) -> Iterator[None]:
    """Put a LoRA on a model, if there is one; afterwards the model is as it was."""
    import torch

    if lora is None:
        yield
        return
    shape = lora.adapter
    with _injected(model, shape.rank, shape.alpha, shape.targets, empty=True):
        for name, tensor in lora.tensors.items():
            module = model.get_submodule(_in_model(name).removesuffix(".weight"))
            module.weight = torch.nn.Parameter(tensor, requires_grad=False)
        yield


def taken(model: Any, *, rank: int, alpha: float) -> Lora:
    """A copy of what a model wears."""
    tensors = {
        _PREFIX + name.replace(f".{_NAME}.", "."): parameter.detach().cpu().clone()
        for name, parameter in model.named_parameters()
        if f".{_NAME}." in name
    }
    return Lora(_adapter(tensors, rank, alpha), tensors)


@contextmanager
def _injected(
    model: Any, rank: int, alpha: float, targets: Sequence[str], *, empty: bool = False
) -> Iterator[None]:
    from peft import LoraConfig, LoraModel

    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets))
    injected = LoraModel(model, config, _NAME, low_cpu_mem_usage=empty)
    try:
        yield
    finally:
        injected.unload()


def _in_model(name: str) -> str:
    """The name that a tensor of the blob has while the model wears it."""
    stem, _, kind = name.removeprefix(_PREFIX).rpartition(".")
    return f"{stem}.{_NAME}.{kind}"


def to_bytes(lora: Lora) -> bytes:
    """A safetensors file; equal LoRAs have equal bytes."""
    from safetensors.torch import save

    shape = {"rank": lora.adapter.rank, "alpha": lora.adapter.alpha}
    return save(dict(lora.tensors), metadata={"lora": json.dumps(shape)})


def from_bytes(content: bytes, model: Any, device: torch.device) -> Lora:
    """The LoRA that :func:`to_bytes` wrote.

    Raises:
        CorruptionError: the bytes are not a safetensors file, or do not fit the model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        rank, alpha = _shape(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptionError("the adapter is not a LoRA in the safetensors format") from error
    _check(tensors, model, rank)
    return Lora(_adapter(tensors, rank, alpha), {name: t.to(device) for name, t in tensors.items()})


def _shape(content: bytes) -> tuple[int, float]:
    #  8 bytes: length n | n bytes: JSON header | tensors
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    shape = json.loads(header["__metadata__"]["lora"])
    return int(shape["rank"]), float(shape["alpha"])


def _check(tensors: Mapping[str, torch.Tensor], model: Any, rank: int) -> None:
    import torch

    expected: dict[str, tuple[int, int]] = {}
    for name in {_module(name) for name in tensors}:
        module = _linear(model, name)
        a, b = (f"{_PREFIX}{name}{part}" for part in _PARTS)
        expected |= {a: (rank, module.in_features), b: (module.out_features, rank)}
    if set(tensors) != set(expected):
        raise CorruptionError("the adapter has half of a pair of tensors, or none at all")
    for name, shape in expected.items():
        found = tensors[name]
        if tuple(found.shape) != shape or found.dtype != torch.float32:
            raise CorruptionError(
                f"{name} is {found.dtype} {tuple(found.shape)}, not torch.float32 {shape}",
                hint="it was made by another model, or the bytes have changed",
            )


def _linear(model: Any, name: str) -> Any:
    import torch

    try:
        module = model.get_submodule(name)
    except AttributeError as error:
        raise CorruptionError(f"the model has no module {name!r} for the adapter") from error
    if not isinstance(module, torch.nn.Linear):
        raise CorruptionError(f"the adapter's module {name!r} is no linear layer of the model")
    return module


def _adapter(tensors: Mapping[str, torch.Tensor], rank: int, alpha: float) -> Adapter:
    return Adapter(
        rank=rank,
        alpha=alpha,
        targets=tuple(sorted({_module(name) for name in tensors})),
        parameters=sum(tensor.numel() for tensor in tensors.values()),
    )


def _module(name: str) -> str:
    for part in _PARTS:
        name = name.removesuffix(part)
    return name.removeprefix(_PREFIX)
