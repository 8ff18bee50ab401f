"""Moving keys to other positions: a key depends on its position by a rotation, a value not at all.

Rotary embedding turns each pair of a key's channels by ``position * inv_freq`` (Su et al.,
"RoFormer", arXiv 2104.09864). Turnings add up, so a key that was computed at position p
is brought to position p + d by turning it by ``d * inv_freq``. The model's own frequencies make
that exact, to rounding, for the default and for linear, llama3 and yarn scaling: these change the
frequencies once and for all. Where a scaling also multiplies keys (``attention_scaling`` of
yarn), the factor is in the key already and must not be applied again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput, NotSupported
from memos.models.decode import last_logits
from memos.models.kv_reading import full_layers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

LAYOUTS = ("half", "interleaved")
"""Which channels are a pair: i with i + width / 2 (Llama), or 2i with 2i + 1 (Cohere, GLM)."""

_LENGTH_DEPENDENT = ("dynamic", "longrope")
_MEANWHILE = "use these memories as a prefix, in the order in which they were read"
_TRIED_AT = 101
"""How far the trial of :func:`rope_of` moves a key: before any model's original length ends."""
_TOLERANCE = {"float32": 1e-3, "float64": 1e-3}
_ROUNDED = 3e-2
"""What keys may differ by, relative to their norm, in 16 bits: cos and sin are rounded as well."""


@dataclass(frozen=True, slots=True)
class Rope:
    """How a model turns its keys."""

    inv_freq: torch.Tensor
    """[rotary width / 2], float32: radians a position, for each pair of channels."""
    layout: str = "half"
    """One of :data:`LAYOUTS`."""

    @property
    def width(self) -> int:
        """How many of a key's channels are turned: the first ones."""
        return 2 * int(self.inv_freq.shape[0])


def rotated(keys: torch.Tensor, by: int | torch.Tensor, rope: Rope) -> torch.Tensor:
    """New keys, as the model would have computed them ``by`` positions further on.

    Args:
        keys: [layers, T, heads, width], rotary positions in them; not written to.
        by: how far, for all tokens or for each of them [T]; negative moves to the front.
        rope: from :func:`rope_of`.

    Raises:
        BadInput: the keys are narrower than the rotation, or ``by`` is not one number a token.
    """
    import torch

    shifts = torch.as_tensor(by, dtype=torch.float32, device=keys.device).reshape(-1)
    if rope.width > keys.shape[-1] or shifts.numel() not in {1, keys.shape[1]}:
        raise BadInput(
            f"keys of shape {tuple(keys.shape)} cannot be moved by {shifts.numel()} distances"
            f" in {rope.width} channels",
            hint="pass keys [layers, T, heads, width] and one distance, or T of them",
        )
    angles = shifts[:, None] * rope.inv_freq.to(keys.device, torch.float32)
    cos, sin = angles.cos()[None, :, None], angles.sin()[None, :, None]
    turned, rest = keys[..., : rope.width], keys[..., rope.width :]
    first, second = _split(turned.float(), rope.layout)
    pair = (first * cos - second * sin, second * cos + first * sin)
    return torch.cat([_joined(pair, rope.layout).to(keys.dtype), rest], dim=-1)


def rope_of(model: Any) -> Rope:
    """How ``model``, a causal model of transformers, turns its keys.

    The frequencies are those of its ``rotary_emb``. Whether they tell the whole story is tried:
    a token that attends to nothing but itself has, in all layers, the same values at any position
    and keys that differ by the rotation alone. That costs a pass of two tokens.

    Raises:
        NotSupported: its frequencies depend on the length of a text, differ between layers, or
            there are none; or keys do not move as the rotation says.
    """
    inv_freq = _frequencies(model)
    keys, values = _trial(model)
    at, moved = keys[..., :1, :, :], keys[..., 1:, :, :]
    allowed = _TOLERANCE.get(str(keys.dtype).removeprefix("torch."), _ROUNDED)
    if 2 * inv_freq.shape[0] <= keys.shape[-1] and _far(values[:, :1], values[:, 1:]) <= allowed:
        for layout in LAYOUTS:
            rope = Rope(inv_freq, layout)
            if _far(rotated(at, _TRIED_AT, rope), moved) <= allowed:
                return rope
    raise NotSupported(
        f"moving the keys of {_name(model)}: they do not move as its rotary frequencies say",
        hint=_MEANWHILE,
    )


def _split(turned: torch.Tensor, layout: str) -> tuple[torch.Tensor, torch.Tensor]:
    if layout == "interleaved":
        return turned[..., 0::2], turned[..., 1::2]
    first, second = turned.chunk(2, dim=-1)
    return first, second


def _joined(pair: tuple[torch.Tensor, torch.Tensor], layout: str) -> torch.Tensor:
    import torch

    if layout == "interleaved":
        return torch.stack(pair, dim=-1).flatten(-2)
    return torch.cat(pair, dim=-1)


def _frequencies(model: Any) -> torch.Tensor:
    """The only rotary frequencies of the model."""
    import torch

    found: list[torch.Tensor] = []
    for module, inv_freq in _rotary(model):
        kind = getattr(module, "rope_type", "default")
        if any(word in str(kind) for word in _LENGTH_DEPENDENT):
            raise NotSupported(
                f"moving the keys of {_name(model)}: with {kind} scaling their frequencies depend"
                " on how long the text is",
                hint=_MEANWHILE,
            )
        found.append(inv_freq.detach().to(torch.float32))
    if not found:
        raise NotSupported(
            f"moving the keys of {_name(model)}: it has no rotary positions",
            hint=_MEANWHILE,
        )
    if any(one.shape != found[0].shape or not torch.equal(one, found[0]) for one in found):
        raise NotSupported(
            f"moving the keys of {_name(model)}: its layers turn them at different frequencies",
            hint=_MEANWHILE,
        )
    return found[0].clone()


def _rotary(model: Any) -> Iterator[tuple[Any, torch.Tensor]]:
    """Each buffer of frequencies; a model with kinds of layers has one for each kind."""
    for name, buffer in model.named_buffers():
        owner, _, leaf = name.rpartition(".")
        if leaf.endswith("inv_freq") and not leaf.endswith("original_inv_freq"):
            yield model.get_submodule(owner), buffer


def _trial(model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values [layers, 2, heads, width] of a token at position 0 and further on."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache()
    ids = torch.ones(2, 1, dtype=torch.long, device=model.device)
    places = torch.tensor([[0], [_TRIED_AT]], device=model.device)
    with torch.no_grad():
        last_logits(model, cache, input_ids=ids, position_ids=places)
    # a batch of two, one token each: [2, heads, 1, width] becomes [2, heads, width]
    layers = [(layer.keys[:, :, 0], layer.values[:, :, 0]) for layer in full_layers(cache)]
    return torch.stack([k for k, _ in layers]), torch.stack([v for _, v in layers])


def _far(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest distance of any layer, relative to what is there."""
    gap = (one.float() - other.float()).flatten(1).norm(dim=1)
    return float((gap / other.float().flatten(1).norm(dim=1).clamp(min=1e-9)).max())


def _name(model: Any) -> str:
    return type(model).__name__
