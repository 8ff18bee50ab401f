"""Moved keys are the keys that the model computes there; what cannot be moved is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memos.errors import BadInput, NotSupported
from memos.models.kv_rotation import Rope, rope_of, rotated
from memos.testing.tiny_model import tiny_causal

FAR = 700
_SCALED = {
    "default": {},
    "linear": {"factor": 4.0},
    "llama3": {
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 64},
}
pytestmark = pytest.mark.usefixtures("one_thread")


def keys_at(model: Any, start: int) -> torch.Tensor:
    """Keys [layers, T, heads, width] of the same tokens, read from position ``start`` on."""
    ids = torch.arange(3, 15)[None]
    places = torch.arange(start, start + ids.shape[1])[None]
    with torch.no_grad():
        made = model(ids, position_ids=places, use_cache=True)
    cache = getattr(made, "cache", None) or made.past_key_values
    return torch.stack([layer.keys[0].transpose(0, 1) for layer in cache.layers])


def llama(kind: str, **parameters: Any) -> Any:
    rope = {"rope_type": kind, "rope_theta": 10_000.0, **parameters}
    return tiny_causal("llama", rope_parameters=rope, max_position_embeddings=1024)


def off(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("kind", _SCALED)
def test_moved_keys_are_those_that_the_model_computes_there(kind: str) -> None:
    model = llama(kind, **_SCALED[kind])
    rope = rope_of(model)
    here, there = keys_at(model, 5), keys_at(model, 5 + FAR)
    assert off(here, there) > 0.1
    assert off(rotated(here, FAR, rope), there) < 1e-4
    assert off(rotated(there, -FAR, rope), here) < 1e-4


def test_what_scales_keys_is_not_applied_again() -> None:
    model = llama("yarn", **_SCALED["yarn"])
    assert model.model.rotary_emb.attention_scaling > 1.1
    here = keys_at(model, 5)
    moved = rotated(here, FAR, rope_of(model))
    torch.testing.assert_close(moved.norm(dim=-1), here.norm(dim=-1))


def test_tokens_move_by_distances_of_their_own() -> None:
    model = llama("default")
    rope, here = rope_of(model), keys_at(model, 5)
    by = torch.arange(here.shape[1]) * 3
    moved = rotated(here, by, rope)
    for token in range(here.shape[1]):
        alone = rotated(here[:, token : token + 1], 3 * token, rope)
        torch.testing.assert_close(moved[:, token : token + 1], alone)


@pytest.mark.parametrize(
    ("family", "layout", "width", "settings"),
    [
        ("gpt_neox", "half", 4, {"rotary_pct": 0.25}),
        ("phi", "half", 8, {"partial_rotary_factor": 0.5}),
        ("cohere", "interleaved", 16, {}),
        ("glm", "interleaved", 8, {"head_dim": 16, "partial_rotary_factor": 0.5}),
        ("qwen3", "half", 16, {"head_dim": 16}),
    ],
)
def test_parts_and_pairs_are_found_as_the_model_has_them(
    family: str, layout: str, width: int, settings: dict[str, Any]
) -> None:
    model = tiny_causal(family, **settings)
    rope = rope_of(model)
    assert (rope.layout, rope.width) == (layout, width)
    here, there = keys_at(model, 0), keys_at(model, 90)
    assert off(rotated(here, 90, rope), there) < 1e-4
    assert torch.equal(rotated(here, 90, rope)[..., width:], here[..., width:])


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_frequencies_that_depend_on_the_length_are_refused(kind: str) -> None:
    factors = {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
    more = {"original_max_position_embeddings": 64, **factors} if kind == "longrope" else {}
    model = llama(kind, factor=4.0, **more)
    with pytest.raises(NotSupported, match=f"with {kind} scaling .* how long the text is"):
        rope_of(model)


@pytest.mark.parametrize("family", ["gpt2", "bloom", "opt"])
def test_a_model_without_rotary_positions_is_refused(family: str) -> None:
    with pytest.raises(NotSupported, match="no rotary positions"):
        rope_of(tiny_causal(family))


def test_layers_that_turn_differently_are_refused() -> None:
    kinds = ["sliding_attention", "full_attention"]
    model = tiny_causal("gemma3_text", head_dim=16, layer_types=kinds)
    with pytest.raises(NotSupported, match="different frequencies"):
        rope_of(model)


def test_frequencies_that_the_model_does_not_use_are_found_out() -> None:
    model = llama("default")
    rotary = model.model.rotary_emb
    used = rotary.forward

    def twice_as_fast(x: torch.Tensor, position_ids: torch.Tensor) -> Any:
        return used(x, 2 * position_ids)

    rotary.forward = twice_as_fast
    with pytest.raises(NotSupported, match="do not move as"):
        rope_of(model)


def test_sixteen_bits_lose_no_more_than_rounding() -> None:
    model = llama("default")
    rope, here, there = rope_of(model), keys_at(model, 5), keys_at(model, 5 + FAR)
    moved = rotated(here.bfloat16(), FAR, rope)
    assert moved.dtype == torch.bfloat16
    assert off(moved.float(), there) < 5e-3
    assert rope_of(model.bfloat16()).width == 16


def test_keys_are_not_written_to_and_misfits_are_refused() -> None:
    rope = Rope(torch.ones(2))
    keys = torch.randn(2, 3, 1, 4)
    before = keys.clone()
    rotated(keys, 7, rope)
    assert torch.equal(keys, before)
    with pytest.raises(BadInput, match="by 2 distances in 4 channels"):
        rotated(keys, torch.tensor([1, 2]), rope)
    with pytest.raises(BadInput, match="in 6 channels"):
        rotated(keys, 1, Rope(torch.ones(3)))
