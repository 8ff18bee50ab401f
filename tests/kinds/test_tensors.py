"""The bytes of KV and LoRA cubes are looked at before they are believed, without any model."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest

from memos.cube import Activation, Parametric
from memos.errors import CorruptionError
from memos.kinds.salt import salted
from memos.kinds.tensors import Told, require_tensors, told
from memos.testing.catalog import plaintext
from memos.testing.derived import TOKENS, adapter, attention, safetensors

AT = datetime(2024, 5, 1, tzinfo=UTC)


def made(kind: type[Activation | Parametric]) -> tuple[Told, bytes]:
    cube, content = (attention if kind is Activation else adapter)([plaintext("x")], at=AT)
    assert isinstance(cube.payload, kind)
    return told(cube.payload), content


@pytest.mark.parametrize("kind", [Activation, Parametric])
def test_what_fits_its_cube_is_taken(kind: type[Activation | Parametric]) -> None:
    claim, content = made(kind)
    require_tensors(claim, content)


def test_a_tenant_s_salt_does_not_matter() -> None:
    claim, content = made(Activation)
    marked = salted(content, "0" * 64)
    require_tensors(Told(len(marked), claim.tokens, claim.tokens_digest, claim.layers), marked)


@pytest.mark.parametrize("kind", [Activation, Parametric])
def test_what_is_cut_off_or_goes_on_is_refused(kind: type[Activation | Parametric]) -> None:
    claim, content = made(kind)
    for length in range(len(content)):
        cut = Told(length, claim.tokens, claim.tokens_digest, claim.layers, claim.rank, 6)
        with pytest.raises(CorruptionError):
            require_tensors(cut, content[:length])
    with pytest.raises(CorruptionError):
        require_tensors(claim, content + b"x")


DATA = struct.pack("<3q", *TOKENS)
KV = bytes(48)
ODD = {
    "no tensors": {},
    "no tokens": {"layers.0.key": ("F32", [2, 3, 2], KV), "layers.0.value": ("F32", [2, 3, 2], KV)},
    "tokens that are floats": {
        "tokens": ("F64", [3], DATA),
        "layers.0.key": ("F32", [2, 3, 2], KV),
        "layers.0.value": ("F32", [2, 3, 2], KV),
    },
    "keys of two tokens": {
        "tokens": ("I64", [3], DATA),
        "layers.0.key": ("F32", [3, 2, 2], KV),
        "layers.0.value": ("F32", [2, 3, 2], KV),
    },
    "keys without heads": {
        "tokens": ("I64", [3], DATA),
        "layers.0.key": ("F32", [12], KV),
        "layers.0.value": ("F32", [2, 3, 2], KV),
    },
    "values that are whole": {
        "tokens": ("I64", [3], DATA),
        "layers.0.key": ("F32", [2, 3, 2], KV),
        "layers.0.value": ("I32", [2, 3, 2], KV),
    },
    "bytes of another shape": {
        "tokens": ("I64", [3], DATA),
        "layers.0.key": ("F32", [2, 3, 2], KV),
        "layers.0.value": ("F32", [2, 3, 3], KV),
    },
    "a dtype that is not": {
        "tokens": ("I64", [3], DATA),
        "layers.0.key": ("F32", [2, 3, 2], KV),
        "layers.0.value": ("OBJECT", [2, 3, 2], KV),
    },
    "a shape below zero": {
        "tokens": ("I64", [3], DATA),
        "layers.0.key": ("F32", [2, 3, 2], KV),
        "layers.0.value": ("F32", [-2, 3, -2], KV),
    },
}


@pytest.mark.parametrize("tensors", ODD.values(), ids=ODD)
def test_tensors_of_another_name_shape_or_type_are_refused(
    tensors: dict[str, tuple[str, list[int], bytes]],
) -> None:
    claim, _ = made(Activation)
    content = safetensors(tensors)
    odd = Told(len(content), claim.tokens, claim.tokens_digest, claim.layers)
    with pytest.raises(CorruptionError):
        require_tensors(odd, content)


def test_half_a_pair_of_weights_is_refused() -> None:
    content = safetensors({"m.lora_A.weight": ("F32", [1, 6], bytes(24))})
    with pytest.raises(CorruptionError, match="lora_B"):
        require_tensors(Told(len(content), rank=1, parameters=6), content)
