"""A language model: it reads, resumes, answers and learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from memos.cube import Adapter, Fingerprint


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: str
    """``system``, ``user`` or ``assistant``."""
    content: str


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The attention state after reading ``tokens``."""

    content: bytes
    """A safetensors file; see ``memos.cube.Activation.blob``."""
    tokens: tuple[int, ...]
    layers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that the runtime may load, and may keep loaded under its digest."""

    digest: str
    read: Callable[[], bytes]
    """Reads and verifies the blob; called only when the runtime does not hold it."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model said, and what it cost."""

    text: str
    tokens: tuple[int, ...]
    prompt_tokens: int
    reused_tokens: int
    """How many of the prompt's tokens came from attention state instead of being computed."""
    first_token_seconds: float
    """From the call to the first token, loading of attention state included."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its answer, to learn or to be tested on."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train a LoRA."""

    rank: int = 8
    alpha: float = 16.0
    steps: int = 70
    batch: int = 8
    learning_rate: float = 1e-3
    locality: float = 1.0
    """Weight of the KL divergence to the untouched model on ``unrelated`` texts."""
    seed: int = 0
    unrelated: tuple[str, ...] = field(default=())
    """Texts on which the model must stay as it was."""
    unrelated_questions: tuple[str, ...] = field(default=())
    """Questions that the model must answer as it did."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A LoRA and how it came to be."""

    content: bytes
    """A safetensors file; see ``memos.cube.Parametric.blob``."""
    adapter: Adapter
    first_loss: float
    last_loss: float
    steps: int
    seconds: float
    libraries: dict[str, str]


class Runtime(Protocol):
    """A causal language model with a chat template.

    The model itself never changes: after any call, without an adapter, it answers as before, bit
    for bit. Stored attention state is never written to. Decoding is greedy.
    """

    @property
    def fingerprint(self) -> Fingerprint:
        """Which model this is."""
        ...

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The prompt's token ids, chat template and the opening of the answer included."""
        ...

    def count(self, text: str) -> int:
        """How many tokens a text is within a message; the model's weights are not loaded for it."""
        ...

    def prefix(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The tokens with which every prompt begins that starts with ``messages``.

        Whatever the user says next, ``encode([*messages, user])`` begins with these.
        """
        ...

    def prefill(self, tokens: Sequence[int], *, progress: Progress = silent) -> Prefilled:
        """Read ``tokens`` and keep the attention state.

        Raises:
            BadInput: no tokens, or more than the model can attend to.
        """
        ...

    def generate(
        self,
        tokens: Sequence[int],
        *,
        limit: int,
        resume: Stored | None = None,
        adapter: Stored | None = None,
        shared: int = 0,
    ) -> Generation:
        """Continue ``tokens`` greedily by at most ``limit`` tokens.

        ``shared`` is how many of the first tokens other prompts may share. An answer does not
        depend on it but by rounding: with it, the whole prompt gives to the last bit what
        resuming from the stored state of these tokens gives.

        With ``resume``, the longest common beginning of the stored tokens and ``tokens`` is not
        computed again; the answer is the one that the whole prompt would have given. Attention
        state belongs to the untouched model, so ``resume`` and ``adapter`` exclude each other.

        Raises:
            BadInput: no tokens, too many, or both ``resume`` and ``adapter``.
            CorruptionError: a blob cannot be read as what it should be.
        """
        ...

    def train(
        self, examples: Sequence[Example], recipe: Recipe, *, progress: Progress = silent
    ) -> Trained:
        """Train a LoRA on the answers to ``examples``; the same seed gives the same weights.

        Raises:
            BadInput: no examples, or one with no answer.
        """
        ...

    def answers(self, questions: Sequence[str], *, adapter: Stored | None, limit: int) -> list[str]:
        """The greedy answers to single questions, as a batch."""
        ...

    def perplexity(self, texts: Sequence[str], *, adapter: Stored | None) -> float:
        """Exp of the mean negative log-likelihood per token over all ``texts``."""
        ...

    def holds(self, digests: Collection[str]) -> int:
        """How many of these blobs are loaded; the model itself is not loaded to find out."""
        ...

    def release(self, digests: Collection[str]) -> None:
        """Let go of these blobs, where they are loaded: they are not used any more."""
        ...
