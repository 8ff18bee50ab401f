"""What a model learns from, as tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos.models.packed import Passage


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an adapter is trained on."""

    examples: tuple[Passage, ...]
    checked: tuple[Passage, ...]
    """Not trained on; training ends when these are known."""
    unrelated: tuple[Passage, ...]
    shared: tuple[int, ...]
    """What every prompt of a chat begins with."""
    told: tuple[int, ...] = ()
    """What is to be learnt, as one text."""
