"""What the bytes of a KV or LoRA cube must look like: read from their header, without torch.

     0          8            8 + n
     | n        | header     | tensors, one after another, no byte between them
     | 8 bytes  | JSON       |

Bytes come from strangers, too: nothing here is believed before it has been counted.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from memos.cube import Activation, Adapter, Parametric, Prefix
from memos.cube.frozen import Frozen
from memos.cube.identity import canonical, digest_of
from memos.errors import CorruptionError
from memos.kinds.route_keys import CENTRE, KEYS, NAMES, keys_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memos.cube import AnyAdapter

_LONGEST_HEADER = 16 << 20
_METADATA = "__metadata__"
_WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2,
    "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
"""Bytes of one element."""
_FLOATS = frozenset({"F16", "BF16", "F32", "F64", "F8_E4M3", "F8_E5M2"})
_DELTA = "side.delta"
_A, _B = ".lora_A.weight", ".lora_B.weight"

_Size = Annotated[int, Field(ge=0, lt=1 << 48)]


class _Tensor(Frozen):
    dtype: Literal[
        "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "I16", "U16", "F16",
        "BF16", "I32", "U32", "F32", "I64", "U64", "F64",
    ]  # fmt: skip
    shape: Annotated[tuple[_Size, ...], Field(max_length=8)]
    data_offsets: tuple[_Size, _Size]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


_TENSORS = TypeAdapter(dict[str, _Tensor])
_HEADER = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Told:
    """What a payload says of its bytes; two payloads with one blob must tell the same."""

    size_bytes: int
    tokens: int = 0
    tokens_digest: str = ""
    layers: int = 0
    adapter: AnyAdapter | None = None
    keys: int = 0


def told(payload: Activation | Parametric) -> Told:
    """What can be checked of a payload without its model."""
    if isinstance(payload, Activation):
        return Told(
            payload.size_bytes,
            tokens=payload.tokens,
            tokens_digest=payload.tokens_digest,
            layers=payload.layers,
        )
    keys = payload.routing.keys if payload.routing else 0
    return Told(payload.size_bytes, adapter=payload.adapter, keys=keys)


def require_tensors(claim: Told, content: bytes) -> None:
    """Refuse bytes that are not what a payload says of them.

    Raises:
        CorruptionError: no safetensors file, or one of other tensors than the cube tells of.
    """
    if len(content) != claim.size_bytes:
        raise _unlike(f"it has {len(content):,} bytes, which its cube denies")
    tensors, start = _tensors(content)
    if claim.adapter is None:
        _require_state(claim, tensors)
        first, last = (start + offset for offset in tensors["tokens"].data_offsets)
        tokens = struct.unpack(f"<{claim.tokens}q", content[first:last])
        if digest_of(canonical(tokens)) != claim.tokens_digest:
            raise _unlike("it is of other tokens than its cube says")
    else:
        _require_adapter(claim.adapter, _without_keys(claim.keys, tensors))
        if claim.keys:
            keys_in(content, threshold=0.0)


def _tensors(content: bytes) -> tuple[Mapping[str, _Tensor], int]:
    """The tensors by name, and where the first begins."""
    length = int.from_bytes(content[:8], "little")
    start = 8 + length
    if length > _LONGEST_HEADER or start > len(content):
        raise _unlike(f"its header would have {length:,} bytes")
    try:
        header = _HEADER.validate_json(content[8:start])
        header.pop(_METADATA, None)
        tensors = _TENSORS.validate_python(header)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _unlike(f"{place[:80]}: {first['msg'][:120]}") from error
    end = start
    for name, tensor in sorted(tensors.items(), key=lambda pair: pair[1].data_offsets):
        first_byte, last = (start + offset for offset in tensor.data_offsets)
        if first_byte != end or last - first_byte != tensor.elements * _WIDTHS[tensor.dtype]:
            raise _unlike(f"tensor {name[:80]!r} does not lie where it should")
        end = last
    if end != len(content):
        raise _unlike(f"its tensors end at byte {end:,} of {len(content):,}")
    return tensors, start


def _require_state(claim: Told, tensors: Mapping[str, _Tensor]) -> None:
    if len(tensors) != 1 + 2 * claim.layers:
        raise _unlike(f"it has {len(tensors):,} tensors, not those of its cube's layers")
    parts = [f"layers.{n}.{part}" for n in range(claim.layers) for part in ("key", "value")]
    _require_names({"tokens", *parts}, tensors)
    tokens = tensors["tokens"]
    if (tokens.dtype, tokens.shape) != ("I64", (claim.tokens,)):
        raise _unlike("it does not hold as many tokens as its cube says")
    for name in parts:
        tensor = tensors[name]
        fits = len(tensor.shape) == 3 and tensor.shape[1] == claim.tokens
        if not fits or tensor.dtype not in _FLOATS:
            raise _unlike(f"{name} is {tensor.dtype} {list(tensor.shape)}")


def _without_keys(keys: int, tensors: Mapping[str, _Tensor]) -> Mapping[str, _Tensor]:
    """The tensors that are worn, without those that say which questions the adapter serves."""
    if not keys:
        return tensors
    rows, centre = tensors.get(KEYS), tensors.get(CENTRE)
    if rows is None or centre is None or {rows.dtype, centre.dtype} != {"F32"}:
        raise _unlike("it does not tell which questions it serves, as its cube says")
    if rows.shape != (keys, *centre.shape) or len(centre.shape) != 1:
        raise _unlike(f"it has not the {keys:,} keys that its cube tells of")
    names = tensors.get(NAMES)
    if names is not None and (names.dtype != "U8" or len(names.shape) != 1):
        raise _unlike(f"{NAMES} is {names.dtype} {list(names.shape)}")
    return {name: one for name, one in tensors.items() if name not in {KEYS, CENTRE, NAMES}}


def _require_adapter(adapter: AnyAdapter, tensors: Mapping[str, _Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype not in _FLOATS:
            raise _unlike(f"{name[:80]} is {tensor.dtype} {list(tensor.shape)}")
    if isinstance(adapter, Adapter):
        _require_lora(adapter, tensors)
    elif isinstance(adapter, Prefix):
        _require_prefix(adapter, tensors)
    else:
        _require_side(tensors)
    parameters = sum(tensor.elements for tensor in tensors.values())
    if parameters != adapter.parameters:
        raise _unlike(f"it has {parameters:,} parameters, which its cube denies")


def _require_lora(adapter: Adapter, tensors: Mapping[str, _Tensor]) -> None:
    modules = {name.removesuffix(_A).removesuffix(_B) for name in tensors}
    _require_names({module + end for module in modules for end in (_A, _B)}, tensors)
    for name, tensor in tensors.items():
        ranked = 0 if name.endswith(_A) else 1
        if len(tensor.shape) != 2 or tensor.shape[ranked] != adapter.rank:
            raise _unlike(f"{name[:80]} is {tensor.dtype} {list(tensor.shape)}")


def _require_prefix(adapter: Prefix, tensors: Mapping[str, _Tensor]) -> None:
    if len(tensors) != 2 * adapter.layers:
        raise _unlike(f"it has {len(tensors):,} tensors, not those of its cube's layers")
    parts = [f"layers.{n}.{part}" for n in range(adapter.layers) for part in ("key", "value")]
    _require_names(set(parts), tensors)
    for name, tensor in tensors.items():
        if len(tensor.shape) != 3 or tensor.shape[0] != adapter.tokens:
            raise _unlike(f"{name} is {tensor.dtype} {list(tensor.shape)}")


def _require_side(tensors: Mapping[str, _Tensor]) -> None:
    _require_names({_DELTA}, tensors)
    if len(tensors[_DELTA].shape) != 2:
        raise _unlike(f"{_DELTA} is {tensors[_DELTA].dtype} {list(tensors[_DELTA].shape)}")


def _require_names(expected: set[str], found: Mapping[str, _Tensor]) -> None:
    if not expected or expected != set(found):
        odd = min(expected ^ set(found), default="no tensor")
        raise _unlike(f"see {odd[:80]!r}, which is there too much or too little")


def _unlike(why: str) -> CorruptionError:
    message = f"a blob is not the safetensors file that its cube describes: {why}"
    return CorruptionError(message, hint="get the bundle again; nothing was imported")
