"""What is saved of a training is all of it, and is not believed unseen."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load, save

from memos.errors import CorruptionError
from memos.models.trainee import AtOnce
from memos.models.training_order import Order
from memos.models.training_state import State, restored, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memos.cube import AnyAdapter
    from memos.models.adapter_wire import Packet


@dataclass
class Learning(AtOnce):
    """Two weights, and what an earlier stage left."""

    weights: list[torch.Tensor]
    stages: list[range] = field(default_factory=lambda: [range(3), range(3, 6)])
    left: dict[str, torch.Tensor] = field(default_factory=dict)
    first: int = 0

    def ended(self) -> Mapping[str, torch.Tensor]:
        return self.left

    def resume(self, ended: Mapping[str, torch.Tensor]) -> None:
        self.left = dict(ended)

    @property
    def adapter(self) -> AnyAdapter:
        raise NotImplementedError

    def packet(self) -> Packet:
        raise NotImplementedError

    def worn(self, model: Any) -> Any:
        raise NotImplementedError


def learning() -> tuple[Learning, Callable[[int], State]]:
    weights = [torch.ones(2, 3, requires_grad=True), torch.ones(4, requires_grad=True)]
    trainee = Learning(weights)

    def begin(stage: int) -> State:
        optimizer = torch.optim.AdamW(weights, lr=0.1)
        return State(deque(maxlen=3), Order(3, 2, 0), optimizer, stage=stage)

    return trainee, begin


def stepped(trainee: Learning, state: State) -> None:
    sum((weight**2).sum() for weight in trainee.weights).backward()  # type: ignore[union-attr]
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.recent.append(0.5)
    state.step += 1


@pytest.fixture
def content() -> bytes:
    trainee, begin = learning()
    trainee.left = {"0.change": torch.arange(3.0)}
    state = begin(1)
    state.begun, state.step, state.first = 4, 4, 2.5
    stepped(trainee, state)
    return written(state, trainee)


def test_a_training_goes_on_as_if_it_had_not_stopped(content: bytes) -> None:
    trainee, begin = learning()
    state = restored(content, trainee, begin)
    assert (state.stage, state.begun, state.step, state.first) == (1, 4, 5, 2.5)
    assert list(state.recent) == [0.5]
    assert trainee.left["0.change"].tolist() == [0, 1, 2]
    assert written(state, trainee) == content
    stepped(trainee, state)
    other, begin = learning()
    there = begin(1)
    stepped(other, there)
    stepped(other, there)
    assert all(torch.equal(*pair) for pair in zip(trainee.weights, other.weights, strict=True))


def told(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    told: dict[str, Any] = json.loads(
        json.loads(content[8 : 8 + length])["__metadata__"]["training"]
    )
    return told


def retold(**change: object) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        metadata = {"training": json.dumps({**told(content), **change})}
        return save(load(content), metadata=metadata)

    return changed


def without(*names: str) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        kept = {name: one for name, one in load(content).items() if name not in names}
        return save(kept, metadata={"training": json.dumps(told(content))})

    return changed


def _narrow(content: bytes) -> bytes:
    tensors = {**load(content), "0.weight": torch.ones(3)}
    return save(tensors, metadata={"training": json.dumps(told(content))})


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "cut": lambda content: content[:-1],
    "no safetensors": lambda _: b"x" * 64,
    "no training": lambda content: save(load(content)),
    "no JSON": lambda content: save(load(content), metadata={"training": "{"}),
    "a list": lambda content: save(load(content), metadata={"training": "[]"}),
    "a stage that is none": retold(stage=2),
    "a stage in words": retold(stage="first"),
    "steps in words": retold(step="many"),
    "no losses": retold(recent=None),
    "another order": retold(order={"random": [], "losses": [], "left": {}}),
    "no weight": without("0.weight"),
    "no moment": without("1.exp_avg"),
    "a weight that would be spread": _narrow,
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_bytes_of_no_such_training_are_refused(
    content: bytes, harm: Callable[[bytes], bytes]
) -> None:
    trainee, begin = learning()
    with pytest.raises(CorruptionError, match="does not belong"):
        restored(harm(content), trainee, begin)
