"""What a cube holds: text, attention state, or weights."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

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


class Adapter(Frozen):
    """The shape of a LoRA: rank, scale and the modules it changes."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    targets: tuple[str, ...]
    parameters: int = Field(ge=1)


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


class Evaluation(Frozen):
    """What an adapter knows, and what it cost the model around it.

    ``recall`` is the share of held-out questions (wordings that were not trained) whose greedy
    answer contains the expected one. ``perplexity`` is over text that has nothing to do with the
    memories; ``drift`` is its relative change.
    """

    questions: int = Field(ge=0)
    recall_before: float = Field(ge=0, le=1)
    recall_after: float = Field(ge=0, le=1)
    trained_recall_after: float = Field(ge=0, le=1)
    perplexity_before: float = Field(gt=0)
    perplexity_after: float = Field(gt=0)
    required_recall: float = Field(ge=0, le=1)
    allowed_drift: float = Field(ge=0)

    @property
    def drift(self) -> float:
        """The relative growth of perplexity on unrelated text; 0.1 is ten percent."""
        return self.perplexity_after / self.perplexity_before - 1

    @property
    def passed(self) -> bool:
        """Whether the adapter recalls enough and damages little enough."""
        recalls = self.questions > 0 and self.recall_after >= self.required_recall
        return recalls and self.drift <= self.allowed_drift

    @property
    def verdict(self) -> str:
        """One sentence for people."""
        said = (
            f"recall {self.recall_after:.0%} of {self.questions} held-out questions "
            f"(needs {self.required_recall:.0%}), drift {self.drift:+.1%} "
            f"(at most {self.allowed_drift:+.0%})"
        )
        return ("fit: " if self.passed else "unfit: ") + said


class Parametric(Frozen):
    """LoRA weights that were trained from memories."""

    kind: Literal[Kind.PARAMETRIC] = Kind.PARAMETRIC
    model: Fingerprint
    blob: Digest
    """A safetensors file of the adapter's tensors, by their names in the model."""
    size_bytes: int = Field(ge=0)
    adapter: Adapter
    training: TrainingRecord
    evaluation: Evaluation


Payload = Annotated[Plaintext | Activation | Parametric, Field(discriminator="kind")]
