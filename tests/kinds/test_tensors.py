"""The bytes of KV and LoRA cubes are looked at before they are believed, without any model."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from memos.cube import Activation, Parametric, Prefix
from memos.errors import CorruptionError
from memos.kinds.route_keys import CENTRE, KEYS, NAMES
from memos.kinds.salt import salted
from memos.kinds.tensors import Told, require_tensors, told
from memos.testing.catalog import plaintext
from memos.testing.derived import TOKENS, adapter, attention, prefix, safetensors, side

AT = datetime(2024, 5, 1, tzinfo=UTC)


MADE = {"attention": attention, "lora": adapter, "prefix": prefix, "side": side}
all_kinds = pytest.mark.parametrize("kind", MADE)


def made(kind: str) -> tuple[Told, bytes]:
    cube, content = MADE[kind]([plaintext("x")], at=AT)
    assert isinstance(cube.payload, Activation | Parametric)
    return told(cube.payload), content


@all_kinds
def test_what_fits_its_cube_is_taken(kind: str) -> None:
    claim, content = made(kind)
    require_tensors(claim, content)


def test_a_tenant_s_salt_does_not_matter() -> None:
    claim, content = made("attention")
    marked = salted(content, "0" * 64)
    require_tensors(replace(claim, size_bytes=len(marked)), marked)


@all_kinds
def test_what_is_cut_off_or_goes_on_is_refused(kind: str) -> None:
    claim, content = made(kind)
    for length in range(len(content)):
        with pytest.raises(CorruptionError):
            require_tensors(replace(claim, size_bytes=length), content[:length])
    with pytest.raises(CorruptionError):
        require_tensors(claim, content + b"x")


@pytest.mark.parametrize("kind", ["lora", "prefix", "side"])
def test_the_bytes_of_another_method_are_refused(kind: str) -> None:
    claim, _ = made(kind)
    for other in MADE:
        if other != kind:
            content = made(other)[1]
            with pytest.raises(CorruptionError):
                require_tensors(replace(claim, size_bytes=len(content)), content)


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
    claim, _ = made("attention")
    content = safetensors(tensors)
    with pytest.raises(CorruptionError):
        require_tensors(replace(claim, size_bytes=len(content)), content)


ROW = ("F32", [2, 1, 3], bytes(24))
UNWORN: list[tuple[str, dict[str, tuple[str, list[int], bytes]]]] = [
    ("lora", {"m.lora_A.weight": ("F32", [1, 6], bytes(24))}),
    ("lora", {}),
    ("prefix", {}),
    ("prefix", {"layers.0.key": ROW}),
    ("prefix", {"layers.0.key": ROW, "layers.1.value": ROW}),
    ("prefix", {"layers.0.key": ROW, "layers.0.value": ROW, "layers.0.query": ROW}),
    ("prefix", {"layers.0.key": ROW, "layers.0.value": ("F32", [1, 2, 3], bytes(24))}),
    ("prefix", {"layers.0.key": ROW, "layers.0.value": ("F32", [2, 3], bytes(24))}),
    ("prefix", {"layers.0.key": ROW, "layers.0.value": ("I32", [2, 1, 3], bytes(24))}),
    ("prefix", {"layers.0.key": ROW, "layers.0.value": ("F32", [2, 1, 4], bytes(32))}),
    ("side", {}),
    ("side", {"delta": ("F32", [3, 2], bytes(24))}),
    ("side", {"side.delta": ("F32", [6], bytes(24))}),
    ("side", {"side.delta": ("I64", [3, 1], bytes(24))}),
    ("side", {"side.delta": ("F32", [3, 3], bytes(36))}),
    ("side", {"side.delta": ("F32", [3, 2], bytes(24)), "more": ("F32", [1], bytes(4))}),
]


@pytest.mark.parametrize(
    ("kind", "tensors"), UNWORN, ids=[f"{kind} {n}" for n, (kind, _) in enumerate(UNWORN)]
)
def test_tensors_that_no_such_adapter_has_are_refused(
    kind: str, tensors: dict[str, tuple[str, list[int], bytes]]
) -> None:
    claim, _ = made(kind)
    content = safetensors(tensors)
    with pytest.raises(CorruptionError):
        require_tensors(replace(claim, size_bytes=len(content)), content)


def test_a_claim_of_a_billion_layers_costs_nothing() -> None:
    claim, content = made("prefix")
    shape = Prefix(tokens=2, layers=10**9, parameters=12)
    with pytest.raises(CorruptionError, match="layers"):
        require_tensors(replace(claim, adapter=shape), content)


WORN = {
    "base_model.model.layers.0.lora_A.weight": ("F32", [1, 3], bytes(12)),
    "base_model.model.layers.0.lora_B.weight": ("F32", [3, 1], bytes(12)),
    KEYS: ("F32", [1, 2], bytes(8)),
    CENTRE: ("F32", [2], bytes(8)),
}
SPELLED = b'[["Orla Venn"], ["Tartu"]]'


def routed(names: tuple[str, list[int], bytes] | None = None) -> tuple[Told, bytes]:
    content = safetensors({**WORN, NAMES: names} if names else WORN)
    claim, _ = made("lora")
    return replace(claim, size_bytes=len(content), keys=1), content


def test_an_adapter_may_tell_names_beside_its_keys() -> None:
    require_tensors(*routed())
    require_tensors(*routed(("U8", [len(SPELLED)], SPELLED)))


@pytest.mark.parametrize(
    "names",
    [
        ("I8", [len(SPELLED)], SPELLED),
        ("U8", [2, len(SPELLED) // 2], SPELLED),
        ("U8", [0], b""),
        ("U8", [2], b"[]"),
        ("U8", [6], b"[1, 2]"),
        ("U8", [1], b"\xff"),
    ],
    ids=str,
)
def test_names_that_are_none_are_refused(names: tuple[str, list[int], bytes]) -> None:
    with pytest.raises(CorruptionError):
        require_tensors(*routed(names))


def test_names_without_keys_are_refused() -> None:
    claim, content = routed(("U8", [len(SPELLED)], SPELLED))
    with pytest.raises(CorruptionError):
        require_tensors(replace(claim, keys=0), content)
