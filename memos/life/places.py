"""Where the bytes of KV and LoRA cubes may lie."""

from __future__ import annotations

from memos.errors import BadInput, shown

DISK = "disk"
"""The usual place: read at once."""
ARCHIVE = "archive"
"""Compressed, perhaps on another disk."""
PLACES = (DISK, ARCHIVE)


def read_place(name: object) -> str:
    """The place of that name.

    Raises:
        BadInput: there is none.
    """
    if name not in PLACES:
        raise BadInput(f"there is no place {shown(name)}", hint=f"there are: {', '.join(PLACES)}")
    return str(name)
