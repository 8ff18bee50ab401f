"""A language model learns, and answers with what it has learnt."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput, NotSupported
from memos.models import adapter_wire, halves, lora, measuring
from memos.models.decode import Written, write_mixed, write_together
from memos.models.halves import in_halves
from memos.models.held_still import Stillness
from memos.models.lesson import Lesson
from memos.models.methods import METHODS, named
from memos.models.packed import Packed, Passage, together
from memos.models.reading_below import Below
from memos.models.recent import Recent
from memos.models.training import Training
from memos.models.upper_blocks import lower
from memos.models.wearing import worn
from memos.ports.runtime import Asked, Message, Trained

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memos.cube import Fingerprint
    from memos.models.language_model import LanguageModel
    from memos.models.methods import Wearable
    from memos.ports.progress import Progress
    from memos.ports.runtime import Drift, Example, Recipe, Saved, Stored

_A_STEP, _A_STEP_ON_CUDA = 8, 16
_HELD_ADAPTERS = 256
_HELD_BYTES = 4 * 2**30
_KEPT_TOKENS = 8
"""So much of an unrelated question's answer is held still in training."""
_EXCERPT = 10
"""So many tokens of an unrelated text are held still."""
_MIDDLE = 0.6
"""The share of the blocks after which a question's activation is read."""


class Learner:
    """The half of :class:`memos.models.runtime_torch.TorchRuntime` that deals with adapters."""

    def __init__(self, lm: LanguageModel) -> None:
        self._lm = lm
        self._stillness = Stillness()
        self._answered: dict[str, str] = {}
        self._adapters: Recent[Wearable] = Recent(
            self._loaded,
            count=_HELD_ADAPTERS,
            size=lambda held: 4 * held.adapter.parameters,
            limit_bytes=_HELD_BYTES,
        )

    @property
    def examples_a_step(self) -> int:
        """More on a GPU: a step of twice as many takes it hardly longer."""
        return _A_STEP_ON_CUDA if self._lm.device.type == "cuda" else _A_STEP

    def train(
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        checked: Sequence[Example],
        saved: Saved | None,
        progress: Progress,
    ) -> Trained:
        """Train an adapter on the answers to ``examples``."""
        for example in (*examples, *checked):
            if not example.answer.strip():
                raise BadInput(f"the question {example.question!r} has no answer to learn")
        if not examples:
            raise BadInput("there are no examples to learn from")
        method = named(recipe.method)
        started = time.perf_counter()
        progress("preparing to train", 0, 1)
        with _seeded(self._lm.device, recipe.seed):
            lesson = self._lesson(examples, checked, recipe)
            learning = method.trainee(self._lm.model, lesson, recipe)
            training = Training(self._lm.model, lesson, recipe, learning, stillness=self._stillness)
            progress("preparing to train", 1, 1)
            losses = training.run(saved=saved, progress=progress)
        return Trained(
            content=adapter_wire.to_bytes(learning.packet()),
            adapter=learning.adapter,
            first_loss=losses.first,
            last_loss=losses.last,
            steps=losses.steps,
            seconds=time.perf_counter() - started,
            libraries={name: version(name) for name in ("torch", "transformers")},
        )

    def wearing(self, adapters: Sequence[Stored]) -> AbstractContextManager[None]:
        """Put adapters on the model: one for all rows of a batch, or one for each row, or none."""
        return worn(self._lm.model, [self._adapters.get(one) for one in adapters])

    def ahead(self, adapters: Sequence[Stored]) -> int:
        """How many positions before a text these adapters take."""
        return max((self._adapters.get(one).ahead for one in adapters), default=0)

    def mixed(self, tokens: Sequence[int], adapters: Sequence[Stored], limit: int) -> Written:
        """Continue ``tokens`` with several adapters, each worn by a row of its own."""
        with self.wearing(adapters):
            return write_mixed(
                self._lm.model, tokens, rows=len(adapters), limit=limit, stop=self._lm.stop
            )

    def answers(self, asked: Sequence[Asked], limit: int) -> list[str]:
        """The greedy answers to single questions, as a batch, each with adapters of its own."""
        prompts = [self._asked(one.question, plain=one.plain) for one in asked]
        for one, prompt in zip(asked, prompts, strict=True):
            self._lm.require_readable(prompt, self.ahead(one.adapters))
        answers: list[str] = []
        count = together(self._lm.model.device)
        for start in range(0, len(asked), count):
            part = range(start, min(start + count, len(asked)))
            rows = [asked[n].adapters for n in part]
            wearing = self._rows(rows)
            with worn(self._lm.model, wearing):
                written = write_together(
                    self._lm.model,
                    [prompts[n] for n in part],
                    limit=limit,
                    stop=self._lm.stop,
                    alike=len(wearing) == 1,
                )
            for n, tokens in zip(part, written, strict=True):
                several = asked[n].adapters if len(asked[n].adapters) > 1 else ()
                told = self.mixed(prompts[n], several, limit).tokens if several else tokens
                answers.append(self._lm.chat.decode(told))
        return answers

    def knows(self, examples: Sequence[Example], adapter: Stored) -> list[bool]:
        """Of each example whether the greedy answer with an adapter is the expected one."""
        passages = tuple(map(self._example, examples))
        with self.wearing([adapter]):
            below = Below(self._lm.model, passages, self._lm.chat.opening(), 0)
            return below.known(self._lm.model)

    def perplexity(self, texts: Sequence[str]) -> float:
        """Exp of the mean negative log-likelihood per token over all ``texts``."""
        return math.exp(measuring.mean_loss(self._lm.model, self._measured(texts)))

    def drift(self, texts: Sequence[str], adapter: Stored) -> Drift:
        """What an adapter does to the model on ``texts``."""
        return measuring.drift(
            self._lm.model, self._measured(texts), lambda: self.wearing([adapter])
        )

    def activations(self, questions: Sequence[str]) -> list[tuple[float, ...]]:
        """Of each question the mean of the model's own hidden states over its tokens."""
        import torch

        model = self._lm.model
        first = max(1, int(model.config.num_hidden_layers * _MIDDLE))
        opening, count = self._lm.chat.opening(), together(model.device)
        half = in_halves(model, half=halves.pays(model.device))
        found: list[tuple[float, ...]] = []
        with torch.inference_mode(), half, lower(model, first) as made:
            for start in range(0, len(questions), count):
                part = [self._framed(one) for one in questions[start : start + count]]
                packed = Packed([passage for passage, _ in part], opening, self._lm.device)
                packed.pass_through(model)
                counts = [packed.owners.count(number) for number in range(-1, len(part))]
                _, *states = torch.split(made()[0].float(), counts)
                means = (one[:asked].mean(0) for one, (_, asked) in zip(states, part, strict=True))
                found += (tuple(mean.tolist()) for mean in means)
        return found

    def _framed(self, question: str) -> tuple[Passage, int]:
        """A question as it is asked, and how many tokens it is behind what all prompts share."""
        prompt = self._lm.chat.encode([Message("user", question, (0, len(question)))])
        self._lm.require_readable(prompt.tokens)
        start, end = prompt.cuts or (0, len(prompt.tokens))
        return Passage(prompt.tokens, len(prompt.tokens) - 1), max(1, end - start)

    def merge(self, adapter: Stored, folder: Path) -> Fingerprint:
        """Write a model to ``folder`` into whose weights the adapter is added."""
        import torch

        held = self._adapters.get(adapter)
        if not isinstance(held, lora.Lora):
            raise NotSupported(
                f"a {held.adapter.method} cannot be added to weights", hint="only a LoRA can"
            )
        if folder.exists() and any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty", hint="name a folder that is not there yet")
        other = self._lm.another()
        with torch.no_grad():
            for name, (a, b) in held.pairs.items():
                weight = lora.linear(other, name).weight
                weight += (held.scale * (b @ a)).to(weight)
        return self._lm.written(other, folder)

    def holds(self, digests: Collection[str]) -> int:
        """How many of these adapters are loaded."""
        return sum(one in self._adapters for one in set(digests))

    def release(self, digests: Collection[str]) -> None:
        """Let go of these adapters, where they are loaded."""
        for digest in digests:
            self._adapters.drop(digest)

    def _loaded(self, content: bytes) -> Wearable:
        packet = adapter_wire.from_bytes(content, self._lm.device)
        return METHODS[packet.method].read(packet, self._lm.model)

    def _rows(self, wanted: Sequence[tuple[Stored, ...]]) -> list[Wearable | None]:
        """What each row wears; one where they all wear the same."""
        rows = [self._adapters.get(one[0]) if len(one) == 1 else None for one in wanted]
        return rows[:1] if all(row is rows[0] for row in rows) else rows

    def _asked(self, question: str, *, plain: bool) -> tuple[int, ...]:
        if plain:
            tokens = self._lm.chat.document(question)
        else:
            tokens = self._lm.chat.encode([Message("user", question)]).tokens
        self._lm.require_readable(tokens)
        return tokens

    def _lesson(
        self, examples: Sequence[Example], checked: Sequence[Example], recipe: Recipe
    ) -> Lesson:
        return Lesson(
            examples=tuple(map(self._example, examples)),
            checked=tuple(map(self._example, checked)),
            unrelated=(
                *map(_excerpt, count(), self._passages(recipe.unrelated)),
                *self._usual(recipe.unrelated_questions),
            ),
            shared=self._lm.chat.opening(),
            told=self._lm.chat.document("\n".join(recipe.texts or map(_said, examples))),
        )

    def _usual(self, questions: Sequence[str]) -> list[Passage]:
        """Questions with the beginnings of the answers that the model gives as it is."""
        unknown = [one for one in dict.fromkeys(questions) if one not in self._answered]
        answers = self.answers([Asked(one) for one in unknown], _KEPT_TOKENS)
        self._answered |= dict(zip(unknown, answers, strict=True))
        return [self._told(self._asked(one, plain=False), self._answered[one]) for one in questions]

    def _example(self, example: Example) -> Passage:
        prompt = self._asked(example.question, plain=example.plain)
        if not example.plain:
            return self._told(prompt, example.answer)
        tokens = (*prompt, *self._lm.chat.tokens_of(f" {example.answer.strip()}"))
        self._lm.require_readable(tokens)
        return Passage(tokens, len(prompt))

    def _told(self, prompt: tuple[int, ...], answer: str) -> Passage:
        ending = self._lm.chat.closing() or tuple(sorted(self._lm.stop))[:1]
        tokens = (*prompt, *self._lm.chat.tokens_of(answer.strip()), *ending)
        self._lm.require_readable(tokens)
        return Passage(tokens, len(prompt))

    def _measured(self, texts: Sequence[str]) -> list[Passage]:
        passages = list(self._passages(texts))
        if not passages:
            raise BadInput("there is no text of at least two tokens to measure")
        return passages

    def _passages(self, texts: Sequence[str]) -> Iterator[Passage]:
        for text in texts:
            tokens = self._lm.chat.document(text)
            if len(tokens) > 1:
                self._lm.require_readable(tokens)
                yield Passage(tokens, 1)


def _said(example: Example) -> str:
    return f"{example.question} {example.answer.strip()}"


def _excerpt(number: int, passage: Passage) -> Passage:
    """Of every other text the beginning, of the rest the end: so the model is held still at both.

    What is predicted costs most in a step, and of short texts more are seen.
    """
    if number % 2:
        return Passage(passage.tokens, max(1, len(passage.tokens) - _EXCERPT))
    return Passage(passage.tokens[: _EXCERPT + 1], 1)


@contextmanager
def _seeded(device: Any, seed: int) -> Iterator[None]:
    import torch

    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
