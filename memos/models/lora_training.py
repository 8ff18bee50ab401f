"""Training a LoRA on answers while holding the model still everywhere else."""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from memos.models.decode import logits_at
from memos.models.lora_peft import Lora, fresh, taken
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from memos.ports.runtime import Recipe

_TOGETHER = 8
_WARM_UP = 3
_LEARNT = 0.03
"""Training ends early once the loss on the answers stays below this for an epoch."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A token sequence of which the tokens from ``start`` (at least 1) on are predicted."""

    tokens: tuple[int, ...]
    start: int

    @property
    def predicted(self) -> tuple[int, ...]:
        """The tokens that are predicted."""
        return self.tokens[self.start :]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a LoRA is trained on."""

    examples: tuple[Passage, ...]
    unrelated: tuple[Passage, ...]
    shared: tuple[int, ...]
    """What every prompt of a chat begins with."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss on the answers, at the first and over the last steps."""

    first: float
    last: float
    steps: int


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
        self._ids = torch.tensor([ids], device=device)
        self._positions = torch.tensor([positions], device=device)
        self._places = torch.tensor(places, device=device)
        owner = torch.tensor(owners, device=device)
        shares = torch.tensor([*sharing, True], device=device)[owner]  # the last is for owner -1
        own = owner[None, :] == owner[:, None]
        self._seen = (own | ((owner == -1)[None, :] & shares[:, None])).tril()
        self._lengths = [len(passage.predicted) for passage in passages]

    def predictions(self, model: Any) -> tuple[torch.Tensor, ...]:
        """For each passage the log-probabilities [predicted tokens, vocabulary]."""
        import torch

        lowest = torch.finfo(model.dtype).min
        mask = torch.zeros(self._seen.shape, dtype=model.dtype, device=self._seen.device)
        logits = logits_at(
            model,
            self._places,
            input_ids=self._ids,
            attention_mask=mask.masked_fill(~self._seen, lowest)[None, None],
            position_ids=self._positions,
            use_cache=False,
        )
        return torch.split(logits.float().log_softmax(-1), self._lengths)


def train(
    model: Any, lesson: Lesson, recipe: Recipe, *, progress: Progress = silent
) -> tuple[Lora, Losses]:
    """Minimise the loss on the examples plus the KL divergence to the model on what is unrelated.

    LoRA is Hu et al., 2021 (arXiv 2106.09685). The same seed gives the same weights.
    """
    import torch

    device = model.device
    anchors = _anchors(model, lesson)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(recipe.seed)
        with fresh(model, rank=recipe.rank, alpha=recipe.alpha):
            losses = _descend(model, lesson, anchors, recipe, progress=progress)
            return taken(model, rank=recipe.rank, alpha=recipe.alpha), losses


def mean_loss(model: Any, passages: Sequence[Passage]) -> float:
    """Mean negative log-likelihood of the predicted tokens of all ``passages``."""
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(passages), _TOGETHER):
            part = passages[start : start + _TOGETHER]
            tokens = sum(len(passage.predicted) for passage in part)
            said = Packed(part, (), model.device).predictions(model)
            total += float(_surprise(part, said)) * tokens
            count += tokens
    return total / count


def _anchors(model: Any, lesson: Lesson) -> list[torch.Tensor]:
    """What the untouched model predicts for each unrelated passage."""
    import torch

    anchors: list[torch.Tensor] = []
    with torch.no_grad():
        for start in range(0, len(lesson.unrelated), _TOGETHER):
            part = lesson.unrelated[start : start + _TOGETHER]
            anchors += Packed(part, lesson.shared, model.device).predictions(model)
    return anchors


def _descend(
    model: Any,
    lesson: Lesson,
    anchors: Sequence[torch.Tensor],
    recipe: Recipe,
    *,
    progress: Progress,
) -> Losses:
    import torch

    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: _pace(s, recipe.steps))
    order = random.Random(recipe.seed)  # noqa: S311 - an order of examples, no secret
    examples, unrelated = _rounds(len(lesson.examples), order), _rounds(len(anchors), order)
    epoch = math.ceil(len(lesson.examples) / recipe.batch)
    recent: deque[float] = deque(maxlen=max(epoch, 2))
    first, step = 0.0, 0
    for step in range(recipe.steps):
        progress("training", step, recipe.steps)
        learnt = [next(examples) for _ in range(min(recipe.batch, len(lesson.examples)))]
        kept = [next(unrelated) for _ in range(min(_kept(recipe), len(anchors)))]
        passages = [lesson.examples[n] for n in learnt] + [lesson.unrelated[n] for n in kept]
        said = Packed(passages, lesson.shared, model.device).predictions(model)
        loss = _surprise(passages[: len(learnt)], said)
        drift = _divergence([anchors[n] for n in kept], said[len(learnt) :])
        (loss + recipe.locality * drift).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        recent.append(loss.item())
        first = first if step else recent[0]
        if len(recent) == recent.maxlen and sum(recent) / len(recent) < _LEARNT:
            break
    progress("training", recipe.steps, recipe.steps)
    return Losses(first, sum(recent) / len(recent), step + 1)


def _kept(recipe: Recipe) -> int:
    return max(1, recipe.batch // 2)


def _pace(step: int, steps: int) -> float:
    """The share of the learning rate: it warms up, then falls along half a cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * (1 + math.cos(math.pi * step / steps)) / 2


def _rounds(count: int, order: random.Random) -> Iterator[int]:
    """Every number below ``count``, shuffled, again and again."""
    while count:
        numbers = list(range(count))
        order.shuffle(numbers)
        yield from numbers


def _surprise(passages: Sequence[Passage], said: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean negative log-likelihood of the predicted tokens."""
    import torch

    expected = list(chain.from_iterable(passage.predicted for passage in passages))
    together = torch.cat(list(said[: len(passages)]))
    target = torch.tensor(expected, device=together.device)
    return torch.nn.functional.nll_loss(together, target)


def _divergence(anchors: Sequence[torch.Tensor], said: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean KL divergence of what is said from the anchors, per predicted token."""
    import torch

    if not anchors:
        return torch.zeros(())
    before, after = torch.cat(list(anchors)), torch.cat(list(said))
    return torch.nn.functional.kl_div(after, before, log_target=True, reduction="batchmean")
