"""A language model by way of torch and transformers: it reads, resumes, answers and learns."""

from __future__ import annotations

import math
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.models import lora_peft
from memos.models.block_reader import BlockReader
from memos.models.decode import write_together
from memos.models.kv_tiers import Budgets, Tiers
from memos.models.language_model import LanguageModel
from memos.models.lora_training import Lesson, Passage, mean_loss, train
from memos.models.recent import Recent
from memos.models.weights import DEFAULT
from memos.ports.progress import Progress, silent
from memos.ports.runtime import Generation, Message, Prefilled, Prompt, Trained
from memos.scheduler.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memos.cube import Fingerprint
    from memos.models.decode import Written
    from memos.models.lora_peft import Lora
    from memos.ports.runtime import Example, Recipe, Saved, Stored

_TOGETHER = 16
_HELD_ADAPTERS = 4
_HELD_BYTES = 4 * 2**30
_KEPT_TOKENS = 8
"""So much of an unrelated question's answer is held still in training."""


class TorchRuntime:
    """A causal language model on the CPU or on a GPU; it is loaded when it is first needed.

    Args:
        model: ``smollm2``, a folder, or the name of a model on the Hugging Face hub.
        cache_folder: where converted weights are kept.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.
        dtype: ``float32``, ``bfloat16``, ``float16``, or ``auto`` for the first on a CPU and the
            second on a GPU.
        kv: where blocks of attention state lie; by default in memory alone.
        block_tokens: the tokens of a block, and of one call; None for what suits the device.
        progress: told of the conversion of weights.

    Calls may come from several threads; they take turns.
    """

    def __init__(
        self,
        model: str = DEFAULT,
        *,
        cache_folder: Path,
        device: str = "auto",
        dtype: str = "auto",
        kv: Tiers | None = None,
        block_tokens: int | None = None,
        progress: Progress = silent,
    ) -> None:
        self._lock = threading.RLock()
        self._lm = LanguageModel(
            model,
            cache_folder=cache_folder,
            device=device,
            dtype=dtype,
            progress=progress,
            stride=block_tokens,
        )
        self._kv = kv or Tiers(Budgets(), policy=lambda _: Lru())
        self._texts = BlockReader(self._lm, self._kv)
        self._adapters: Recent[Lora] = Recent(
            lambda content: lora_peft.from_bytes(content, self._lm.model, self._lm.device),
            count=_HELD_ADAPTERS,
            size=lambda lora: 4 * lora.adapter.parameters,
            limit_bytes=_HELD_BYTES,
        )

    @property
    def fingerprint(self) -> Fingerprint:
        """Which model this is."""
        with self._lock:
            return self._lm.fingerprint

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The prompt's token ids; text within a message never becomes part of its structure."""
        return self.prompt(messages).tokens

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The prompt's token ids, and where the cuts of the messages lie in them."""
        with self._lock:
            return self._lm.chat.encode(messages)

    def count(self, text: str) -> int:
        """How many tokens a text is within a message; the model's weights are not loaded for it."""
        with self._lock:
            return len(self._lm.chat.tokens_of(text))

    def prefill(
        self,
        tokens: Sequence[int],
        *,
        cuts: Sequence[int],
        salt: str,
        progress: Progress = silent,
    ) -> Prefilled:
        """Read the tokens up to the last cut and keep the attention state in blocks."""
        with self._lock:
            self._require_readable(tokens)
            return self._texts.prefill(tokens, cuts, salt, progress)

    def generate(
        self,
        tokens: Sequence[int],
        *,
        limit: int,
        cuts: Sequence[int] = (),
        kept: int = 0,
        salt: str = "",
        adapter: Stored | None = None,
    ) -> Generation:
        """Continue ``tokens`` greedily by at most ``limit`` tokens."""
        if kept and adapter is not None:
            raise BadInput(
                "attention state belongs to the model without an adapter",
                hint="pass kept or adapter, not both",
            )
        with self._lock:
            self._require_readable(tokens)
            text = self._texts.text(tokens, cuts, salt)
            _ = self._lm.reader  # loading the model is not part of reading
            started = time.perf_counter()
            with self._wearing(adapter):
                written, reused = self._texts.write(
                    text, kept, self._room(tokens, limit), plain=adapter is None
                )
            blocks = tuple(block.name for block in text.blocks if block.end <= kept)
            return self._generated(written, tokens, started, reused=reused, blocks=blocks)

    def generate_composed(
        self,
        tokens: Sequence[int],
        *,
        limit: int,
        cuts: Sequence[int],
        salts: Sequence[str],
        recompute: float,
    ) -> tuple[Generation, tuple[tuple[str, ...], ...]]:
        """Continue a prompt whose parts were each read alone, behind the same beginning."""
        with self._lock:
            self._require_readable(tokens)
            if len(cuts) != len(salts) + 1 or cuts[-1] >= len(tokens) or not salts:
                message = f"{len(cuts)} cuts and {len(salts)} marks for {len(tokens)} tokens"
                raise BadInput(message, hint="one cut behind the beginning, one behind each part")
            _ = self._lm.reader
            started = time.perf_counter()
            joined = self._texts.join(tokens, cuts, salts, recompute)
            written = self._texts.write_behind(
                joined.state, tokens[cuts[-1] :], self._room(tokens, limit)
            )
            reused = cuts[-1] - joined.computed
            return self._generated(written, tokens, started, reused=reused), joined.blocks

    def generate_many(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        limit: int,
        cuts: Sequence[int],
        salt: str,
    ) -> list[str]:
        """Continue several prompts greedily at once, which begin alike up to the last cut."""
        with self._lock:
            for prompt in prompts:
                self._require_readable(prompt)
            written = self._texts.write_many(prompts, cuts, salt, limit)
            return [self._lm.chat.decode(tokens) for tokens in written]

    def logits(
        self,
        tokens: Sequence[int],
        *,
        cuts: Sequence[int] = (),
        kept: int = 0,
        salt: str = "",
    ) -> list[float]:
        """What the model holds likely after ``tokens``: one number for each token it knows."""
        with self._lock:
            self._require_readable(tokens)
            text = self._texts.text(tokens, cuts, salt)
            return self._texts.logits(text, kept)

    def train(
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        progress: Progress = silent,
        saved: Saved | None = None,  # noqa: ARG002
    ) -> Trained:
        """Train a LoRA on the answers to ``examples``."""
        for example in examples:
            if not example.answer.strip():
                raise BadInput(f"the question {example.question!r} has no answer to learn")
        if not examples:
            raise BadInput("there are no examples to learn from")
        with self._lock:
            started = time.perf_counter()
            progress("preparing to train", 0, 1)
            lesson = self._lesson(examples, recipe)
            progress("preparing to train", 1, 1)
            lora, losses = train(self._lm.model, lesson, recipe, progress=progress)
            return Trained(
                content=lora_peft.to_bytes(lora),
                adapter=lora.adapter,
                first_loss=losses.first,
                last_loss=losses.last,
                steps=losses.steps,
                seconds=time.perf_counter() - started,
                libraries={name: version(name) for name in ("torch", "transformers", "peft")},
            )

    def answers(self, questions: Sequence[str], *, adapter: Stored | None, limit: int) -> list[str]:
        """The greedy answers to single questions, as a batch."""
        with self._lock:
            prompts = [self._asked(question) for question in questions]
            with self._wearing(adapter):
                return self._answered(prompts, limit)

    def perplexity(self, texts: Sequence[str], *, adapter: Stored | None) -> float:
        """Exp of the mean negative log-likelihood per token over all ``texts``."""
        with self._lock:
            passages = [passage for passage in map(self._passage, texts) if passage.predicted]
            if not passages:
                raise BadInput("there is no text of at least two tokens to measure")
            with self._wearing(adapter):
                return math.exp(mean_loss(self._lm.model, passages))

    def holds(self, digests: Collection[str]) -> int:
        """How many of these adapters are loaded."""
        return sum(one in self._adapters for one in set(digests))

    def release(self, digests: Collection[str]) -> None:
        """Let go of these adapters, where they are loaded."""
        for digest in digests:
            self._adapters.drop(digest)

    def _generated(
        self,
        written: Written,
        prompt: Sequence[int],
        started: float,
        *,
        reused: int,
        blocks: tuple[str, ...] = (),
    ) -> Generation:
        return Generation(
            text=self._lm.chat.decode(written.tokens),
            tokens=written.tokens,
            prompt_tokens=len(prompt),
            reused_tokens=reused,
            first_token_seconds=written.first_at - started,
            seconds=time.perf_counter() - started,
            blocks=blocks,
        )

    def _wearing(self, adapter: Stored | None) -> AbstractContextManager[None]:
        return lora_peft.worn(self._lm.model, self._adapters.get(adapter) if adapter else None)

    def _asked(self, question: str) -> tuple[int, ...]:
        tokens = self._lm.chat.encode([Message("user", question)]).tokens
        self._require_readable(tokens)
        return tokens

    def _answered(self, prompts: Sequence[Sequence[int]], limit: int) -> list[str]:
        answers: list[str] = []
        for start in range(0, len(prompts), _TOGETHER):
            part = prompts[start : start + _TOGETHER]
            written = write_together(self._lm.model, part, limit=limit, stop=self._lm.stop)
            answers += [self._lm.chat.decode(tokens) for tokens in written]
        return answers

    def _lesson(self, examples: Sequence[Example], recipe: Recipe) -> Lesson:
        questions = [self._asked(question) for question in recipe.unrelated_questions]
        usual = self._answered(questions, _KEPT_TOKENS)
        kept = [self._told(q, answer) for q, answer in zip(questions, usual, strict=True)]
        texts = [passage for passage in map(self._passage, recipe.unrelated) if passage.predicted]
        return Lesson(
            examples=tuple(self._told(self._asked(e.question), e.answer) for e in examples),
            unrelated=(*texts, *kept),
            shared=self._lm.chat.opening(),
        )

    def _told(self, prompt: tuple[int, ...], answer: str) -> Passage:
        ending = self._lm.chat.closing() or tuple(sorted(self._lm.stop))[:1]
        tokens = (*prompt, *self._lm.chat.tokens_of(answer.strip()), *ending)
        self._require_readable(tokens)
        return Passage(tokens, len(prompt))

    def _passage(self, text: str) -> Passage:
        tokens = self._lm.chat.document(text)
        if tokens:
            self._require_readable(tokens)
        return Passage(tokens, 1)

    def _require_readable(self, tokens: Sequence[int]) -> None:
        if not tokens:
            raise BadInput("there are no tokens to read", hint="pass at least one")
        longest, known = self._lm.longest, self._lm.vocabulary
        if longest is not None and len(tokens) > longest:
            raise BadInput(
                f"{len(tokens)} tokens are more than the {longest} that the model can attend to",
                hint="leave some memories out",
            )
        if min(tokens) < 0 or max(tokens) >= known:
            raise BadInput(f"the model knows only the tokens from 0 to {known - 1}")

    def _room(self, tokens: Sequence[int], limit: int) -> int:
        longest = self._lm.longest
        return limit if longest is None else min(limit, longest - len(tokens) + 1)
