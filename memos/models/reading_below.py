"""Passages, and what the lower blocks of a model make of them: computed once."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from memos.models.packed import Packed, Passage, together
from memos.models.upper_blocks import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import torch


class Below:
    """Passages for a model whose blocks before ``first`` are left out; 0 leaves out none."""

    def __init__(
        self, model: Any, passages: Sequence[Passage], shared: Sequence[int], first: int
    ) -> None:
        self._model, self.passages, self._shared = model, passages, shared
        self._first = first
        self.made: list[torch.Tensor] = []
        self._beginning: torch.Tensor | None = None
        if first:
            self._read()

    def _read(self) -> None:
        import torch

        count = together(self._model.device)
        with torch.no_grad(), lower(self._model, self._first) as made:
            for start in range(0, len(self.passages), count):
                part = self.passages[start : start + count]
                packed = Packed(part, self._shared, self._model.device)
                packed.pass_through(self._model)
                counts = [packed.owners.count(number) for number in range(-1, len(part))]
                self._beginning, *rest = torch.split(made()[0], counts)
                self.made += rest

    def above(self) -> AbstractContextManager[None]:
        """Within it the model is what comes behind the lower blocks."""
        return upper(self._model, self._first) if self._first else nullcontext()

    def packed(
        self, numbers: Sequence[int], others: tuple[Below, Sequence[int]] | None = None
    ) -> tuple[Packed, torch.Tensor | None]:
        """Some passages in one row, then some of ``others``; and what was made of the tokens."""
        import torch

        chosen = [(self, n) for n in numbers]
        chosen += [(others[0], n) for n in others[1]] if others else []
        packed = Packed([one.passages[n] for one, n in chosen], self._shared, self._model.device)
        if not self._first:
            return packed, None
        made = [one.made[n] for one, n in chosen]
        beginning = [] if self._beginning is None else [self._beginning]
        return packed, torch.cat([*beginning, *made])

    def anchors(self) -> list[torch.Tensor]:
        """What the model, as it is now, predicts for each passage."""
        import torch

        with torch.no_grad(), self.above():
            return [one for said in self._said(self._model) for one in said]

    def known(self, model: Any) -> list[bool]:
        """Of each passage whether its predicted tokens are the likeliest.

        Called where the model is what comes behind the lower blocks.
        """
        import torch

        with torch.no_grad():
            likeliest = [
                tuple(one.argmax(-1).tolist()) for said in self._said(model) for one in said
            ]
        return [
            words == passage.predicted
            for words, passage in zip(likeliest, self.passages, strict=True)
        ]

    def _said(self, model: Any) -> Iterator[tuple[torch.Tensor, ...]]:
        """What is predicted for the passages, some at a time."""
        count = together(self._model.device)
        for start in range(0, len(self.passages), count):
            part = range(start, min(start + count, len(self.passages)))
            packed, below = self.packed(part)
            yield packed.predictions(model, below)
