"""A language model by way of torch and transformers: it reads, resumes, answers and learns."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput, NotSupported
from memos.models import lora_peft
from memos.models.decode import Text, write_together
from memos.models.kv_tiers import Budgets, Tiers
from memos.models.language_model import LanguageModel
from memos.models.lora_training import Lesson, Passage, mean_loss, train
from memos.models.recent import Recent
from memos.models.weights import DEFAULT
from memos.ports.blocks import chained, root_name
from memos.ports.progress import Progress, silent
from memos.ports.runtime import Generation, Message, Prefilled, Prompt, Trained
from memos.scheduler.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memos.cube import Fingerprint
    from memos.models.decode import Reader
    from memos.models.kv_graph import Graphs
    from memos.models.kv_session import Session
    from memos.models.lora_peft import Lora
    from memos.ports.blocks import Block, Layout
    from memos.ports.runtime import Example, Recipe, Stored

_TOGETHER = 16
_HELD_ADAPTERS = 4
_HELD_BYTES = 4 * 2**30
_NOBODY = "0" * 64
"""The name before the first block of a text that is not kept."""
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
        self._graphs: Graphs | None = None
        self._kv = kv or Tiers(Budgets(), policy=lambda _: Lru())
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
            blocks = self._blocks(tokens, cuts, salt)
            layout = self._layout()
            if layout is None:
                raise NotSupported(
                    f"the attention state of {self._lm.fingerprint.name} cannot be kept in blocks",
                    hint="use a model in which every layer attends to the whole text",
                )
            if not blocks:
                raise BadInput("there are no tokens to keep", hint="name at least one cut")
            text = Text(tokens[: blocks[-1].end], blocks)
            started = time.perf_counter()
            with self._kv.open(blocks, room=0, insist=True) as session:
                self._reader().read(text, self._cache(session), session, progress=progress)
                reused = session.reused
            return Prefilled(
                blocks=tuple(block.name for block in blocks),
                tokens=len(text.tokens),
                reused_tokens=reused,
                layers=layout.layers,
                size_bytes=len(text.tokens) * layout.token_bytes,
                seconds=time.perf_counter() - started,
            )

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
            _ = self._layout()  # loading the model is not part of reading
            text = self._text(tokens, cuts, salt)
            room = self._room(tokens, limit)
            started = time.perf_counter()
            with self._wearing(adapter), self._open(text, kept, room) as (cache, session):
                written = self._reader(adapter).write(
                    text, cache, session, limit=room, stop=self._lm.stop
                )
                reused = session.reused if session else 0
            stored = [block.name for block in text.blocks if session and block.end <= kept]
            return Generation(
                text=self._lm.chat.decode(written.tokens),
                tokens=written.tokens,
                prompt_tokens=len(tokens),
                reused_tokens=reused,
                first_token_seconds=written.first_at - started,
                seconds=time.perf_counter() - started,
                blocks=tuple(stored),
            )

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
            shared = cuts[-1] if cuts else 0
            begin = {tuple(prompt[:shared]) for prompt in prompts}
            if len(begin) != 1 or not shared or any(len(one) <= shared for one in prompts):
                message = f"{len(prompts)} prompts do not begin alike and go on from token {shared}"
                raise BadInput(message, hint="name the cut up to which they do")
            if self._layout() is None or self._lm.gathered:
                raise NotSupported(
                    f"{self._lm.fingerprint.name} cannot answer several questions on one text",
                    hint="ask one after the other",
                )
            text = Text(prompts[0][:shared], self._blocks(prompts[0], cuts, salt))
            with self._kv.open(text.blocks, room=0) as session:
                self._reader().read(text, self._cache(session), session)
                return self._many(session, [one[shared:] for one in prompts], limit)

    def _many(self, session: Session, questions: Sequence[Sequence[int]], limit: int) -> list[str]:
        from memos.models.kv_batch import write_batch

        answers: list[str] = []
        for start in range(0, len(questions), _TOGETHER):
            written = write_batch(
                self._lm.model, session.pages, questions[start : start + _TOGETHER],
                limit=limit, stop=self._lm.stop, wait=session.wait,
            )  # fmt: skip
            answers += [self._lm.chat.decode(tokens) for tokens in written]
        return answers

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
            _ = self._layout()
            text = self._text(tokens, cuts, salt)
            with self._open(text, kept, 0) as (cache, session):
                logits = self._reader().read(text, cache, session)
            return [] if logits is None else list(logits.float().tolist())

    def train(
        self, examples: Sequence[Example], recipe: Recipe, *, progress: Progress = silent
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

    def _layout(self) -> Layout | None:
        """What blocks of this model look like; there is memory for them from now on."""
        layout = self._lm.layout
        if layout is not None:
            self._kv.attach(layout, self._lm.device)
        return layout

    def _blocks(self, tokens: Sequence[int], cuts: Sequence[int], salt: str) -> list[Block]:
        ends = [0, *cuts]
        if any(first >= last for first, last in pairwise(ends)) or ends[-1] > len(tokens):
            raise BadInput(
                f"{list(cuts)} are no cuts of {len(tokens)} tokens", hint="they must ascend"
            )
        layout = self._layout()
        root = root_name(self._lm.fingerprint, layout, salt) if layout else _NOBODY
        return chained(tokens, cuts, root=root, block_tokens=self._lm.stride)

    def _text(self, tokens: Sequence[int], cuts: Sequence[int], salt: str) -> Text:
        """The prompt, whose last token is computed in any case: its logits are asked for."""
        blocks = [one for one in self._blocks(tokens, cuts, salt) if one.end < len(tokens)]
        return Text(tokens, blocks)

    @contextmanager
    def _open(self, text: Text, kept: int, room: int) -> Iterator[tuple[Any, Session | None]]:
        if self._lm.layout is None:
            from transformers import DynamicCache

            yield DynamicCache(), None
            return
        room += len(text.tokens) - text.covered
        stored = sum(block.end <= kept for block in text.blocks)
        with self._kv.open(text.blocks, room=room, stored=stored) as session:
            yield self._cache(session), session

    def _cache(self, session: Session) -> Any:
        from memos.models.kv_cache import PagedCache

        return PagedCache(session.pages, gathered=self._lm.gathered, wait=session.wait)

    def _reader(self, adapter: Stored | None = None) -> Reader:
        """The model, with captured passes where there can be some: they know of no adapter."""
        reader = self._lm.reader
        if adapter is not None or self._kv.graphs is None or self._lm.gathered:
            return reader
        if self._graphs is None:
            self._graphs = self._kv.graphs(reader.model)
        return replace(reader, graphs=self._graphs)

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
