"""An adapter's bytes: a safetensors file whose metadata name the method and the shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

METHODS = ("lora", "prefix", "side")
_ROUTE = "route."
"""Tensors of the router, which the model does not wear."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What is written of an adapter."""

    method: str
    shape: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]

    def number(self, name: str) -> int:
        """A whole number of the shape, at least 1.

        Raises:
            CorruptionError: it is not there.
        """
        value = self.shape.get(name)
        if not isinstance(value, int) or value < 1:
            raise CorruptionError(f"the adapter's {name} is {value!r}, no whole number from 1 on")
        return value


def to_bytes(packet: Packet) -> bytes:
    """A safetensors file; equal adapters have equal bytes."""
    from safetensors.torch import save

    tensors = {name: t.detach().cpu().contiguous() for name, t in packet.tensors.items()}
    return save(tensors, metadata={packet.method: json.dumps(packet.shape)})


def from_bytes(content: bytes, device: torch.device) -> Packet:
    """What :func:`to_bytes` wrote.

    Raises:
        CorruptionError: the bytes are no adapter in the safetensors format.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        method, shape = _shape(content)
    except (SafetensorError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise CorruptionError("the bytes are no adapter in the safetensors format") from error
    worn = {name: t.to(device) for name, t in tensors.items() if not name.startswith(_ROUTE)}
    return Packet(method, shape, worn)


def _shape(content: bytes) -> tuple[str, dict[str, Any]]:
    #  8 bytes: length n | n bytes: JSON header | tensors
    length = int.from_bytes(content[:8], "little")
    told = json.loads(content[8 : 8 + length])["__metadata__"]
    method = next(name for name in METHODS if name in told)
    shape = json.loads(told[method])
    if not isinstance(shape, dict):
        raise TypeError("the shape is no object")
    return method, shape


def require_float(name: str, tensor: torch.Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a tensor of another shape, or of other numbers, than the model needs.

    Raises:
        CorruptionError: so it is.
    """
    import torch

    if tuple(tensor.shape) != shape or tensor.dtype != torch.float32:
        raise CorruptionError(
            f"{name} is {tensor.dtype} {tuple(tensor.shape)}, not torch.float32 {shape}",
            hint="it was made by another model, or the bytes have changed",
        )
