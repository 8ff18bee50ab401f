"""What a cube tells of others, and is not shown to whoever may not read those."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import MemCube, Plaintext
from memos.cube.wire import payload_digest

if TYPE_CHECKING:
    from collections.abc import Collection


def with_parents(cube: MemCube, there: Collection[str]) -> MemCube:
    """The cube, and of what it was made from only what is among ``there``."""
    parents = tuple(parent for parent in cube.provenance.parents if parent.id in there)
    if len(parents) == len(cube.provenance.parents):
        return cube
    provenance = cube.provenance.model_copy(update={"parents": parents})
    return cube.model_copy(update={"provenance": provenance})


def without_place(cube: MemCube) -> MemCube:
    """The cube without its place in a conversation, which tells how many turns came before it."""
    if not isinstance(cube.payload, Plaintext) or cube.payload.position is None:
        return cube
    payload = cube.payload.model_copy(update={"position": None})
    governance = cube.header.governance.model_copy(update={"redacted": True})
    update = {"digest": payload_digest(payload), "governance": governance}
    header = cube.header.model_copy(update=update)
    return cube.model_copy(update={"header": header, "payload": payload})
