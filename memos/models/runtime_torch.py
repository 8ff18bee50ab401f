"""A language model by way of torch and transformers: it reads, resumes, answers and learns."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.models.block_reader import BlockReader
from memos.models.kv_tiers import Budgets, Tiers
from memos.models.language_model import LanguageModel
from memos.models.learner import Learner
from memos.models.weights import DEFAULT
from memos.ports.progress import Progress, silent
from memos.ports.runtime import Generation, Message, Prefilled, Prompt, Trained
from memos.scheduler.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from memos.cube import Fingerprint
    from memos.models.decode import Written
    from memos.ports.runtime import Asked, Drift, Example, Recipe, Saved, Stored


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
        self._learner = Learner(self._lm)

    @property
    def fingerprint(self) -> Fingerprint:
        """Which model this is."""
        with self._lock:
            return self._lm.fingerprint

    @property
    def examples_a_step(self) -> int:
        """How many examples a step of training looks at best, on this machine."""
        return self._learner.examples_a_step

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
            self._lm.require_readable(tokens)
            return self._texts.prefill(tokens, cuts, salt, progress)

    def generate(
        self,
        tokens: Sequence[int],
        *,
        limit: int,
        cuts: Sequence[int] = (),
        kept: int = 0,
        salt: str = "",
        adapters: Sequence[Stored] = (),
    ) -> Generation:
        """Continue ``tokens`` greedily by at most ``limit`` tokens."""
        if kept and adapters:
            raise BadInput(
                "attention state belongs to the model without an adapter",
                hint="pass kept or adapters, not both",
            )
        with self._lock:
            self._lm.require_readable(tokens)
            text = self._texts.text(tokens, cuts, salt)
            _ = self._lm.reader  # loading the model is not part of reading
            started = time.perf_counter()
            ahead = self._learner.ahead(adapters)
            self._lm.require_readable(tokens, ahead)
            room = self._room(tokens, limit, ahead)
            if ahead or len(adapters) > 1:  # pages hold what the model alone makes of a text
                written = self._learner.mixed(tokens, adapters, room)
                return self._generated(written, tokens, started, reused=0)
            with self._learner.wearing(adapters):
                written, reused = self._texts.write(text, kept, room, plain=not adapters)
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
            self._lm.require_readable(tokens)
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
                self._lm.require_readable(prompt)
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
            self._lm.require_readable(tokens)
            text = self._texts.text(tokens, cuts, salt)
            return self._texts.logits(text, kept)

    def train(
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        checked: Sequence[Example] = (),
        saved: Saved | None = None,
        progress: Progress = silent,
    ) -> Trained:
        """Train an adapter on the answers to ``examples``."""
        with self._lock:
            return self._learner.train(
                examples, recipe, checked=checked, saved=saved, progress=progress
            )

    def answers(self, asked: Sequence[Asked], *, limit: int) -> list[str]:
        """The greedy answers to single questions, as a batch, each with adapters of its own."""
        with self._lock:
            return self._learner.answers(asked, limit)

    def knows(self, examples: Sequence[Example], *, adapter: Stored) -> list[bool]:
        """Of each example whether the greedy answer with an adapter is the expected one."""
        with self._lock:
            return self._learner.knows(examples, adapter)

    def perplexity(self, texts: Sequence[str]) -> float:
        """Exp of the mean negative log-likelihood per token over all ``texts``."""
        with self._lock:
            return self._learner.perplexity(texts)

    def drift(self, texts: Sequence[str], *, adapter: Stored) -> Drift:
        """What an adapter does to the model on ``texts``, none of which it is meant for."""
        with self._lock:
            return self._learner.drift(texts, adapter)

    def activations(self, questions: Sequence[str]) -> list[tuple[float, ...]]:
        """Of each question the mean of the model's own hidden states over its tokens."""
        with self._lock:
            return self._learner.activations(questions)

    def merge(self, adapter: Stored, folder: Path) -> Fingerprint:
        """Write a model to ``folder`` into whose weights the adapter is added."""
        with self._lock:
            return self._learner.merge(adapter, folder)

    def holds(self, digests: Collection[str]) -> int:
        """How many of these adapters are loaded."""
        return self._learner.holds(digests)

    def release(self, digests: Collection[str]) -> None:
        """Let go of these adapters, where they are loaded."""
        self._learner.release(digests)

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

    def _room(self, tokens: Sequence[int], limit: int, ahead: int = 0) -> int:
        longest = self._lm.longest
        return limit if longest is None else min(limit, longest - len(tokens) - ahead + 1)
