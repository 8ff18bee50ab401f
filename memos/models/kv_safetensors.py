"""Attention state and its bytes: one safetensors file, checked against the model that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import CorruptionError, NotSupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


@dataclass(frozen=True, slots=True)
class Shape:
    """What the attention state of a model looks like."""

    layers: tuple[tuple[int, int, int], ...]
    """For each layer: key-value heads, width of a key, width of a value."""
    dtype: torch.dtype
    vocabulary: int


@dataclass(frozen=True, slots=True)
class State:
    """The attention state after ``tokens``; never written to."""

    tokens: tuple[int, ...]
    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    """For each layer: keys and values [heads, T, width]."""

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return sum(k.nbytes + v.nbytes for k, v in self.layers)

    def cache(self, length: int) -> Any:
        """A new cache that holds copies of the first ``length`` tokens."""
        from transformers import DynamicCache

        fresh = DynamicCache()
        for number, (key, value) in enumerate(self.layers):
            # update() appends to an empty tensor, which copies
            fresh.update(key[None, :, :length], value[None, :, :length], number)
        return fresh


def state_of(tokens: Sequence[int], cache: Any) -> State:
    """The state that a model has left in ``cache``, which must not be used any more.

    Raises:
        NotSupported: the model keeps something else than one key and value a token and layer.
    """
    layers = []
    for layer in cache.layers:
        key, value = getattr(layer, "keys", None), getattr(layer, "values", None)
        if key is None or value is None or key.ndim != 4 or key.shape[2] != len(tokens):
            raise NotSupported(
                f"attention state of layers of type {type(layer).__name__}",
                hint="use a model in which every layer attends to the whole text",
            )
        layers.append((key[0], value[0]))
    return State(tuple(tokens), tuple(layers))


def shape_of(state: State, vocabulary: int) -> Shape:
    """The shape that every state of the same model has."""
    layers = tuple((k.shape[0], k.shape[2], v.shape[2]) for k, v in state.layers)
    return Shape(layers, state.layers[0][0].dtype, vocabulary)


def to_bytes(state: State) -> bytes:
    """A safetensors file; equal states have equal bytes."""
    import torch
    from safetensors.torch import save

    tensors = {"tokens": torch.tensor(state.tokens, dtype=torch.int64)}
    for number, (key, value) in enumerate(state.layers):
        tensors[f"layers.{number}.key"] = key.contiguous().cpu()
        tensors[f"layers.{number}.value"] = value.contiguous().cpu()
    return save(tensors)


def from_bytes(content: bytes, shape: Shape, device: torch.device) -> State:
    """The state that :func:`to_bytes` wrote.

    Raises:
        CorruptionError: the bytes are not a safetensors file, or not a state of that shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
    except SafetensorError as error:
        raise CorruptionError("the attention state is not a safetensors file") from error
    numbers = range(len(shape.layers))
    names = {"tokens", *(f"layers.{n}.{part}" for n in numbers for part in ("key", "value"))}
    if set(tensors) != names:
        odd = min(set(tensors) ^ names)
        message = f"the attention state is not one of {len(shape.layers)} layers: see {odd!r}"
        raise CorruptionError(message, hint="it was made by another model")
    tokens = _tokens(tensors.pop("tokens"), shape)
    _check(tensors, shape, len(tokens))
    layers = tuple(
        (tensors[f"layers.{n}.key"].to(device), tensors[f"layers.{n}.value"].to(device))
        for n in numbers
    )
    return State(tokens, layers)


def _tokens(tensor: torch.Tensor, shape: Shape) -> tuple[int, ...]:
    import torch

    if tensor.dtype != torch.int64 or tensor.ndim != 1 or tensor.numel() == 0:
        raise CorruptionError("the attention state does not say which tokens it is of")
    tokens = tuple(tensor.tolist())
    if min(tokens) < 0 or max(tokens) >= shape.vocabulary:
        raise CorruptionError("the attention state is of tokens that the model does not have")
    return tokens


def _check(tensors: dict[str, torch.Tensor], shape: Shape, length: int) -> None:
    for number, (heads, key_width, value_width) in enumerate(shape.layers):
        for part, width in (("key", key_width), ("value", value_width)):
            name = f"layers.{number}.{part}"
            found, expected = tensors[name], (heads, length, width)
            if tuple(found.shape) != expected or found.dtype != shape.dtype:
                raise CorruptionError(
                    f"{name} is {found.dtype} {tuple(found.shape)}, not {shape.dtype} {expected}",
                    hint="it was made by another model, or the bytes have changed",
                )
