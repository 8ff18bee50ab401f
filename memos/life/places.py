"""Where the bytes of KV and LoRA cubes may lie."""

from __future__ import annotations

from memos.cube import Kind
from memos.errors import BadInput, shown
from memos.ports import kv

DISK = "disk"
"""The usual place: read at once."""
ARCHIVE = "archive"
"""Compressed, perhaps on another disk."""
PLACES = (DISK, ARCHIVE)
"""Of LoRA weights, and of the bytes of KV cubes that versions before 0.5 made."""
MEMORY = (kv.GPU, kv.RAM)
"""The places of blocks that do not last."""

_PLACES = {Kind.PLAINTEXT: (), Kind.ACTIVATION: kv.PLACES, Kind.PARAMETRIC: PLACES}
_KNOWN = tuple(dict.fromkeys((*PLACES, *kv.PLACES)))


def read_place(name: object) -> str:
    """The place of that name.

    Raises:
        BadInput: there is none.
    """
    if name not in _KNOWN:
        raise BadInput(f"there is no place {shown(name)}", hint=f"there are: {', '.join(_KNOWN)}")
    return str(name)


def require_place(name: str, kind: Kind) -> None:
    """Refuse a place where cubes of this kind never lie.

    Raises:
        BadInput: so it is.
    """
    if name not in _PLACES[kind]:
        what = "KV" if kind is Kind.ACTIVATION else "LoRA"
        hint = f"a {what} cube lies in: {', '.join(_PLACES[kind])}"
        raise BadInput(f"no {what} cube is moved to {name!r}", hint=hint)
