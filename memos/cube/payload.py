"""What a cube holds: text, attention state, or weights."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from memos.cube.frozen import Frozen

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Kind(StrEnum):
    """The three kinds of memory."""

    PLAINTEXT = "plaintext"
    ACTIVATION = "activation"
    PARAMETRIC = "parametric"


class Fingerprint(Frozen):
    """Which model: attention state and adapters are good for exactly this one."""

    name: str
    """For people; two models of one name are told apart by the digests."""
    architecture: str
    weights: Digest
    tokenizer: Digest
    dtype: str
    rope: str
    """The rotary-embedding parameters, as canonical JSON."""

    def differs(self, other: Fingerprint) -> list[str]:
        """The fields, apart from the name, that are not the same in ``other``."""
        fields = ("architecture", "weights", "tokenizer", "dtype", "rope")
        return [field for field in fields if getattr(self, field) != getattr(other, field)]


class Plaintext(Frozen):
    """Text that is searched."""

    kind: Literal[Kind.PLAINTEXT] = Kind.PLAINTEXT
    text: str = Field(min_length=1)
    speaker: str | None = None
    role: str | None = None
    position: int | None = None
    """Which turn of its session this is, from 0; None outside a conversation."""
    attributes: dict[str, str] = Field(default_factory=dict)
    """What else the source said of it: the ``caption`` of a picture, or the ``title`` it stands
    under, where one was given; the header's is made from the text otherwise."""


class Activation(Frozen):
    """Attention keys and values that a model resumes from."""

    kind: Literal[Kind.ACTIVATION] = Kind.ACTIVATION
    model: Fingerprint
    blob: Digest | None = None
    """Of cubes that earlier versions made: a safetensors file, which is not read any more. The
    blocks that a cube is kept in now stand beside it in the catalog: they can be made anew."""
    size_bytes: int = Field(ge=0)
    """Of all keys and values, in the model's own dtype."""
    tokens: int = Field(ge=1)
    tokens_digest: Digest
    layers: int = Field(ge=1)
    prefill_seconds: float = Field(ge=0)
    """Wall time that computing it took; what resuming from it saves. Blocks that were there
    already took none."""


class _Grown(Frozen):
    """Fields that came later are not written where they say nothing.

    So what earlier versions wrote keeps its digest. The kind, which they wrote, always is.
    """

    @model_serializer(mode="wrap")
    def _told(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = write(self)
        silent = (
            name
            for name, field in type(self).model_fields.items()
            if name != "kind" and not field.is_required() and getattr(self, name) == field.default
        )
        for name in silent:
            told.pop(name, None)
        return told


class Adapter(_Grown):
    """The shape of a LoRA: rank, scale and the modules it changes."""

    method: Literal["lora"] = "lora"
    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    targets: tuple[str, ...]
    parameters: int = Field(ge=1)


class Prefix(Frozen):
    """The shape of a trained attention prefix: so many made-up tokens before every text."""

    method: Literal["prefix"] = "prefix"
    tokens: int = Field(ge=1)
    layers: int = Field(ge=1)
    parameters: int = Field(ge=1)


class SideMemory(Frozen):
    """The shape of a side memory: what is added to one matrix."""

    method: Literal["side"] = "side"
    target: str
    """The module whose weight it changes."""
    shards: int = Field(ge=1)
    """So many batches were written one after another, each into its own share of the matrix."""
    density: float = Field(gt=0, le=1)
    """The share of the matrix that one batch may change."""
    parameters: int = Field(ge=1)


def _method(adapter: object) -> str:
    # cubes of earlier versions name none: all of them were LoRAs
    told = adapter.get("method") if isinstance(adapter, dict) else getattr(adapter, "method", None)
    return str(told or "lora")


AnyAdapter = Annotated[
    Annotated[Adapter, Tag("lora")]
    | Annotated[Prefix, Tag("prefix")]
    | Annotated[SideMemory, Tag("side")],
    Discriminator(_method),
]
"""What was trained, by its method."""


class TrainingRecord(Frozen):
    """How an adapter was trained."""

    seed: int
    steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    examples: int = Field(ge=1)
    examples_digest: Digest
    first_loss: float
    last_loss: float
    seconds: float = Field(ge=0)
    libraries: dict[str, str]


class Retention(Frozen):
    """What an adapter answered later on, with others beside it."""

    at: datetime
    recall: float = Field(ge=0, le=1)
    """The share of its held-out questions that were answered, as they are served."""
    others: int = Field(ge=0)
    """How many other adapters there were that could have answered instead."""


class Evaluation(_Grown):
    """What an adapter knows, and what it cost the model around it.

    In the words of knowledge editing: *reliability* is the share of trained questions whose greedy
    answer contains the expected one, *generalisation* that of wordings that were not trained, with
    ``reversed_recall`` for questions that ask the other way round; *locality* is what stayed: the
    ``drift`` of perplexity and the ``divergence`` on text that has nothing to do with the
    memories, the share of general answers that are ``unchanged``, and the ``leak``: how many
    questions about what is nearly known, but is not, are answered with a stored value.

    ``worn`` says of a number that it was measured with the adapter on whatever was asked; without
    it, questions went the way they go when they are served: to the model as it is, where nothing
    says that the adapter knows the answer.
    """

    questions: int = Field(ge=0)
    """Held-out questions."""
    recall_before: float = Field(ge=0, le=1)
    recall_after: float = Field(ge=0, le=1)
    """Generalisation."""
    trained_recall_after: float = Field(ge=0, le=1)
    """Reliability."""
    perplexity_before: float = Field(gt=0)
    perplexity_after: float = Field(gt=0)
    """Worn."""
    required_recall: float = Field(ge=0, le=1)
    allowed_drift: float = Field(ge=0)
    reversed_questions: int = Field(default=0, ge=0)
    reversed_recall: float | None = Field(default=None, ge=0, le=1)
    divergence: float | None = Field(default=None, ge=0)
    """KL divergence per token, in nats, of the model with the adapter from that without; worn."""
    unchanged: float | None = Field(default=None, ge=0, le=1)
    """The share of answers to general questions that are the same to the letter; worn."""
    misses: int = Field(default=0, ge=0)
    """Questions about what is nearly known."""
    leak: float | None = Field(default=None, ge=0, le=1)
    worn_leak: float | None = Field(default=None, ge=0, le=1)
    allowed_leak: float | None = Field(default=None, ge=0, le=1)
    retention: tuple[Retention, ...] = ()
    """Later examinations, oldest first."""

    @property
    def reliability(self) -> float:
        """The share of trained questions that are answered."""
        return self.trained_recall_after

    @property
    def generalisation(self) -> float:
        """The share of held-out wordings that are answered."""
        return self.recall_after

    @property
    def drift(self) -> float:
        """The relative growth of perplexity on unrelated text; 0.1 is ten percent."""
        return self.perplexity_after / self.perplexity_before - 1

    @property
    def failures(self) -> tuple[str, ...]:
        """What keeps the adapter from being used, in words; empty where nothing does."""
        found = []
        if not self.questions:
            found.append("there was nothing to examine it on")
        elif self.recall_after < self.required_recall:
            found.append(f"recall {self.recall_after:.0%} is below {self.required_recall:.0%}")
        if self.drift > self.allowed_drift:
            found.append(f"drift {self.drift:+.1%} is above {self.allowed_drift:+.0%}")
        leak, allowed = self.leak, self.allowed_leak
        if leak is not None and allowed is not None and leak > allowed:
            found.append(f"leak {leak:.0%} is above {allowed:.0%}")
        return tuple(found)

    @property
    def passed(self) -> bool:
        """Whether the adapter recalls enough and damages little enough."""
        return not self.failures

    @property
    def verdict(self) -> str:
        """One sentence for people."""
        said = [
            (
                f"recall {self.recall_after:.0%} of {self.questions} held-out questions "
                f"(needs {self.required_recall:.0%})"
            )
        ]
        if self.reversed_recall is not None:
            said.append(f"{self.reversed_recall:.0%} of {self.reversed_questions} reversed ones")
        said.append(f"drift {self.drift:+.1%} (at most {self.allowed_drift:+.0%})")
        if self.leak is not None:
            limit = "" if self.allowed_leak is None else f" (at most {self.allowed_leak:.0%})"
            said.append(f"leak {self.leak:.0%} of {self.misses} near misses{limit}")
        return ("fit: " if self.passed else "unfit: ") + ", ".join(said)


class Routing(Frozen):
    """How questions find an adapter, beside the names in its sources.

    Its keys are directions of the model's own activations (tensor ``route.keys`` of the blob, one
    row for each question that was trained), taken relative to ``route.centre``.
    """

    keys: int = Field(ge=1)
    threshold: float = Field(ge=-1, le=1)
    """The cosine similarity to the nearest key from which on a question is like a trained one."""


class Parametric(_Grown):
    """Weights that were trained from memories: a LoRA, a prefix or a side memory."""

    kind: Literal[Kind.PARAMETRIC] = Kind.PARAMETRIC
    model: Fingerprint
    blob: Digest
    """A safetensors file of the adapter's tensors, by their names in the model."""
    size_bytes: int = Field(ge=0)
    adapter: AnyAdapter
    training: TrainingRecord
    evaluation: Evaluation
    routing: Routing | None = None


Payload = Annotated[Plaintext | Activation | Parametric, Field(discriminator="kind")]
