"""Where everything lies in the body of a block: known from its form alone.

    | exact tokens, int4 only | layer 0                     | layer 1 | ...
                              | keys' parts | values' parts |

Every layer takes the same number of bytes, so a layer can be sent to a GPU and read there alone.
Within a layer each part begins at a multiple of 16 bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

from memos.errors import BadInput, CorruptionError
from memos.ports.block_wire import CODECS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from memos.ports.blocks import Content, Layout

KEY_GROUP = {"int8": 64, "int4": 32}
"""Tokens whose keys share a scale, in each channel."""
VALUE_GROUP = 32
"""Channels of a value that share a scale in int4; in int8 all do."""
MIDDLES = {"int8": ("keys",), "int4": ("keys", "values")}
"""What is rounded to a grid around the middle of its values, and not around zero."""
_ALIGNED = 16
_EXACT = struct.Struct("<II8x")
_SIZES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1, "uint8": 1, "float8_e4m3fn": 1}


@dataclass(frozen=True, slots=True)
class Part:
    """Some numbers of one layer."""

    offset: int
    """Where in the layer they begin, in bytes."""
    shape: tuple[int, ...]
    dtype: str

    @property
    def end(self) -> int:
        """Where they end."""
        return self.offset + prod(self.shape) * _SIZES[self.dtype]


@dataclass(frozen=True)
class Form:
    """What a body is of, from which its every offset follows."""

    codec: str
    layers: int
    tokens: int
    heads: int
    key_width: int
    value_width: int
    dtype: str
    exact_first: int = 0
    exact_last: int = 0

    @property
    def rounded(self) -> int:
        """How many tokens are not exact: those between the first and the last."""
        return self.tokens - self.exact_first - self.exact_last

    @property
    def prologue(self) -> int:
        """Bytes before the first layer."""
        return _EXACT.size if self.codec == "int4" else 0

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The parts of every layer, by name."""
        parts: dict[str, Part] = {}
        end = 0
        for name, shape, dtype in self._shapes():
            parts[name] = Part(end, shape, dtype)
            end = parts[name].end
            if self.codec != "raw":
                end += -end % _ALIGNED
        return parts

    @cached_property
    def layer_bytes(self) -> int:
        """From the beginning of one layer to that of the next."""
        last = list(self.parts.values())[-1]
        return last.end + (0 if self.codec == "raw" else -last.end % _ALIGNED)

    @property
    def body_bytes(self) -> int:
        """What the whole body takes."""
        return self.prologue + self.layers * self.layer_bytes

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...], str]]:
        sides = {"keys": self.key_width, "values": self.value_width}
        for side, width in sides.items():
            whole = (self.tokens, self.heads, width)
            if self.codec == "raw":
                yield side, whole, self.dtype
            elif self.codec == "fp8":
                yield side, whole, "float8_e4m3fn"
                yield f"{side}.scales", (self.heads, 1), "bfloat16"
            elif self.codec == "int8":
                yield side, whole, "int8"
                yield from self._grids(side, width)
            else:
                yield side, (self.rounded, self.heads, -(-width // 2)), "uint8"
                yield from self._grids(side, width)
                yield f"{side}.exact", (self.tokens - self.rounded, self.heads, width), self.dtype

    def _grids(self, side: str, width: int) -> Iterator[tuple[str, tuple[int, ...], str]]:
        """Where the values that can be had lie: how far from each other, and around what."""
        if side == "keys":
            shape = (-(-self.rounded // KEY_GROUP[self.codec]), self.heads, width)
        else:
            group = VALUE_GROUP if self.codec == "int4" else width
            shape = (self.rounded, self.heads, -(-width // group))
        yield f"{side}.scales", shape, "bfloat16"
        if side in MIDDLES[self.codec]:
            yield f"{side}.middles", shape, "bfloat16"


def form_of(
    layout: Layout, tokens: int, codec: str, *, exact_first: int = 0, exact_last: int = 0
) -> Form:
    """The form of the body of ``tokens`` tokens.

    Args:
        layout: what the model's state looks like.
        tokens: how many, at least one.
        codec: one of ``memos.ports.block_wire.CODECS``.
        exact_first: how many of the first tokens int4 keeps as they are.
        exact_last: and how many of the last.

    Raises:
        BadInput: there is no such codec, or not one token.
    """
    if codec not in CODECS:
        raise BadInput(f"no codec is called {codec!r}", hint=", ".join(CODECS))
    if tokens < 1 or exact_first < 0 or exact_last < 0:
        raise BadInput(f"{tokens} tokens, of which {exact_first} + {exact_last} exact")
    first = min(exact_first, tokens) if codec == "int4" else 0
    last = min(exact_last, tokens - first) if codec == "int4" else 0
    return Form(
        codec, layout.layers, tokens, layout.heads, layout.key_width, layout.value_width,
        layout.dtype, first, last,
    )  # fmt: skip


def told(form: Form) -> bytes:
    """The prologue of a body."""
    return _EXACT.pack(form.exact_first, form.exact_last) if form.prologue else b""


def form_read(body: Content | torch.Tensor, layout: Layout, tokens: int, codec: str) -> Form:
    """The form of a body that is there.

    Raises:
        CorruptionError: it is not a body of so many tokens.
    """
    size = len(body)
    first = last = 0
    if codec == "int4":
        if size < _EXACT.size:
            raise _damaged(f"a body of {size} bytes")
        first, last = _EXACT.unpack(bytes(list(body[: _EXACT.size])))
    if not 1 <= tokens <= layout.block_tokens or first + last > tokens:
        raise _damaged(f"{tokens} tokens, of which {first} + {last} exact")
    form = form_of(layout, tokens, codec, exact_first=first, exact_last=last)
    if size != form.body_bytes:
        raise _damaged(f"a body of {size} bytes, not {form.body_bytes}")
    return form


def views(rows: torch.Tensor, form: Form) -> dict[str, torch.Tensor]:
    """The parts of some layers, each [layers, *shape], without a copy.

    Args:
        rows: uint8 [layers, bytes of a layer], on any device.
        form: what the body is of.
    """
    import torch

    return {
        name: rows[:, part.offset : part.end]
        .view(getattr(torch, part.dtype))
        .view(rows.shape[0], *part.shape)
        for name, part in form.parts.items()
    }


def _damaged(why: str) -> CorruptionError:
    message = f"the state of a block is damaged: {why}"
    return CorruptionError(message, hint="it is made anew when it is needed: memos kv warm")
