"""Attention state survives its bytes, and nothing else passes for it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from memos.errors import CorruptionError, NotSupported
from memos.models.kv_safetensors import State, from_bytes, shape_of, state_of, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

Tensors = "dict[str, torch.Tensor]"
VOCABULARY = 10


@pytest.fixture
def state() -> State:
    import torch

    tensors = torch.arange(2 * 2 * 2 * 3 * 4, dtype=torch.float32).reshape(2, 2, 2, 3, 4)
    return State((1, 2, 9), tuple((layer[0], layer[1]) for layer in tensors))


def test_a_state_comes_back_bit_for_bit(state: State) -> None:
    import torch

    back = from_bytes(to_bytes(state), shape_of(state, VOCABULARY), torch.device("cpu"))
    assert back.tokens == state.tokens
    for (key, value), (old_key, old_value) in zip(back.layers, state.layers, strict=True):
        assert torch.equal(key, old_key)
        assert torch.equal(value, old_value)
    assert back.size_bytes == state.size_bytes == 2 * 2 * 2 * 3 * 4 * 4


def test_a_cache_is_a_copy(state: State) -> None:
    import torch

    before = to_bytes(state)
    cache = state.cache(2)
    assert cache.get_seq_length() == 2
    cache.layers[0].keys.fill_(7)
    cache.update(torch.zeros(1, 2, 1, 4), torch.zeros(1, 2, 1, 4), 0)
    assert to_bytes(state) == before


def _without_tokens(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["tokens"]


def _of_another_dtype(tensors: dict[str, torch.Tensor]) -> None:
    tensors["layers.0.key"] = tensors["layers.0.key"].half()


def _of_another_length(tensors: dict[str, torch.Tensor]) -> None:
    tensors["layers.1.value"] = tensors["layers.1.value"][:, :2].contiguous()


def _of_unknown_tokens(tensors: dict[str, torch.Tensor]) -> None:
    tensors["tokens"] = tensors["tokens"] + VOCABULARY


def _of_no_tokens(tensors: dict[str, torch.Tensor]) -> None:
    tensors["tokens"] = tensors["tokens"][:0].contiguous()


def _of_another_layer(tensors: dict[str, torch.Tensor]) -> None:
    tensors["layers.2.key"] = tensors["layers.0.key"].clone()


@pytest.mark.parametrize(
    "harm",
    [
        _without_tokens,
        _of_another_dtype,
        _of_another_length,
        _of_unknown_tokens,
        _of_no_tokens,
        _of_another_layer,
    ],
)
def test_what_does_not_fit_the_model_is_refused(
    state: State, harm: Callable[[dict[str, torch.Tensor]], None]
) -> None:
    import torch
    from safetensors.torch import load, save

    tensors = load(to_bytes(state))
    harm(tensors)
    with pytest.raises(CorruptionError):
        from_bytes(save(tensors), shape_of(state, VOCABULARY), torch.device("cpu"))


def test_the_state_of_another_model_is_refused(state: State) -> None:
    import torch

    shape = replace(shape_of(state, VOCABULARY), layers=((2, 4, 4),))
    with pytest.raises(CorruptionError):
        from_bytes(to_bytes(state), shape, torch.device("cpu"))


def test_a_model_that_keeps_no_keys_is_not_supported() -> None:
    cache = SimpleNamespace(layers=[SimpleNamespace(keys=None, values=None)])
    with pytest.raises(NotSupported):
        state_of([1, 2], cache)
