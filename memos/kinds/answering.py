"""A question is answered with memories of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from memos.cube import Activation, MemCube, Parametric, Parent
from memos.errors import BadInput, ModelMismatch, UnfitCube
from memos.kinds.answer import Answer
from memos.kinds.prompt import memories_message
from memos.ports.runtime import Message, Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import Fingerprint
    from memos.ports.blobs import Blobs
    from memos.ports.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Memories:
    """What a question is answered with."""

    texts: tuple[MemCube, ...] = ()
    """Plaintext cubes, in the order in which the model reads them."""
    state: MemCube | None = None
    """An activation cube; ``texts`` are then the ones it was made from."""
    weights: MemCube | None = None
    """A parametric cube."""

    @property
    def used(self) -> tuple[Parent, ...]:
        """The cubes that were named, at their versions."""
        named = (self.state,) if self.state is not None else self.texts
        cubes = [*named, *([self.weights] if self.weights is not None else [])]
        return tuple(Parent(id=cube.id, version=cube.version) for cube in cubes)


class Answerer:
    """Puts memories before a language model, each kind in its own way."""

    def __init__(self, *, runtime: Runtime, blobs: Blobs) -> None:
        self._runtime = runtime
        self._blobs = blobs

    def answer(
        self, question: str, memories: Memories, *, max_tokens: int, allow_unfit: bool
    ) -> Answer:
        """Ask the model.

        Raises:
            ModelMismatch: a cube was made for another model.
            UnfitCube: the parametric cube failed its evaluation, and that was not allowed.
            BadInput: activation and parametric memory at once.
        """
        if memories.state is not None and memories.weights is not None:
            message = (
                f"KV {memories.state.id} belongs to the model without LoRA {memories.weights.id}"
            )
            raise BadInput(message, hint="ask with one of the two")
        resume = self._stored(memories.state)
        generation = self._runtime.generate(
            self._runtime.encode(_messages(question, memories.texts)),
            limit=max_tokens,
            resume=resume,
            adapter=self._adapter(memories.weights, allow_unfit=allow_unfit),
            shared=0 if resume is not None else self._shared(memories.texts),
        )
        return Answer(
            text=generation.text,
            memories=memories.used,
            tokens=len(generation.tokens),
            prompt_tokens=generation.prompt_tokens,
            reused_tokens=generation.reused_tokens,
            first_token_seconds=generation.first_token_seconds,
            seconds=generation.seconds,
        )

    def _shared(self, texts: Sequence[MemCube]) -> int:
        return len(self._runtime.prefix([memories_message(texts)])) if texts else 0

    def _adapter(self, cube: MemCube | None, *, allow_unfit: bool) -> Stored | None:
        if cube is not None and isinstance(cube.payload, Parametric):
            evaluation = cube.payload.evaluation
            if not evaluation.passed and not allow_unfit:
                message = f"parametric cube {cube.id} is {evaluation.verdict}"
                raise UnfitCube(message, hint="use its sources, or pass allow_unfit=True")
        return self._stored(cube)

    def _stored(self, cube: MemCube | None) -> Stored | None:
        if cube is None or not isinstance(cube.payload, Activation | Parametric):
            return None
        _require_model(cube, cube.payload.model, self._runtime.fingerprint)
        return Stored(cube.payload.blob, partial(self._blobs.get, cube.payload.blob))


def _messages(question: str, texts: Sequence[MemCube]) -> list[Message]:
    asked = Message("user", question)
    return [memories_message(texts), asked] if texts else [asked]


def _require_model(cube: MemCube, made_for: Fingerprint, runtime: Fingerprint) -> None:
    differing = made_for.differs(runtime)
    if differing:
        message = (
            f"{cube.kind} cube {cube.id} was made for {made_for.name}, not for {runtime.name}: "
            f"another {', '.join(differing)}"
        )
        raise ModelMismatch(message, hint="transform its sources for this model, or configure that")
