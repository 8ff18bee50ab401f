"""A question is answered with memories of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from memos.cube import Activation, MemCube, Parametric, Parent
from memos.errors import BadInput, ModelMismatch, NotSupported, UnfitCube, WrongKind
from memos.kinds.answer import Answer
from memos.kinds.prompt import cuts_of, memories_message
from memos.ports.runtime import Asked, Message, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.cube import Fingerprint
    from memos.ports.blobs import Blobs
    from memos.ports.runtime import Generation, Prompt, Runtime


@dataclass(frozen=True, slots=True)
class Part:
    """An activation cube among several that are put one behind another."""

    state: MemCube
    sources: tuple[MemCube, ...]
    """The plaintext cubes that it was made from."""
    salt: str
    """The mark of the tenant whose it is."""


@dataclass(frozen=True, slots=True)
class Memories:
    """What a question is answered with."""

    texts: tuple[MemCube, ...] = ()
    """Plaintext cubes, in the order in which the model reads them."""
    state: MemCube | None = None
    """An activation cube, made from the first of ``texts``."""
    kept: int = 0
    """How many of ``texts`` that are."""
    salt: str = ""
    """The mark of the tenant whose the activation cube is."""
    weights: tuple[MemCube, ...] = ()
    """Parametric cubes."""
    parts: tuple[Part, ...] = ()
    """Activation cubes in the order in which the model reads them; then ``texts`` are all of their
    sources, in that order, and ``state`` is None."""
    recompute: float = 0.0
    """Which share of the tokens of ``parts`` is computed anew, of those that stand elsewhere."""

    @property
    def used(self) -> tuple[Parent, ...]:
        """The cubes that were used, at their versions; the state stands for its sources."""
        named = self.texts if self.state is None else (self.state, *self.texts[self.kept :])
        if self.parts:
            named = tuple(part.state for part in self.parts)
        cubes = [*named, *self.weights]
        return tuple(Parent(id=cube.id, version=cube.version) for cube in cubes)


class Answerer:
    """Puts memories before a language model, each kind in its own way."""

    def __init__(self, *, runtime: Runtime, blobs: Blobs) -> None:
        self._runtime = runtime
        self._blobs = blobs

    def answer(
        self,
        question: str,
        memories: Memories,
        *,
        max_tokens: int,
        allow_unfit: bool,
        kept_in: Callable[[MemCube, Sequence[str]], None] = lambda _, __: None,
    ) -> Answer:
        """Ask the model; ``kept_in`` is told in which blocks the activation cube lies now.

        Raises:
            ModelMismatch: a cube was made for another model.
            UnfitCube: a parametric cube failed its evaluation, and that was not allowed.
            BadInput: activation and parametric memory at once.
        """
        if memories.state is not None and memories.weights:
            message = (
                f"KV {memories.state.id} belongs to the model without {memories.weights[0].id}"
            )
            raise BadInput(message, hint="ask with one of the two")
        prompt = self._runtime.prompt(_messages(question, memories.texts))
        if memories.parts:
            return self._composed(prompt, memories, max_tokens, kept_in)
        require_model(memories.state, self._runtime)
        kept = cuts_of(prompt, memories.kept) if memories.state is not None else ()
        generation = self._runtime.generate(
            prompt.tokens,
            limit=max_tokens,
            cuts=_cuts(prompt, memories),
            kept=kept[-1] if kept else 0,
            salt=memories.salt,
            adapters=self.adapters(memories.weights, allow_unfit=allow_unfit),
        )
        if memories.state is not None:
            kept_in(memories.state, generation.blocks)
        return _answer(generation, memories)

    def answer_many(
        self,
        asked: Sequence[tuple[str, Sequence[MemCube]]],
        *,
        max_tokens: int,
        plain: bool = False,
    ) -> list[str]:
        """Ask the model several questions at once, each with parametric cubes of its own.

        Raises:
            ModelMismatch, UnfitCube: as :meth:`answer`.
        """
        batch = [Asked(question, plain, self.adapters(cubes)) for question, cubes in asked]
        return self._runtime.answers(batch, limit=max_tokens) if batch else []

    def adapters(
        self, cubes: Sequence[MemCube], *, allow_unfit: bool = False
    ) -> tuple[Stored, ...]:
        """Parametric cubes as the model wears them.

        Raises:
            WrongKind, ModelMismatch, UnfitCube: one of them is not to be worn.
        """
        return tuple(self._adapter(cube, allow_unfit=allow_unfit) for cube in cubes)

    def _composed(
        self,
        prompt: Prompt,
        memories: Memories,
        max_tokens: int,
        kept_in: Callable[[MemCube, Sequence[str]], None],
    ) -> Answer:
        for part in memories.parts:
            require_model(part.state, self._runtime)
        counts = tuple(accumulate(len(part.sources) for part in memories.parts))
        cuts = cuts_of(prompt, *counts)
        if len(cuts) != len(counts) + 1:
            message = "the model's chat template leaves memories out, or says them twice"
            raise NotSupported(message, hint="use one KV cube, or texts")
        generation, blocks = self._runtime.generate_composed(
            prompt.tokens,
            limit=max_tokens,
            cuts=cuts,
            salts=[part.salt for part in memories.parts],
            recompute=memories.recompute,
        )
        for part, names in zip(memories.parts, blocks, strict=True):
            kept_in(part.state, names)
        return _answer(generation, memories)

    def _adapter(self, cube: MemCube, *, allow_unfit: bool) -> Stored:
        payload = cube.payload
        if not isinstance(payload, Parametric):
            raise WrongKind(f"cube {cube.id} is {cube.kind}", hint="name a parametric cube")
        if not payload.evaluation.passed and not allow_unfit:
            message = f"parametric cube {cube.id} is {payload.evaluation.verdict}"
            raise UnfitCube(message, hint="use its sources, or pass allow_unfit=True")
        require_model(cube, self._runtime)
        return Stored(payload.blob, partial(self._blobs.get, payload.blob))


def _answer(generation: Generation, memories: Memories) -> Answer:
    return Answer(
        text=generation.text,
        memories=memories.used,
        tokens=len(generation.tokens),
        prompt_tokens=generation.prompt_tokens,
        reused_tokens=generation.reused_tokens,
        first_token_seconds=generation.first_token_seconds,
        seconds=generation.seconds,
    )


def require_model(cube: MemCube | None, runtime: Runtime) -> None:
    """Refuse a derived cube that is good for another model than that of ``runtime``.

    Raises:
        ModelMismatch: so it is.
    """
    if cube is not None and isinstance(cube.payload, Activation | Parametric):
        _require_model(cube, cube.payload.model, runtime.fingerprint)


def _cuts(prompt: Prompt, memories: Memories) -> tuple[int, ...]:
    """Before the memories, behind what is kept of them, and behind all."""
    if not memories.texts:
        return ()
    counts = (memories.kept, len(memories.texts)) if memories.state else (len(memories.texts),)
    return cuts_of(prompt, *counts)


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
