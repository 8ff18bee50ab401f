"""What a language model is shown of memories: one layout, the same from call to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import MemCube, Plaintext
from memos.ports.runtime import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTRUCTION = (
    "You have a memory. Answer the user's question from these memories, in one short sentence. "
    "If they do not hold the answer, say that you do not know."
)


def memories_message(cubes: Sequence[MemCube]) -> Message:
    """The system message that holds memories, in their order; equal cubes give equal bytes."""
    lines = "\n".join(f"- {memory_line(cube)}" for cube in cubes)
    return Message("system", f"{_INSTRUCTION}\n\nMemories:\n{lines}")


def memory_line(cube: MemCube) -> str:
    """A cube as one line: when, who, what."""
    said_at = cube.header.valid_from
    when = f"({said_at:%d %B %Y}) " if said_at else ""
    speaker = f"{cube.speaker}: " if cube.speaker else ""
    caption = cube.payload.attributes.get("caption") if isinstance(cube.payload, Plaintext) else ""
    shown = f" [{caption}]" if caption else ""
    return f"{when}{speaker}{' '.join(cube.text.split())}{shown}"
