"""KV and LoRA cubes that no model ever made: their bytes are well-formed, and mean nothing."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

from memos.cube import (
    Activation,
    Adapter,
    Evaluation,
    Fingerprint,
    Header,
    Kind,
    Life,
    MemCube,
    Parametric,
    Parent,
    Prefix,
    Provenance,
    SideMemory,
    State,
    Step,
    TrainingRecord,
)
from memos.cube.identity import Identities, canonical, digest_of
from memos.cube.wire import payload_digest
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.ports.journal import Audit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from memos.cube import AnyAdapter
    from memos.kernel import Kernel

_IDS = Identities()
_NOTHING = digest_of(b"")
MODEL = Fingerprint(
    name="none", architecture="none", weights=_NOTHING, tokenizer=_NOTHING, dtype="none", rope=""
)
"""A model that nobody has."""
TOKENS = (5, 3, 8)


def safetensors(tensors: Mapping[str, tuple[str, Sequence[int], bytes]]) -> bytes:
    """A safetensors file of tensors: dtype, shape and bytes by name."""
    header, content = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        offsets = [len(content), len(content) + len(data)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        content += data
    head = json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + content


def attention(parents: Sequence[MemCube], *, at: datetime) -> tuple[MemCube, bytes]:
    """A KV cube as versions before 0.5 made them, with bytes that no version reads any more.

    It has one layer, two heads of width 2 and three tokens.
    """
    number = len(TOKENS)
    content = safetensors(
        {
            "tokens": ("I64", [number], struct.pack(f"<{number}q", *TOKENS)),
            "layers.0.key": ("F32", [2, number, 2], bytes(48)),
            "layers.0.value": ("F32", [2, number, 2], bytes(48)),
        }
    )
    payload = Activation(
        model=MODEL,
        blob=digest_of(content),
        size_bytes=len(content),
        tokens=number,
        tokens_digest=digest_of(canonical(list(TOKENS))),
        layers=1,
        prefill_seconds=0.5,
    )
    return _derived(payload, parents, at), content


def adapter(
    parents: Sequence[MemCube], *, at: datetime, passed: bool = True
) -> tuple[MemCube, bytes]:
    """A LoRA cube of rank 1 on one module of three by three, and its bytes."""
    content = safetensors(
        {
            "base_model.model.layers.0.lora_A.weight": ("F32", [1, 3], bytes(12)),
            "base_model.model.layers.0.lora_B.weight": ("F32", [3, 1], bytes(12)),
        }
    )
    shape = Adapter(rank=1, alpha=2.0, targets=("layers.0",), parameters=6)
    return _trained(shape, content, parents, at=at, passed=passed)


def prefix(parents: Sequence[MemCube], *, at: datetime) -> tuple[MemCube, bytes]:
    """A trained prefix of two tokens, for one layer with one head of width 3, and its bytes."""
    names = ("layers.0.key", "layers.0.value")
    content = safetensors({name: ("F32", [2, 1, 3], bytes(24)) for name in names})
    return _trained(Prefix(tokens=2, layers=1, parameters=12), content, parents, at=at)


def side(parents: Sequence[MemCube], *, at: datetime) -> tuple[MemCube, bytes]:
    """A side memory of one matrix of three by two, and its bytes."""
    content = safetensors({"side.delta": ("F32", [3, 2], bytes(24))})
    shape = SideMemory(target="layers.0", shards=1, density=0.5, parameters=6)
    return _trained(shape, content, parents, at=at)


def _trained(
    shape: AnyAdapter,
    content: bytes,
    parents: Sequence[MemCube],
    *,
    at: datetime,
    passed: bool = True,
) -> tuple[MemCube, bytes]:
    training = TrainingRecord(
        seed=0, steps=1, learning_rate=0.1, examples=1, examples_digest=_NOTHING, first_loss=2.0,
        last_loss=1.0, seconds=1.0, libraries={"torch": "none"},
    )  # fmt: skip
    evaluation = Evaluation(
        questions=4, recall_before=0.0, recall_after=1.0 if passed else 0.0,
        trained_recall_after=1.0, perplexity_before=10.0, perplexity_after=10.5,
        required_recall=0.6, allowed_drift=0.2,
    )  # fmt: skip
    payload = Parametric(
        model=MODEL,
        blob=digest_of(content),
        size_bytes=len(content),
        adapter=shape,
        training=training,
        evaluation=evaluation,
    )
    return _derived(payload, parents, at), content


def stored(
    kernel: Kernel,
    parents: Sequence[MemCube],
    make: Callable[..., tuple[MemCube, bytes]] = adapter,
) -> MemCube:
    """A cube that :func:`adapter` or :func:`attention` makes, in a store, with its bytes."""
    parts = kernel._parts  # noqa: SLF001 - no call takes in what no model made
    cube, content = make(parents, at=parts.clock.now())
    parts.blobs.put(content)
    audit = Audit(cube.created_at, "test", "test", cube.scope, (cube.id,))
    edges = tuple(
        Edge(cube.id, Relation.DERIVED, one.id, one.version) for one in cube.provenance.parents
    )
    parts.catalog.commit(Change(audit=audit, put=(cube,), edges=edges))
    return cube


def _derived(payload: Activation | Parametric, parents: Sequence[MemCube], at: datetime) -> MemCube:
    header = Header(
        id=_IDS.new(at),
        kind=Kind(payload.kind),
        title=f"{payload.kind} of {len(parents)} memories",
        created_at=at,
        updated_at=at,
        digest=payload_digest(payload),
        scope=parents[0].scope,
        life=Life(state=State.ACTIVATED),
    )
    provenance = Provenance(
        actor="test",
        time=at,
        step=Step(operation="test", by="nobody"),
        parents=tuple(Parent(id=parent.id, version=parent.version) for parent in parents),
    )
    return MemCube(header=header, payload=payload, provenance=provenance)
