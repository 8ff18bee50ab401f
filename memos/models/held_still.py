"""What a model must go on predicting: computed once for all trainings that hold the same still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.models.halves import in_halves
from memos.models.reading_below import Below

if TYPE_CHECKING:
    import torch

    from memos.models.lesson import Lesson


@dataclass(frozen=True, slots=True)
class HeldStill:
    """Passages that have nothing to do with what is learnt."""

    below: Below
    anchors: list[torch.Tensor]
    """What the model predicts for each, before it has learnt anything."""


class Stillness:
    """Keeps what the last training held still, for the next; of one model."""

    def __init__(self) -> None:
        self._key: object = None
        self._held: HeldStill | None = None

    def of(self, model: Any, lesson: Lesson, first: int, *, half: bool) -> HeldStill:
        """The unrelated passages of a lesson, for a training of the blocks from ``first`` on."""
        key = (lesson.unrelated, lesson.shared, first, half)
        if self._held is None or self._key != key:
            with in_halves(model, half=half):
                below = Below(model, lesson.unrelated, lesson.shared, first)
                self._key, self._held = key, HeldStill(below, below.anchors())
        return self._held
