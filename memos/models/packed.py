"""Several passages in one row of tokens, and what a model predicts for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.models.decode import logits_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


_TOGETHER, _TOGETHER_ON_CUDA = 16, 128


def together(device: torch.device) -> int:
    """How many passages to read at once; a processor gains nothing by as many as a GPU needs."""
    return _TOGETHER_ON_CUDA if device.type == "cuda" else _TOGETHER


@dataclass(frozen=True, slots=True)
class Passage:
    """A token sequence of which the tokens from ``start`` (at least 1) on are predicted."""

    tokens: tuple[int, ...]
    start: int

    @property
    def predicted(self) -> tuple[int, ...]:
        """The tokens that are predicted."""
        return self.tokens[self.start :]


class Packed:
    """Several passages in one row of tokens, so that a beginning they share is computed once.

        tokens     | shared | rest of passage 0 | rest of passage 1 | passage 2, begins otherwise |
        positions  | 0 .. s | s ..              | s ..              | 0 ..                        |

    A token attends to its own passage, the shared beginning included, as if it stood alone.
    """

    def __init__(
        self, passages: Sequence[Passage], shared: Sequence[int], device: torch.device
    ) -> None:
        import torch

        ids, positions, owners = list(shared), list(range(len(shared))), [-1] * len(shared)
        places: list[int] = []
        sharing = []
        for number, passage in enumerate(passages):
            skip = len(shared) if passage.tokens[: len(shared)] == tuple(shared) else 0
            sharing.append(skip > 0)
            offset = len(ids) - skip
            places += range(offset + passage.start - 1, offset + len(passage.tokens) - 1)
            ids += passage.tokens[skip:]
            positions += range(skip, len(passage.tokens))
            owners += [number] * (len(passage.tokens) - skip)
        self.ids = torch.tensor([ids], device=device)
        self.owners = owners
        """Of each token the number of its passage; -1 for the shared beginning."""
        self._positions = torch.tensor([positions], device=device)
        self._places = torch.tensor(places, device=device)
        owner = torch.tensor(owners, device=device)
        shares = torch.tensor([*sharing, True], device=device)[owner]  # the last is for owner -1
        own = owner[None, :] == owner[:, None]
        self._seen = (own | ((owner == -1)[None, :] & shares[:, None])).tril()
        self._lengths = [len(passage.predicted) for passage in passages]

    def predictions(
        self, model: Any, below: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, ...]:
        """For each passage the log-probabilities [predicted tokens, vocabulary].

        ``below`` [tokens, hidden] stands for the tokens where the model's lower blocks, which made
        it of them, are left out.
        """
        import torch

        given = {"input_ids": self.ids} if below is None else {"inputs_embeds": below[None]}
        logits = logits_at(model, self._places, **given, **self._seeing(model))
        return torch.split(logits.float().log_softmax(-1), self._lengths)

    def pass_through(self, model: Any) -> None:
        """Let a model read the row, for what hooks see of it."""
        model(input_ids=self.ids, **self._seeing(model))

    def _seeing(self, model: Any) -> dict[str, Any]:
        import torch

        lowest = torch.finfo(model.dtype).min
        mask = torch.zeros(self._seen.shape, dtype=model.dtype, device=self._seen.device)
        return {
            "attention_mask": mask.masked_fill(~self._seen, lowest)[None, None],
            "position_ids": self._positions,
            "use_cache": False,
        }
