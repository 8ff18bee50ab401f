"""What a language model is shown of memories: one layout, the same from call to call."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from memos.cube import MemCube, Plaintext
from memos.ports.runtime import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.runtime import Prompt

_INSTRUCTION = (
    "You have a memory. Answer the user's question from these memories, in one short sentence. "
    "If they do not hold the answer, say that you do not know."
)
_HEAD = f"{_INSTRUCTION}\n\nMemories:\n"


def memories_message(cubes: Sequence[MemCube]) -> Message:
    """The system message that holds memories, in their order; equal cubes give equal bytes.

    It can be cut before the first memory and behind each: a memory's tokens are the same wherever
    it stands, and so is the attention state of a beginning, whatever follows.
    """
    pieces = [_HEAD, *(f"- {memory_line(cube)}\n" for cube in cubes)]
    return Message("system", "".join(pieces), cuts=tuple(accumulate(map(len, pieces))))


def cuts_of(prompt: Prompt, *counts: int) -> tuple[int, ...]:
    """Where reading a prompt of memories pauses: before them, and behind the first ``counts``.

    Empty where the model's chat template leaves no trace of the cuts.
    """
    if not prompt.cuts:
        return ()
    return tuple(sorted({prompt.cuts[count] for count in (0, *counts)}))


def memory_line(cube: MemCube) -> str:
    """A cube as one line: when, who, what."""
    said_at = cube.header.valid_from
    when = f"({said_at:%d %B %Y}) " if said_at else ""
    speaker = f"{cube.speaker}: " if cube.speaker else ""
    caption = cube.payload.attributes.get("caption") if isinstance(cube.payload, Plaintext) else ""
    shown = f" [{caption}]" if caption else ""
    return f"{when}{speaker}{' '.join(cube.text.split())}{shown}"
