"""What every runtime must do that learns: adapters, their training, and the model without them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pytest

from memos.cube.identity import digest_of
from memos.errors import BadInput, CorruptionError
from memos.ports.runtime import Asked, Example, Message, Recipe, Runtime, Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.runtime import Trained

QUESTION = Message("user", "Which tea does keeper 7 drink?")
EXAMPLES = (
    Example("Where does Mara live?", "Oslo"),
    Example("In which town is Mara's home?", "Oslo"),
)
TEXTS = ("Mara lives in Oslo.",)
METHODS = ("lora", "prefix", "side")
UNRELATED = ("The river flows south and reaches the sea.", "Bread needs flour, water and salt.")


@runtime_checkable
class Outspoken(Protocol):
    """A runtime that also says how likely it holds each token; the suite then compares those."""

    def logits(
        self,
        tokens: Sequence[int],
        *,
        cuts: Sequence[int] = (),
        kept: int = 0,
        salt: str = "",
    ) -> list[float]:
        """One number for each token of the vocabulary, after ``tokens``."""
        ...


class LearningSuite(ABC):
    """The half of :class:`memos.testing.runtime.RuntimeSuite` that trains."""

    @pytest.fixture
    @abstractmethod
    def runtime(self) -> Runtime:
        """A runtime that has no blocks yet, whose model can attend to at least 4000 tokens."""

    def recipe(self, method: str) -> Recipe:
        """How :data:`EXAMPLES` are learnt."""
        return Recipe(
            method=method,
            steps=20,
            batch=2,
            learning_rate=2e-3,
            locality=1.0,
            unrelated=UNRELATED,
            texts=TEXTS,
        )

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("harm", ["cut", "other bytes", "half of it", "numbers of 16 bits"])
    def test_a_harmed_adapter_is_refused(self, runtime: Runtime, method: str, harm: str) -> None:
        content = self.trained(runtime, method, steps=1).content
        harmed = [stored(_harmed(content, harm))]
        with pytest.raises(CorruptionError):
            runtime.generate(runtime.encode([QUESTION]), limit=1, adapters=harmed)

    @pytest.mark.parametrize("method", METHODS)
    def test_the_model_answers_as_before_once_an_adapter_is_off(
        self, runtime: Runtime, method: str
    ) -> None:
        prompt = runtime.encode([QUESTION])
        before = self.behaviour(runtime, prompt)
        adapter = stored(self.trained(runtime, method).content)
        assert self.behaviour(runtime, prompt) == before
        runtime.generate(prompt, limit=4, adapters=[adapter])
        assert self.behaviour(runtime, prompt) == before
        runtime.answers([Asked(QUESTION.content, adapters=(adapter,))], limit=4)
        assert runtime.drift(UNRELATED, adapter=adapter).after > 0
        assert self.behaviour(runtime, prompt) == before

    @pytest.mark.parametrize("method", METHODS)
    def test_the_same_seed_gives_the_same_bytes(self, runtime: Runtime, method: str) -> None:
        first, second = (self.trained(runtime, method, steps=3) for _ in range(2))
        other = self.trained(runtime, method, steps=3, seed=1)
        assert first.content == second.content != other.content
        assert first.adapter == second.adapter

    @pytest.mark.parametrize("shard", [0, 1])
    @pytest.mark.parametrize("method", METHODS)
    def test_a_training_that_is_taken_up_gives_the_same_bytes(
        self, runtime: Runtime, method: str, shard: int
    ) -> None:
        recipe = replace(self.recipe(method), steps=6, shard=shard, enough=0.0)  # to its last step
        whole = runtime.train(EXAMPLES, recipe)
        saved = Interrupted([2, 5])
        for _ in range(2):
            with pytest.raises(Killed):
                runtime.train(EXAMPLES, recipe, saved=saved)
        last = runtime.train(EXAMPLES, recipe, saved=saved)
        assert (last.content, last.adapter) == (whole.content, whole.adapter)
        assert (last.steps, last.first_loss) == (whole.steps, whole.first_loss)
        assert last.last_loss == whole.last_loss

    @pytest.mark.parametrize("method", METHODS)
    def test_what_was_saved_of_another_training_is_refused(
        self, runtime: Runtime, method: str
    ) -> None:
        recipe = replace(self.recipe(method), steps=3)
        saved = Interrupted([1])
        with pytest.raises(Killed):
            runtime.train(EXAMPLES, recipe, saved=saved)
        for content in (b"", (saved.content or b"")[:-1]):
            saved.content = content
            with pytest.raises(CorruptionError):
                runtime.train(EXAMPLES, recipe, saved=saved)

    @pytest.mark.parametrize("method", METHODS)
    def test_a_trained_adapter_knows_its_answers(self, runtime: Runtime, method: str) -> None:
        trained = self.trained(runtime, method)
        adapter = stored(trained.content)
        assert trained.adapter.method == method
        assert trained.last_loss < trained.first_loss
        questions = [example.question for example in EXAMPLES]
        before = runtime.answers([Asked(one) for one in questions], limit=8)
        after = runtime.answers([Asked(one, adapters=(adapter,)) for one in questions], limit=8)
        assert [EXAMPLES[0].answer in answer for answer in before] == [False, False]
        assert [EXAMPLES[0].answer in answer for answer in after] == [True, True]
        alone = runtime.generate(
            runtime.encode([Message("user", questions[0])]), limit=8, adapters=[adapter]
        )
        assert alone.text == after[0]
        assert alone.reused_tokens == 0

    def test_each_question_of_a_batch_is_answered_as_if_it_were_alone(
        self, runtime: Runtime
    ) -> None:
        adapters = [stored(self.trained(runtime, method).content) for method in METHODS]
        worn = [(), *((one,) for one in adapters), (), tuple(adapters)]
        asked = [Asked(EXAMPLES[0].question, adapters=one) for one in worn]
        together = runtime.answers(asked, limit=6)
        assert together == [runtime.answers([one], limit=6)[0] for one in asked]
        usual = runtime.answers([replace(one, adapters=()) for one in asked], limit=6)
        assert (together[0], together[4]) == (usual[0], usual[4])
        prompt = runtime.encode([Message("user", EXAMPLES[0].question)])
        mixed = runtime.generate(prompt, limit=6, adapters=adapters)
        assert mixed.text == together[-1]

    def test_a_method_that_is_none_is_refused(self, runtime: Runtime) -> None:
        with pytest.raises(BadInput, match="lobotomy"):
            runtime.train(EXAMPLES, Recipe(method="lobotomy"))

    def test_training_tells_of_every_step(self, runtime: Runtime) -> None:
        told: list[tuple[int, int]] = []
        recipe = Recipe(steps=3, batch=2, unrelated=UNRELATED)
        runtime.train(EXAMPLES, recipe, progress=lambda _, *counts: told.append(counts))
        assert [counts for counts in told if counts[1] == 3] == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def test_nothing_to_learn_is_refused(self, runtime: Runtime) -> None:
        for examples in ([], [Example("Who?", " ")]):
            with pytest.raises(BadInput):
                runtime.train(examples, self.recipe("lora"))

    def trained(self, runtime: Runtime, method: str, *, steps: int = 0, seed: int = 0) -> Trained:
        """An adapter of the examples."""
        recipe = self.recipe(method)
        return runtime.train(EXAMPLES, replace(recipe, steps=steps or recipe.steps, seed=seed))

    def behaviour(self, runtime: Runtime, prompt: Sequence[int]) -> object:
        """What can be seen of the model without an adapter."""
        likelihoods = runtime.logits(prompt) if isinstance(runtime, Outspoken) else None
        return (runtime.generate(prompt, limit=6).tokens, likelihoods)


class Killed(Exception):
    """What ends a training before its time."""


@dataclass(slots=True)
class Interrupted:
    """Keeps what a training has reached, in memory; and ends it at some steps, once each."""

    ends: list[int]
    content: bytes | None = None

    def load(self) -> bytes | None:
        return self.content

    def due(self) -> bool:
        return True

    def save(self, state: bytes, step: int) -> None:
        self.content = state
        if step in self.ends:
            self.ends.remove(step)
            raise Killed


def _harmed(content: bytes, harm: str) -> bytes:
    from safetensors.torch import load, save

    tensors = load(content)
    if harm == "cut":
        return content[:-1]
    if harm == "other bytes":
        return b"no safetensors file"
    length = int.from_bytes(content[:8], "little")
    told = json.loads(content[8 : 8 + length])["__metadata__"]
    if harm == "half of it":
        return save({name: tensors[name] for name in sorted(tensors)[1:]}, metadata=told)
    return save({name: tensor.half() for name, tensor in tensors.items()}, metadata=told)


def stored(content: bytes) -> Stored:
    """A blob as a runtime is handed it."""
    return Stored(digest_of(content), lambda: content)
