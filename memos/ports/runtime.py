"""A language model: it reads, resumes, answers and learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from memos.cube import AnyAdapter, Fingerprint


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
    """Whether it is a text that the model continues, outside any chat; ``question`` is then the
    text up to the answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a batch, and what serves it."""

    question: str
    plain: bool = False
    """As in :class:`Example`."""
    adapters: tuple[Stored, ...] = ()
    """What the model wears for this question alone."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train an adapter."""

    method: str = "lora"
    """``lora``, ``prefix`` (a trained attention prefix) or ``side`` (a side memory)."""
    rank: int = 8
    alpha: float = 16.0
    steps: int = 70
    """At most; training ends before where the answers are learnt."""
    batch: int = 8
    learning_rate: float = 1e-3
    locality: float = 1.0
    """Weight of the KL divergence to the untouched model on ``unrelated`` texts."""
    kept: int = 2
    """How many unrelated texts and questions a step looks at."""
    below: float = 0.67
    """The share of the model's blocks, from the bottom, that a LoRA leaves alone; what they
    compute is computed once and not in every step."""
    enough: float = 0.2
    """A token of an answer is learnt when its negative log-likelihood is below this; an example
    whose tokens all are comes up less often."""
    repeat: float = 0.1
    """How often an example that is learnt comes up, beside one that is not."""
    half: bool = True
    """Whether training multiplies in bfloat16 where the machine does that natively; weights and
    sums stay as they are."""
    tokens: int = 0
    """Of a prefix; 0 for as many as suit the examples."""
    density: float = 0.2
    """The share of a side memory that a shard may change; what is learnt at once may change all."""
    shard: int = 0
    """Examples that a side memory learns at a time, those before not seen again; 0 for all."""
    seed: int = 0
    unrelated: tuple[str, ...] = field(default=())
    """Texts on which the model must stay as it was."""
    unrelated_questions: tuple[str, ...] = field(default=())
    """Questions that the model must answer as it did."""
    texts: tuple[str, ...] = field(default=())
    """What is to be learnt, as it was told: a prefix begins as the attention state of it."""


@dataclass(frozen=True, slots=True)
class Trained:
    """An adapter and how it came to be."""

    content: bytes
    """A safetensors file; see ``memos.cube.Parametric.blob``."""
    adapter: AnyAdapter
    first_loss: float
    last_loss: float
    steps: int
    seconds: float
    libraries: dict[str, str]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a model with an adapter has moved from the model without, on some texts."""

    before: float
    """Perplexity of the model as it is: exp of the mean negative log-likelihood per token."""
    after: float
    """Perplexity of the model with the adapter."""
    divergence: float
    """Mean KL divergence per token, in nats, of what it predicts from what it predicted."""


class Saved(Protocol):
    """Where a training keeps what it has reached, so that it can go on after a kill."""

    def load(self) -> bytes | None:
        """What was saved last; None where nothing was."""
        ...

    def due(self) -> bool:
        """Whether it is time to save."""
        ...

    def save(self, state: bytes, step: int) -> None:
        """Keep ``state``, of training that has done ``step`` steps, in the place of the last."""
        ...


class Runtime(Protocol):
    """A causal language model with a chat template.

    The model itself never changes: after any call, without an adapter, it answers as before, bit
    for bit. Stored attention state is never written to. Decoding is greedy.
    """

    @property
    def fingerprint(self) -> Fingerprint:
        """Which model this is."""
        ...

    @property
    def examples_a_step(self) -> int:
        """How many examples a step of training looks at best, on this machine."""
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
        adapters: Sequence[Stored] = (),
    ) -> Generation:
        """Continue ``tokens`` greedily by at most ``limit`` tokens.

        Args:
            tokens: the prompt.
            limit: how many tokens to write, at most.
            cuts: where reading pauses. An answer does not depend on them but by rounding; with
                the same cuts, stored blocks give to the last bit what the whole prompt gives.
            kept: how many of the first tokens, up to one of the cuts, lie in stored blocks, or
                shall: these are used instead of being computed, and what is missing is stored.
                Attention state belongs to the untouched model, so this and ``adapters`` exclude
                each other.
            salt: the tenant's mark: what was stored under another is not found.
            adapters: what the model wears. Of several, each is worn by a model of its own, and the
                mean of their probabilities is followed: weights are never added up.

        Raises:
            BadInput: no tokens, too many, cuts that are none, or both ``kept`` and ``adapters``.
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
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        checked: Sequence[Example] = (),
        saved: Saved | None = None,
        progress: Progress = silent,
    ) -> Trained:
        """Train an adapter on the answers to ``examples``; the same seed gives the same weights.

        Args:
            examples: what is learnt.
            recipe: how.
            checked: examples that are not trained on; training ends when their answers are known.
            saved: what an earlier training with the same arguments has reached is taken up from
                here, and what this one reaches is kept here from time to time. The weights are
                the same as of a training that was not interrupted.
            progress: told of each step.

        Raises:
            BadInput: no examples, or one with no answer; no method is called like that.
            CorruptionError: what was saved is not of this training.
        """
        ...

    def answers(self, asked: Sequence[Asked], *, limit: int) -> list[str]:
        """The greedy answers to single questions, as a batch, each with adapters of its own.

        A question without adapters is answered as it would be if no other had any.
        """
        ...

    def knows(self, examples: Sequence[Example], *, adapter: Stored) -> list[bool]:
        """Of each example whether the greedy answer with an adapter is the expected one, exactly.

        It is told from one pass, without writing the answers: much sooner than :meth:`answers`,
        and the same but for rounding. Of a plain example: whether the answer comes next.
        """
        ...

    def perplexity(self, texts: Sequence[str]) -> float:
        """Exp of the mean negative log-likelihood per token over all ``texts``."""
        ...

    def drift(self, texts: Sequence[str], *, adapter: Stored) -> Drift:
        """What an adapter does to the model on ``texts``, none of which it is meant for."""
        ...

    def activations(self, questions: Sequence[str]) -> list[tuple[float, ...]]:
        """Of each question the mean of the model's own hidden states over its tokens.

        From the middle of the model, without any adapter: what it makes of the question before it
        begins to answer.
        """
        ...

    def merge(self, adapter: Stored, folder: Path) -> Fingerprint:
        """Write a model to ``folder`` into whose weights the adapter is added.

        It is another model, which this one knows nothing of. This one stays as it is.

        Raises:
            BadInput: the folder is there and not empty.
            NotSupported: the adapter is no LoRA.
        """
        ...

    def holds(self, digests: Collection[str]) -> int:
        """How many of these adapters are loaded; the model itself is not loaded to find out."""
        ...

    def release(self, digests: Collection[str]) -> None:
        """Let go of these adapters, where they are loaded: they are not used any more."""
        ...
