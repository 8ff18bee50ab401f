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
    cuts: tuple[int, ...] = ()
    """Places in the content, in ascending order, at which it is tokenised apart: the tokens before
    one do not depend on the text behind it, nor the other way round."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given to continue."""

    tokens: tuple[int, ...]
    cuts: tuple[int, ...]
    """Where in the tokens the messages' cuts lie; empty where the chat template leaves no trace
    of them."""


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The attention state after reading some tokens, kept in blocks."""

    blocks: tuple[str, ...]
    """Their names, in order; see ``memos.ports.blocks``."""
    tokens: int
    reused_tokens: int
    """Of blocks that were there already."""
    layers: int
    size_bytes: int
    """Of all keys and values, in the model's own dtype."""
    seconds: float
    """What computing took; blocks that were there took none."""


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
    blocks: tuple[str, ...] = ()
    """The names of the blocks that the kept part of the prompt lies in now, in order."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its answer, to learn or to be tested on."""

    question: str
    answer: str
    plain: bool = False
    """Whether it is a text that the model continues, outside any chat; the question is then the
    text up to the answer."""


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

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The prompt's token ids, and where the cuts of the messages lie in them."""
        ...

    def prefill(
        self,
        tokens: Sequence[int],
        *,
        cuts: Sequence[int],
        salt: str,
        progress: Progress = silent,
    ) -> Prefilled:
        """Read the tokens up to the last cut and keep the attention state in blocks, also on disk.

        Blocks that are there already are not computed again.

        Raises:
            BadInput: no tokens, or more than the model can attend to; cuts that are none.
            NotSupported: not every layer of the model attends to the whole text.
            OutOfSpace: the disk has no room for them.
        """
        ...

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
        """Continue ``tokens`` greedily by at most ``limit`` tokens.

        Args:
            tokens: the prompt.
            limit: how many tokens to write, at most.
            cuts: where reading pauses. An answer does not depend on them but by rounding; with
                the same cuts, stored blocks give to the last bit what the whole prompt gives.
            kept: how many of the first tokens, up to one of the cuts, lie in stored blocks, or
                shall: these are used instead of being computed, and what is missing is stored.
                Attention state belongs to the untouched model, so this and ``adapter`` exclude
                each other.
            salt: the tenant's mark: what was stored under another is not found.
            adapter: a LoRA to wear.

        Raises:
            BadInput: no tokens, too many, cuts that are none, or both ``kept`` and ``adapter``.
            CorruptionError: the adapter cannot be read as what it should be.
        """
        ...

    def generate_composed(
        self,
        tokens: Sequence[int],
        *,
        limit: int,
        cuts: Sequence[int],
        salts: Sequence[str],
        recompute: float,
    ) -> tuple[Generation, tuple[tuple[str, ...], ...]]:
        """Continue a prompt whose parts were each read alone, behind the same beginning.

        The answer is near the one that the whole prompt would have given, and the nearer, the more
        is computed anew; with ``recompute=1`` it is that one, but for rounding.

        Args:
            tokens: the prompt.
            limit: how many tokens to write, at most.
            cuts: behind the beginning, then behind each part.
            salts: of each part the mark of the tenant whose it is. Its blocks are those that
                :meth:`prefill` makes of the beginning and the part; what is missing is stored.
            recompute: which share of the tokens is computed anew that stand where they were not
                made; those that were furthest off.

        Returns:
            What was written; and of each part the names of the blocks that it lies in now.

        Raises:
            BadInput: no tokens, too many, cuts that are none, or a share outside 0 to 1.
            NotSupported: keys of this model cannot be moved to other positions.
        """
        ...

    def generate_many(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        limit: int,
        cuts: Sequence[int],
        salt: str,
    ) -> list[str]:
        """Continue several prompts greedily at once, which begin alike up to the last cut.

        What they have in common lies in stored blocks, or shall, and is read once.

        Raises:
            BadInput: they do not begin alike, or end there; or as in :meth:`generate`.
            NotSupported: the model keeps no attention state that can be cut into blocks.
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
        """How many of these adapters are loaded; the model itself is not loaded to find out."""
        ...

    def release(self, digests: Collection[str]) -> None:
        """Let go of these adapters, where they are loaded: they are not used any more."""
        ...
