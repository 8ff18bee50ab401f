"""Bytes of adapters that do not fit the model are refused, whoever sends them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load, save

from memos.errors import CorruptionError
from memos.models import adapter_wire
from memos.models.methods import METHODS
from memos.ports.runtime import Recipe
from memos.testing.learning import EXAMPLES, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.models.adapter_wire import Packet
    from memos.models.runtime_torch import TorchRuntime

    Harm = Callable[[Packet], Packet]
pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def honest(tiny: TorchRuntime) -> dict[str, Packet]:
    recipe = Recipe(steps=1, batch=2, texts=TEXTS)
    contents = {
        name: tiny.train(EXAMPLES, replace(recipe, method=name)).content for name in METHODS
    }
    return {name: adapter_wire.from_bytes(content, CPU) for name, content in contents.items()}


@pytest.mark.parametrize("name", METHODS)
def test_what_was_read_is_written_alike(
    tiny: TorchRuntime, honest: dict[str, Packet], name: str
) -> None:
    packet = honest[name]
    loaded: Any = METHODS[name].read(packet, tiny._lm.model)
    assert loaded.adapter.method == name
    content = adapter_wire.to_bytes(packet)
    again = adapter_wire.from_bytes(content, CPU)
    assert again.shape == packet.shape
    assert adapter_wire.to_bytes(again) == content


def shape(**change: object) -> Harm:
    return lambda packet: replace(packet, shape={**packet.shape, **change})


def tensor(name: str, to: torch.Tensor) -> Harm:
    return lambda packet: replace(packet, tensors={**packet.tensors, name: to})


def none(packet: Packet) -> Packet:
    return replace(packet, tensors={})


KEY = "layers.0.key"
HARMS: list[tuple[str, Harm]] = [
    ("lora", none),
    ("lora", shape(rank=0)),
    ("lora", shape(rank="8")),
    ("lora", tensor("base_model.model.lm_hat.lora_A.weight", torch.ones(1, 1))),
    ("prefix", none),
    ("prefix", shape(tokens=0)),
    ("prefix", shape(tokens=3)),
    ("prefix", shape(layers=1)),
    ("prefix", shape(layers=10**9)),
    ("prefix", tensor("layers.2.key", torch.ones(19, 2, 16))),
    ("prefix", tensor(KEY, torch.ones(19, 4, 16))),
    ("prefix", tensor(KEY, torch.ones(19, 2, 8))),
    ("prefix", tensor(KEY, torch.ones(19, 2, 16, dtype=torch.int64))),
    ("side", none),
    ("side", shape(target="model.layers.9.mlp.down_proj")),
    ("side", shape(target="model.norm")),
    ("side", shape(target=None)),
    ("side", shape(target="")),
    ("side", shape(target="model.layers.0.self_attn.q_proj")),
    ("side", shape(density=0.0)),
    ("side", shape(density=2.0)),
    ("side", shape(shards=0)),
    ("side", shape(shards=None)),
    ("side", shape(parts=1)),
    ("side", tensor("side.delta", torch.ones(128, 64))),
    ("side", tensor("side.delta", torch.ones(64, 128, dtype=torch.float64))),
    ("side", tensor("side.other", torch.ones(64, 128))),
]


@pytest.mark.parametrize(
    ("name", "harm"), HARMS, ids=[f"{name} {n}" for n, (name, _) in enumerate(HARMS)]
)
def test_what_does_not_fit_is_refused(
    tiny: TorchRuntime, honest: dict[str, Packet], name: str, harm: Harm
) -> None:
    content = adapter_wire.to_bytes(harm(honest[name]))
    packet = adapter_wire.from_bytes(content, CPU)
    with pytest.raises(CorruptionError):
        METHODS[name].read(packet, tiny._lm.model)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"prompt": "{}"}, {"lora": "{"}, {"side": "[]"}, {"prefix": json.dumps("x")}],
    ids=str,
)
def test_bytes_that_name_no_method_or_no_shape_are_refused(
    honest: dict[str, Packet], metadata: dict[str, str] | None
) -> None:
    tensors = load(adapter_wire.to_bytes(honest["side"]))
    with pytest.raises(CorruptionError, match="safetensors"):
        adapter_wire.from_bytes(save(tensors, metadata=metadata), CPU)


def test_the_router_s_tensors_are_not_worn(honest: dict[str, Packet]) -> None:
    content = adapter_wire.to_bytes(tensor("route.keys", torch.ones(2))(honest["side"]))
    assert set(adapter_wire.from_bytes(content, CPU).tensors) == {"side.delta"}
