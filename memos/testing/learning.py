"""What every runtime must do that learns: adapters, their training, and the model without them."""

from __future__ import annotations

from abc import ABC, abstractmethod
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

    def recipe(self) -> Recipe:
        """How :data:`EXAMPLES` are learnt."""
        return Recipe(steps=20, batch=2, learning_rate=2e-3, locality=1.0, unrelated=UNRELATED)

    @pytest.mark.parametrize("harm", ["cut", "other bytes", "half of it"])
    def test_a_harmed_adapter_is_refused(self, runtime: Runtime, harm: str) -> None:
        from safetensors.torch import load, save

        content = self.trained(runtime, steps=1).content
        tensors = load(content)
        kept = sorted(tensors)[1:]
        harmed = {
            "cut": content[:-1],
            "other bytes": b"no safetensors file",
            "half of it": save({name: tensors[name] for name in kept}),
        }[harm]
        with pytest.raises(CorruptionError):
            runtime.generate(runtime.encode([QUESTION]), limit=1, adapters=[stored(harmed)])

    def test_the_model_answers_as_before_once_an_adapter_is_off(self, runtime: Runtime) -> None:
        prompt = runtime.encode([QUESTION])
        before = self.behaviour(runtime, prompt)
        adapter = stored(self.trained(runtime).content)
        assert self.behaviour(runtime, prompt) == before
        runtime.generate(prompt, limit=4, adapters=[adapter])
        assert self.behaviour(runtime, prompt) == before
        runtime.answers([Asked(QUESTION.content, adapters=(adapter,))], limit=4)
        assert runtime.drift(UNRELATED, adapter=adapter).after > 0
        assert self.behaviour(runtime, prompt) == before

    def test_the_same_seed_gives_the_same_bytes(self, runtime: Runtime) -> None:
        first, second = self.trained(runtime, steps=3), self.trained(runtime, steps=3)
        other = self.trained(runtime, steps=3, seed=1)
        assert first.content == second.content != other.content
        assert first.adapter == second.adapter

    def test_a_trained_adapter_knows_its_answers(self, runtime: Runtime) -> None:
        trained = self.trained(runtime)
        adapter = stored(trained.content)
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

    def test_training_tells_of_every_step(self, runtime: Runtime) -> None:
        told: list[tuple[int, int]] = []
        recipe = Recipe(steps=3, batch=2, unrelated=UNRELATED)
        runtime.train(EXAMPLES, recipe, progress=lambda _, *counts: told.append(counts))
        assert [counts for counts in told if counts[1] == 3] == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def test_nothing_to_learn_is_refused(self, runtime: Runtime) -> None:
        for examples in ([], [Example("Who?", " ")]):
            with pytest.raises(BadInput):
                runtime.train(examples, self.recipe())

    def trained(self, runtime: Runtime, *, steps: int = 0, seed: int = 0) -> Trained:
        """A LoRA of the examples."""
        from dataclasses import replace

        recipe = self.recipe()
        return runtime.train(EXAMPLES, replace(recipe, steps=steps or recipe.steps, seed=seed))

    def behaviour(self, runtime: Runtime, prompt: Sequence[int]) -> object:
        """What can be seen of the model without an adapter."""
        likelihoods = runtime.logits(prompt) if isinstance(runtime, Outspoken) else None
        return (runtime.generate(prompt, limit=6).tokens, likelihoods)


def stored(content: bytes) -> Stored:
    """A blob as a runtime is handed it."""
    return Stored(digest_of(content), lambda: content)
