"""Training an adapter on answers while holding the model still everywhere else."""

from __future__ import annotations

import math
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.models import halves
from memos.models.halves import in_halves, weighing_half
from memos.models.losses import surprises
from memos.models.reading_below import Below
from memos.models.training_order import Order
from memos.models.training_state import State, restored, written
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from memos.models.held_still import Stillness
    from memos.models.lesson import Lesson
    from memos.models.trainee import Trainee
    from memos.ports.runtime import Recipe, Saved

_WARM_UP = 3
_LOWEST_PACE = 0.05
_BETAS = (0.9, 0.99)
_LEARNT, _KNOWN = 0.99, 0.95
"""Training ends once the one share of the trained examples is learnt, and the other known of the
checked ones."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss on the answers, at the first and over the last steps."""

    first: float
    last: float
    steps: int


class Training:
    """Minimises the loss on the examples plus what its trainee says has moved that should not have.

    The same seed gives the same weights, also of a training that was interrupted.
    """

    def __init__(
        self,
        model: Any,
        lesson: Lesson,
        recipe: Recipe,
        trainee: Trainee,
        *,
        stillness: Stillness,
    ) -> None:
        self._model, self._lesson, self._recipe, self._trainee = model, lesson, recipe, trainee
        first, self._half = trainee.first, recipe.half and halves.pays(model.device)
        held = stillness.of(model, lesson, first, half=self._half)
        self._kept, self._anchors = held.below, held.anchors
        with self._precision():
            self._examples = Below(model, lesson.examples, lesson.shared, first)
            self._checked = Below(model, lesson.checked, lesson.shared, first)

    def run(self, *, saved: Saved | None = None, progress: Progress = silent) -> Losses:
        """Train until the answers are known, or for as many steps as the recipe allows."""
        recipe, trainee = self._recipe, self._trainee
        content = None if saved is None else saved.load()
        state = self._begun(0) if content is None else restored(content, trainee, self._begun)
        with ExitStack() as stack:
            stack.enter_context(trainee.worn(self._model))
            stack.enter_context(self._examples.above())
            stack.enter_context(self._weighing())
            while True:
                while not self._done(state):
                    progress("training", state.step, recipe.steps)
                    self._pace(state)
                    with self._precision():
                        self._step(state)
                    if saved is not None and saved.due():
                        saved.save(written(state, trainee), state.step)
                trainee.end(state.stage)
                if state.stage + 1 == len(trainee.stages):
                    break
                state = self._next(state)
        progress("training", recipe.steps, recipe.steps)
        return Losses(state.first, sum(state.recent) / len(state.recent), state.step)

    def _begun(self, stage: int) -> State:
        """The beginning of a stage."""
        import torch

        recipe, trainee = self._recipe, self._trainee
        trainee.begin(stage)
        return State(
            stage=stage,
            recent=deque(maxlen=self._epoch(stage)),
            order=Order(len(trainee.stages[stage]), len(self._anchors), recipe.seed + stage),
            optimizer=torch.optim.AdamW(
                trainee.weights, lr=recipe.learning_rate, weight_decay=0.0, betas=_BETAS
            ),
        )

    def _next(self, state: State) -> State:
        """The beginning of the stage that follows."""
        begun = self._begun(state.stage + 1)
        begun.begun = begun.step = state.step
        begun.first = state.first
        return begun

    def _epoch(self, stage: int) -> int:
        return max(2, math.ceil(len(self._trainee.stages[stage]) / self._recipe.batch))

    def _allowed(self, stage: int) -> int:
        """How many steps a stage may take: in proportion to its examples, at least one."""
        numbers = self._trainee.stages[stage]
        share = self._recipe.steps / len(self._lesson.examples)
        return max(1, round(numbers.stop * share) - round(numbers.start * share))

    def _step(self, state: State) -> None:
        import torch

        recipe, trainee = self._recipe, self._trainee
        chosen = state.order.examples(recipe.batch, recipe.enough, recipe.repeat)
        learnt = [trainee.stages[state.stage][n] for n in chosen]
        kept = state.order.unrelated(recipe.kept) if recipe.locality else []
        passages = [self._lesson.examples[n] for n in learnt]
        packed, below = self._examples.packed(learnt, (self._kept, kept))
        said = packed.predictions(self._model, below)
        answers = surprises(passages, said)
        loss = torch.cat(answers).mean()
        moved = trainee.moved([self._anchors[n] for n in kept], said[len(learnt) :])
        (loss + recipe.locality * moved).backward()
        torch.nn.utils.clip_grad_norm_(trainee.weights, 1.0)
        state.optimizer.step()
        state.optimizer.zero_grad()
        worst = torch.stack([answer.detach().max() for answer in answers]).tolist()
        state.order.note(chosen, worst)
        state.recent.append(loss.item())
        state.first = state.first if state.step else state.recent[0]
        state.step += 1

    def _pace(self, state: State) -> None:
        """The learning rate warms up, then falls along half a cosine."""
        step = state.step - state.begun
        share = (1 + math.cos(math.pi * step / self._allowed(state.stage))) / 2
        pace = min(1.0, (step + 1) / _WARM_UP) * max(share, _LOWEST_PACE)
        for group in state.optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * pace

    def _done(self, state: State) -> bool:
        """Whether a stage has ended: its steps are taken, or the answers known before."""
        step, epoch = state.step - state.begun, self._epoch(state.stage)
        if step >= self._allowed(state.stage):
            return True
        if step < epoch or step % max(2, epoch // 2):
            return False
        if state.order.learnt(self._recipe.enough) < _LEARNT:
            return False
        if len(self._trainee.stages) > 1:
            return True  # what is checked belongs to other stages, too
        return self._knows_others() and self._still_knows(state)

    def _knows_others(self) -> bool:
        """Whether the wordings are known that are not trained."""
        with self._precision():
            known = self._checked.known(self._model)
        return sum(known) >= _KNOWN * len(known)

    def _still_knows(self, state: State) -> bool:
        """Whether the answers are known that were learnt some steps ago; others come up again."""
        with self._precision():
            known = self._examples.known(self._model)
        lost = [number for number, one in enumerate(known) if not one]
        state.order.note(lost, [math.inf] * len(lost))
        return sum(known) >= _LEARNT * len(known)

    def _weighing(self) -> AbstractContextManager[None]:
        """Frozen weights in bfloat16; but where ids are read, what embeds them stays exact."""
        embedding = None if self._trainee.first else self._model.get_input_embeddings().weight
        return weighing_half(self._model.modules(), half=self._half, spared=embedding)

    def _precision(self) -> AbstractContextManager[Any]:
        return in_halves(self._model, half=self._half)
