"""Training an adapter on answers while holding the model still everywhere else."""

from __future__ import annotations

import math
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from memos.models.halves import has_native_bfloat16
from memos.models.reading_below import Below
from memos.models.training_order import Order
from memos.models.training_state import State, restored, written
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    import torch

    from memos.cube import AnyAdapter
    from memos.models.adapter_wire import Packet
    from memos.models.packed import Passage
    from memos.ports.runtime import Recipe, Saved

_WARM_UP = 3
_LOWEST_PACE = 0.05
_BETAS = (0.9, 0.99)
_LEARNT, _KNOWN = 0.99, 0.95
"""Training ends once the one share of the trained examples is learnt, and the other known of the
checked ones."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an adapter is trained on."""

    examples: tuple[Passage, ...]
    checked: tuple[Passage, ...]
    """Not trained on; training ends when these are known."""
    unrelated: tuple[Passage, ...]
    shared: tuple[int, ...]
    """What every prompt of a chat begins with."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss on the answers, at the first and over the last steps."""

    first: float
    last: float
    steps: int


class Trainee(Protocol):
    """An adapter in training."""

    @property
    def weights(self) -> list[torch.Tensor]:
        """What is trained."""
        ...

    @property
    def first(self) -> int:
        """The first of the model's blocks that it changes."""
        ...

    @property
    def adapter(self) -> AnyAdapter:
        """Its shape."""
        ...

    def worn(self, model: Any) -> AbstractContextManager[None]:
        """Put it on a model; afterwards the model is as it was."""
        ...

    def packet(self) -> Packet:
        """What its bytes are made of."""
        ...


class Training:
    """Minimises the loss on the examples plus the KL divergence to the model on what is unrelated.

    The same seed gives the same weights, also of a training that was interrupted.
    """

    def __init__(self, model: Any, lesson: Lesson, recipe: Recipe, trainee: Trainee) -> None:
        self._model, self._lesson, self._recipe, self._trainee = model, lesson, recipe, trainee
        first = trainee.first
        self._half = recipe.half and has_native_bfloat16(model.device)
        with self._precision():
            self._kept = Below(model, lesson.unrelated, lesson.shared, first)
            self._anchors = self._kept.anchors()
            self._examples = Below(model, lesson.examples, lesson.shared, first)
            self._checked = Below(model, lesson.checked, lesson.shared, first)

    def run(self, *, saved: Saved | None = None, progress: Progress = silent) -> Losses:
        """Train until the answers are known, or for as many steps as the recipe allows."""
        import torch

        recipe, weights = self._recipe, self._trainee.weights
        optimizer = torch.optim.AdamW(
            weights, lr=recipe.learning_rate, weight_decay=0.0, betas=_BETAS
        )
        order = Order(len(self._lesson.examples), len(self._anchors), recipe.seed)
        state = State(recent=deque(maxlen=self._epoch), order=order)
        if saved is not None and (content := saved.load()) is not None:
            restored(content, state, weights, optimizer)
        with ExitStack() as stack:
            stack.enter_context(self._trainee.worn(self._model))
            stack.enter_context(self._examples.above())
            while state.step < recipe.steps and not self._done(state):
                progress("training", state.step, recipe.steps)
                self._pace(optimizer, state.step)
                with self._precision():
                    self._step(state, optimizer)
                if saved is not None and saved.due():
                    saved.save(written(state, weights, optimizer), state.step)
        progress("training", recipe.steps, recipe.steps)
        return Losses(state.first, sum(state.recent) / len(state.recent), state.step)

    @property
    def _epoch(self) -> int:
        return max(2, math.ceil(len(self._lesson.examples) / self._recipe.batch))

    def _step(self, state: State, optimizer: torch.optim.Optimizer) -> None:
        import torch

        recipe = self._recipe
        learnt = state.order.examples(recipe.batch, recipe.enough, recipe.repeat)
        kept = state.order.unrelated(recipe.kept) if recipe.locality else []
        passages = [self._lesson.examples[n] for n in learnt]
        packed, below = self._examples.packed(learnt, (self._kept, kept))
        said = packed.predictions(self._model, below)
        answers = surprises(passages, said)
        loss = torch.cat(answers).mean()
        drift = divergence([self._anchors[n] for n in kept], said[len(learnt) :])
        (loss + recipe.locality * drift).backward()
        torch.nn.utils.clip_grad_norm_(self._trainee.weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        worst = torch.stack([answer.detach().max() for answer in answers]).tolist()
        state.order.note(learnt, worst)
        state.recent.append(loss.item())
        state.first = state.first if state.step else state.recent[0]
        state.step += 1

    def _pace(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """The learning rate warms up, then falls along half a cosine."""
        share = (1 + math.cos(math.pi * step / self._recipe.steps)) / 2
        pace = min(1.0, (step + 1) / _WARM_UP) * max(share, _LOWEST_PACE)
        for group in optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * pace

    def _done(self, state: State) -> bool:
        if state.step < self._epoch or state.step % max(2, self._epoch // 2):
            return False
        if state.order.learnt(self._recipe.enough) < _LEARNT:
            return False
        with self._precision():
            known = self._checked.known(self._model)
        return sum(known) >= _KNOWN * len(known)

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        return torch.autocast(self._model.device.type, torch.bfloat16, enabled=self._half)


def surprises(passages: Sequence[Passage], said: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Of each passage the negative log-likelihoods of its predicted tokens."""
    import torch

    expected = list(chain.from_iterable(passage.predicted for passage in passages))
    together = torch.cat(list(said[: len(passages)]))
    target = torch.tensor(expected, device=together.device)
    losses = torch.nn.functional.nll_loss(together, target, reduction="none")
    return list(torch.split(losses, [len(passage.predicted) for passage in passages]))


def divergence(anchors: Sequence[torch.Tensor], said: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean KL divergence of what is said from the anchors, per predicted token."""
    import torch

    if not anchors:
        return torch.zeros(())
    before, after = torch.cat(list(anchors)), torch.cat(list(said))
    return torch.nn.functional.kl_div(after, before, log_target=True, reduction="batchmean")
