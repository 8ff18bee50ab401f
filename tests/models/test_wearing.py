"""A batch whose rows wear different adapters computes in each row what it would alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from transformers import DynamicCache

from memos.cube import Adapter, SideMemory
from memos.errors import NotSupported
from memos.models import adapter_prefix, adapter_side, adapter_wire, kv_attention, methods
from memos.models.decode import with_cache
from memos.models.lora import Lora, linear_modules
from memos.models.packed import Packed, Passage
from memos.models.wearing import worn
from memos.testing.tiny_model import tiny_causal

if TYPE_CHECKING:
    from memos.models.methods import Wearable

PROMPT = (5, 6, 7, 8, 9, 10, 11, 12)
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model() -> Any:
    made = tiny_causal("llama", num_hidden_layers=3).requires_grad_(requires_grad=False)
    kv_attention.register()
    made.set_attn_implementation(kv_attention.NAME)
    return made


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.3


def a_lora(model: Any, rank: int, below: float = 0.0) -> Lora:
    pairs = {
        name: (drawn(rank, rank, module.in_features), drawn(rank, module.out_features, rank))
        for name, module in linear_modules(model, below).items()
    }
    targets = tuple(sorted(pairs))
    return Lora(Adapter(rank=rank, alpha=2.0, targets=targets, parameters=1), pairs)


def a_prefix(tokens: int) -> adapter_prefix.LoadedPrefix:
    keys, values = drawn(tokens, 3, tokens, 2, 16), drawn(tokens + 1, 3, tokens, 2, 16)
    return adapter_prefix._loaded(keys, values)


def a_side(model: Any, seed: int) -> adapter_side.LoadedSide:
    name, module = adapter_side.value_matrix(model)
    change = drawn(seed, module.out_features, module.in_features)
    adapter = SideMemory(target=name, shards=1, density=1.0, parameters=change.numel())
    return adapter_side.LoadedSide(adapter, change)


def logits(model: Any, rows: list[Wearable | None], count: int = 0) -> torch.Tensor:
    """[rows, tokens, vocabulary]: in one pass, and then two tokens more from a cache."""
    ids = torch.tensor([PROMPT] * (count or len(rows)))
    cache = DynamicCache()
    with torch.no_grad(), worn(model, rows):
        read = model(input_ids=ids, **with_cache(model, cache)).logits
        more = [
            model(input_ids=ids[:, n : n + 1], **with_cache(model, cache)).logits for n in (0, 1)
        ]
    return torch.cat([read, *more], dim=1)


def hooks(model: Any) -> tuple[bool, bool]:
    """Whether some module has hooks: behind it, and before it."""
    modules = list(model.modules())
    return (
        any(module._forward_hooks for module in modules),
        any(module._forward_pre_hooks for module in modules),
    )


@pytest.fixture(scope="module")
def wardrobe(model: Any) -> list[Wearable | None]:
    return [
        None,
        a_lora(model, 2),
        a_lora(model, 5, below=0.5),
        a_prefix(3),
        a_prefix(7),
        a_side(model, 3),
        a_side(model, 4),
        None,
    ]


def test_each_row_is_as_if_it_were_alone(model: Any, wardrobe: list[Wearable | None]) -> None:
    together = logits(model, wardrobe)
    for row, one in enumerate(wardrobe):
        alone = logits(model, [one])[0]
        torch.testing.assert_close(together[row], alone, atol=1e-4, rtol=1e-4)
    base = logits(model, [None], count=len(wardrobe))[0]
    changed = [not torch.equal(row, base) for row in together]
    assert changed == [one is not None for one in wardrobe]


def test_a_row_that_wears_nothing_is_as_without_the_others_to_the_last_bit(
    model: Any, wardrobe: list[Wearable | None]
) -> None:
    usual = logits(model, [None], count=len(wardrobe))
    for names in (range(8), [1, 2], [3, 4], [5, 6], [0], [4]):
        worn_now = [one if n in names else None for n, one in enumerate(wardrobe)]
        together = logits(model, worn_now)
        for row, one in enumerate(worn_now):
            assert one is not None or torch.equal(together[row], usual[row])


def test_rows_of_different_lengths_keep_their_padding(model: Any) -> None:
    prefix = a_prefix(4)
    ids = torch.tensor([[0, 0, *PROMPT[:4]], PROMPT[:6]])
    seen = torch.tensor([[0, 0, 1, 1, 1, 1], [1] * 6])
    places = torch.tensor([[0, 0, 0, 1, 2, 3], [0, 1, 2, 3, 4, 5]])
    with torch.no_grad():
        with worn(model, [prefix, None]):
            both = model(input_ids=ids, attention_mask=seen, position_ids=places).logits
        with worn(model, [prefix]):
            alone = model(input_ids=torch.tensor([PROMPT[:4]])).logits
    torch.testing.assert_close(both[0, -4:], alone[0], atol=1e-4, rtol=1e-4)


def test_a_prefix_of_what_the_model_reads_is_as_if_it_had_read_it(model: Any) -> None:
    cache = DynamicCache()
    with torch.no_grad():
        whole = model(input_ids=torch.tensor([[*range(20, 25), *PROMPT]])).logits[0, 5:]
        model(input_ids=torch.tensor([list(range(20, 25))]), **with_cache(model, cache))
        states = [(layer.keys[0].mT, layer.values[0].mT) for layer in cache.layers]
        keys, values = (
            torch.stack([pair[part].permute(2, 0, 1) for pair in states]) for part in (0, 1)
        )
        with worn(model, [adapter_prefix._loaded(keys, values)]):
            behind = model(input_ids=torch.tensor([PROMPT])).logits[0]
            packed = Packed([Passage(PROMPT, 1)], PROMPT[:3], model.device).predictions(model)
    torch.testing.assert_close(behind, whole, atol=1e-4, rtol=1e-4)
    said = whole.log_softmax(-1)[:-1]
    torch.testing.assert_close(packed[0], said, atol=1e-4, rtol=1e-4)


def test_a_side_memory_is_another_matrix_in_the_place_of_one(model: Any) -> None:
    side = a_side(model, 3)
    name, module = adapter_side.value_matrix(model)
    assert name == "model.layers.2.mlp.down_proj"
    worn_ = logits(model, [side])
    weight = module.weight.data
    module.weight.data = weight + side.change
    edited = logits(model, [None])
    module.weight.data = weight
    torch.testing.assert_close(worn_, edited)


def test_hooks_are_gone_afterwards_also_after_an_error(
    model: Any, wardrobe: list[Wearable | None]
) -> None:
    before = logits(model, [None])
    state = {name: weight.clone() for name, weight in model.state_dict().items()}
    with worn(model, wardrobe):
        assert hooks(model) == (True, True)
    assert hooks(model) == (False, False)
    with pytest.raises(KeyError), worn(model, wardrobe):
        raise KeyError
    assert hooks(model) == (False, False)
    assert torch.equal(logits(model, [None]), before)
    assert all(torch.equal(state[name], weight) for name, weight in model.state_dict().items())


def test_a_model_whose_attention_is_closed_takes_no_prefix() -> None:
    closed = tiny_causal("llama")
    tensors = {
        f"layers.{n}.{part}": drawn(n, 2, 2, 16) for n in (0, 1) for part in ("key", "value")
    }
    packet = adapter_wire.Packet("prefix", {"tokens": 2, "layers": 2}, tensors)
    with pytest.raises(NotSupported, match="prefix"):
        adapter_prefix.read(packet, closed)


def test_a_model_without_linear_layers_takes_no_side_memory() -> None:
    with pytest.raises(NotSupported, match="side memory"):
        adapter_side.value_matrix(tiny_causal("gpt2"))


def test_every_method_that_bytes_can_name_is_one() -> None:
    assert tuple(methods.METHODS) == adapter_wire.METHODS
