"""Attention state as the body of a block, exact or in fewer bits.

| codec | keys | values | bits a number |
|---|---|---|---|
| raw | the model's own dtype, bit for bit | the same | 16 or 32 |
| int8 | a grid for each channel of 64 tokens | a scale for each token | 8.4 |
| fp8 | float8_e4m3fn, a scale for each layer and head | the same | 8 |
| int4 | a grid for each channel of 32 tokens | for 32 channels of each token | 5 |

A grid has a scale and a middle; a scale alone is around zero. They lie this way because keys have
channels that are large in every token, and values have not (KIVI: Liu et al., "KIVI: a tuning-free
asymmetric 2bit quantization for KV cache", arXiv 2402.02750, section 3). int4 keeps as many of the
first and the last tokens exact as it is told: the first four of a text draw attention whatever they
say (Xiao et al., "Efficient streaming language models with attention sinks", arXiv 2309.17453), and
the last are those that most questions are about.

Keys are kept as the model has them, rotated to their positions. int4 would be closer if
they were not, but then a block would have to know where it begins and how its model rotates, and to
read it would be to compute.

Decoding is plain torch, the same on a CPU and a GPU, for all layers or for one.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput
from memos.models import kv_parts
from memos.models.kv_rounding import around, grouped, nearest, per_group, symmetric
from memos.models.kv_state import State
from memos.ports.blocks import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from memos.models.kv_parts import Form
    from memos.ports.blocks import Content

_FP8_MOST = 448.0
_STEPS = {"int8": (127, 127), "int4": (8, 7)}
"""How far a grid reaches below and above its middle."""


def body_bytes(
    layout: Layout, tokens: int, codec: str, *, exact_first: int = 0, exact_last: int = 0
) -> int:
    """What the body of a block of ``tokens`` tokens takes.

    Raises:
        BadInput: there is no such codec, or not one token.
    """
    return kv_parts.form_of(
        layout, tokens, codec, exact_first=exact_first, exact_last=exact_last
    ).body_bytes


def encode(state: State, codec: str, *, exact_first: int = 0, exact_last: int = 0) -> memoryview:
    """The body of a block; equal states have equal bodies.

    ``raw`` copies nothing where keys and values already lie in memory as in a body, as those of
    :func:`empty` do: then the body changes if the state does.

    Args:
        state: on any device.
        codec: one of ``memos.ports.block_wire.CODECS``.
        exact_first: how many tokens at the beginning of this block int4 keeps as they are.
        exact_last: and how many at its end. The other codecs pay no heed to either.

    Raises:
        BadInput: there is no such codec, the tensors are of no state, or not all numbers are
            finite, which only ``raw`` can keep.
    """
    import torch

    tokens = state.tokens
    form = kv_parts.form_of(
        _layout(state), tokens, codec, exact_first=exact_first, exact_last=exact_last
    )
    together = _together(state) if codec == "raw" else None
    if together is not None:
        return memoryview(together.numpy())  # type: ignore[arg-type]
    body = torch.zeros(form.body_bytes, dtype=torch.uint8, device=state.keys.device)
    parts = kv_parts.views(body[form.prologue :].view(form.layers, -1), form)
    for side, numbers in (("keys", state.keys), ("values", state.values)):
        _write(form, side, numbers, parts)
    content = body.cpu().numpy()
    content[: form.prologue] = list(kv_parts.told(form))
    return memoryview(content)  # type: ignore[arg-type]


def decode(
    body: Content | torch.Tensor,
    codec: str,
    tokens: int,
    layout: Layout,
    *,
    out: State | None = None,
    device: torch.device | str = "cpu",
) -> State:
    """The state of a body.

    Args:
        body: bytes, or a uint8 tensor on any device.
        codec: by which it was made.
        tokens: how many it is of.
        layout: of the model that made it.
        out: where to write it, of any strides; it is what is returned.
        device: where the state shall be, without ``out``.

    Raises:
        CorruptionError: it is no body of such a state; of the right length, its bytes are taken on
            trust (``memos.ports.block_wire.body_of`` verifies them).
        BadInput: ``out`` has another shape.
    """
    form = kv_parts.form_read(body, layout, tokens, codec)
    out = out or empty(layout, tokens, device=device)
    decode_layers(body, form, slice(0, form.layers), out)
    return out


def decode_layer(  # noqa: PLR0917
    body: Content | torch.Tensor,
    codec: str,
    layer: int,
    tokens: int,
    layout: Layout,
    *,
    out: State | None = None,
    device: torch.device | str = "cpu",
) -> State:
    """One layer of a body, as a state of one layer; nothing else of it is read or copied.

    Raises:
        CorruptionError: as :func:`decode`.
        BadInput: ``out`` has another shape.
    """
    form = kv_parts.form_read(body, layout, tokens, codec)
    out = out or empty(replace(layout, layers=1), tokens, device=device)
    decode_layers(body, form, slice(layer, layer + 1), out)
    return out


def decode_layers(body: Content | torch.Tensor, form: Form, layers: slice, out: State) -> None:
    """Write some layers of a body to ``out``, whose form is known.

    A body on a GPU is not waited for. The bytes of these layers alone go to the device of ``out``.
    """
    import torch

    whole = body if isinstance(body, torch.Tensor) else _borrowed(body)
    rows = whole[form.prologue :].view(form.layers, form.layer_bytes)[layers]
    _require_fit(out, form, rows.shape[0])
    parts = kv_parts.views(rows.to(out.keys.device), form)
    _read(form, "keys", parts, out.keys)
    _read(form, "values", parts, out.values)


def empty(layout: Layout, tokens: int, *, device: torch.device | str = "cpu") -> State:
    """Room for a state, whose tensors lie in memory as in a raw body."""
    import torch

    sides = [tokens * layout.heads * width for width in (layout.key_width, layout.value_width)]
    dtype = getattr(torch, layout.dtype)
    rows = torch.empty(layout.layers, sum(sides), dtype=dtype, device=device)
    shape = (layout.layers, tokens, layout.heads)
    return State(
        rows[:, : sides[0]].view(*shape, layout.key_width),
        rows[:, sides[0] :].view(*shape, layout.value_width),
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """The grids of one side: in which groups, and where scales and middles lie."""

    dim: int
    """Along which dimension of [layers, tokens, heads, width] numbers share a scale."""
    size: int
    """How many do."""
    scales: torch.Tensor
    middles: torch.Tensor | None
    """None: around zero."""

    def pieces(
        self, numbers: torch.Tensor, steps: torch.Tensor
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]]:
        """Numbers, steps, scales and middles, in views that fit one another."""
        length = numbers.shape[self.dim]
        middles = self.middles
        yield from zip(
            grouped(numbers, self.dim, self.size),
            grouped(steps, self.dim, self.size),
            per_group(self.scales, self.dim, length, self.size),
            repeat(None) if middles is None else per_group(middles, self.dim, length, self.size),
            strict=False,
        )


def _grid(form: Form, side: str, parts: dict[str, torch.Tensor]) -> _Grid:
    scales, middles = parts[f"{side}.scales"], parts.get(f"{side}.middles")
    if side == "keys":
        return _Grid(1, kv_parts.KEY_GROUP[form.codec], scales, middles)
    size = kv_parts.VALUE_GROUP if form.codec == "int4" else form.value_width
    return _Grid(3, size, scales, middles)


def _write(form: Form, side: str, numbers: torch.Tensor, parts: dict[str, torch.Tensor]) -> None:
    """Fill one side's parts with [layers, tokens, heads, width]."""
    import torch

    if form.codec == "raw":
        parts[side].copy_(numbers)
    elif form.codec == "fp8":
        exact = numbers.float()
        scale = symmetric(exact, (1, 3), _FP8_MOST, torch.finfo(numbers.dtype).max)
        parts[side].copy_((exact / scale).clamp_(-_FP8_MOST, _FP8_MOST))
        parts[f"{side}.scales"].copy_(scale[:, 0])
    elif form.codec == "int8":
        _round(form, _grid(form, side, parts), numbers, parts[side])
    else:
        first, last = form.exact_first, form.tokens - form.exact_last
        kept = torch.cat([numbers[:, :first], numbers[:, last:]], dim=1)
        parts[f"{side}.exact"].copy_(kept)
        rounded = numbers[:, first:last]
        steps = torch.empty(rounded.shape, dtype=torch.int8, device=numbers.device)
        _round(form, _grid(form, side, parts), rounded, steps)
        parts[side].copy_(_packed(steps))


def _round(form: Form, grid: _Grid, numbers: torch.Tensor, steps: torch.Tensor) -> None:
    """Choose the grid of each group, and round to it."""
    import torch

    ends, most, dim = _STEPS[form.codec], torch.finfo(numbers.dtype).max, grid.dim + 1
    for piece, into, scales, middles in grid.pieces(numbers.float(), steps):
        if middles is None:
            middle, scale = None, symmetric(piece, (dim,), ends[1], most)
        else:
            middle, scale = around(piece, dim, ends, most)
            middles.copy_(middle)
        scales.copy_(scale)
        into.copy_(nearest(piece, middle, scale, ends))


def _read(form: Form, side: str, parts: dict[str, torch.Tensor], out: torch.Tensor) -> None:
    """What :func:`_write` has written, as near as it can be had."""
    import torch

    if form.codec == "raw":
        out.copy_(parts[side])
    elif form.codec == "fp8":
        torch.mul(parts[side].float(), parts[f"{side}.scales"][:, None].float(), out=out)
    elif form.codec == "int8":
        _restore(_grid(form, side, parts), parts[side], out)
    else:
        first, last = form.exact_first, form.tokens - form.exact_last
        exact = parts[f"{side}.exact"]
        out[:, :first].copy_(exact[:, :first])
        out[:, last:].copy_(exact[:, first:])
        steps = _unpacked(parts[side], out.shape[3])
        _restore(_grid(form, side, parts), steps, out[:, first:last])


def _restore(grid: _Grid, steps: torch.Tensor, out: torch.Tensor) -> None:
    """One pass: each number is computed as float32, and rounded once."""
    import torch

    for piece, whole, scales, middles in grid.pieces(out, steps):
        if middles is None:
            torch.mul(whole, scales.float(), out=piece)
        else:
            torch.addcmul(middles.float(), whole, scales.float(), out=piece)


def _packed(steps: torch.Tensor) -> torch.Tensor:
    """Two steps a byte: the first half of the channels in the low bits, the other in the high."""
    import torch

    nibbles = (steps + _STEPS["int4"][0]).to(torch.uint8)
    half = -(-nibbles.shape[3] // 2)
    packed = nibbles[..., :half].clone()
    packed[..., : nibbles.shape[3] - half] |= nibbles[..., half:] << 4
    return packed


def _unpacked(packed: torch.Tensor, width: int) -> torch.Tensor:
    import torch

    half = packed.shape[3]
    steps = torch.empty(*packed.shape[:3], width, dtype=torch.int8, device=packed.device)
    steps[..., :half] = packed & 15
    steps[..., half:] = packed[..., : width - half] >> 4
    return steps.sub_(_STEPS["int4"][0])


def _layout(state: State) -> Layout:
    """What a state looks like, of which no block is longer than it is."""
    keys, values = state.keys, state.values
    fits = keys.ndim == values.ndim == 4 and keys.shape[:3] == values.shape[:3]
    if not fits or keys.dtype != values.dtype or keys.device != values.device:
        told = f"{keys.dtype} {tuple(keys.shape)} and {values.dtype} {tuple(values.shape)}"
        raise BadInput(f"keys and values are not of one state: {told}")
    dtype = str(keys.dtype).removeprefix("torch.")
    layers, tokens, heads, width = keys.shape
    return Layout(layers, heads, width, values.shape[3], dtype, tokens)


def _require_fit(out: State, form: Form, layers: int) -> None:
    if not layers:
        raise BadInput(f"there is no such layer among {form.layers}")
    for tensor, width in ((out.keys, form.key_width), (out.values, form.value_width)):
        shape = (layers, form.tokens, form.heads, width)
        if tuple(tensor.shape) != shape or str(tensor.dtype) != f"torch.{form.dtype}":
            told = f"{tensor.dtype} {tuple(tensor.shape)}"
            raise BadInput(f"room for {told}, where the state is {form.dtype} {shape}")


def _together(state: State) -> torch.Tensor | None:
    """The state's own memory as uint8, if it is already a raw body."""
    import torch

    keys, values = state.keys, state.values
    sides = [keys[0].numel(), values[0].numel()]
    lies_so = (
        keys.device.type == "cpu"
        and keys.untyped_storage().data_ptr() == values.untyped_storage().data_ptr()
        and values.data_ptr() == keys.data_ptr() + sides[0] * keys.element_size()
        and keys[0].is_contiguous()
        and values[0].is_contiguous()
        and (keys.shape[0] == 1 or keys.stride(0) == values.stride(0) == sum(sides))
    )
    if not lies_so:
        return None
    return keys.as_strided((keys.shape[0] * sum(sides),), (1,)).view(torch.uint8)


def _borrowed(body: Content) -> torch.Tensor:
    """The bytes as a uint8 tensor, without a copy; it is never written to."""
    import numpy as np
    import torch

    whole = np.frombuffer(body, np.uint8)
    if not whole.flags.writeable:
        # torch warns of memory that it must not write to, and has no way to be told that it won't
        window: Any = (ctypes.c_uint8 * len(whole)).from_address(whole.ctypes.data)
        window.owner = whole
        return torch.frombuffer(window, dtype=torch.uint8)
    return torch.from_numpy(whole)
