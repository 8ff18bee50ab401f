"""What a safetensors file holds, read from its header; no tensor is loaded.

8 bytes        length n of the header, little-endian
n bytes        JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
the rest       the tensors, one after the other
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube import Activation, Parametric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memos.cube import Payload

_WIDTHS = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2,
           "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor, as the header describes it."""

    dtype: str
    shape: tuple[int, ...]


def misfit(payload: Payload, content: bytes) -> str | None:
    """How the bytes of a blob differ from what the payload says of them; None where they fit."""
    if isinstance(payload, Activation | Parametric) and payload.size_bytes != len(content):
        return f"it has {len(content)} bytes, not {payload.size_bytes}"
    try:
        tensors = read(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"it is not a safetensors file: {error}"
    if isinstance(payload, Activation):
        return _state_misfit(payload, tensors)
    if isinstance(payload, Parametric):
        return _weights_misfit(payload, tensors)
    return None


def read(content: bytes) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 + length:
        raise ValueError("it is cut short")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors, end = {}, 0
    for name, told in sorted(header.items(), key=lambda pair: pair[1]["data_offsets"]):
        tensor = Tensor(str(told["dtype"]), tuple(int(size) for size in told["shape"]))
        start, stop = told["data_offsets"]
        if start != end or stop - start != math.prod(tensor.shape) * _WIDTHS[tensor.dtype]:
            raise ValueError(f"{name} does not lie where it should")
        tensors[name], end = tensor, stop
    if 8 + length + end != len(content):
        raise ValueError("its length is not that of its tensors")
    return tensors


def _state_misfit(payload: Activation, tensors: Mapping[str, Tensor]) -> str | None:
    parts = [f"layers.{layer}.{part}" for layer in range(payload.layers)
             for part in ("key", "value")]  # fmt: skip
    if set(tensors) != {"tokens", *parts}:
        return f"it holds {len(tensors)} tensors, which are not those of {payload.layers} layers"
    if tensors["tokens"] != Tensor("I64", (payload.tokens,)):
        return f"its tokens are not {payload.tokens} numbers"
    for name in parts:
        shape = tensors[name].shape
        if len(shape) != 3 or shape[1] != payload.tokens:
            return f"{name} of shape {list(shape)} is not of {payload.tokens} tokens"
    return None


def _weights_misfit(payload: Parametric, tensors: Mapping[str, Tensor]) -> str | None:
    count = sum(math.prod(tensor.shape) for tensor in tensors.values())
    if count != payload.adapter.parameters:
        return f"it has {count} parameters, not {payload.adapter.parameters}"
    return None
