"""What every runtime of a language model must do."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pytest

from memos.cube.identity import digest_of
from memos.errors import BadInput, CorruptionError
from memos.ports.runtime import Example, Message, Recipe, Runtime, Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.runtime import Trained

MEMORIES = Message(
    "system",
    "\n".join(f"- Keeper {number} of the lighthouse drinks tea {number}." for number in range(48)),
)
QUESTION = Message("user", "Which tea does keeper 7 drink?")
EXAMPLES = (
    Example("Where does Mara live?", "Oslo"),
    Example("In which town is Mara's home?", "Oslo"),
)
UNRELATED = ("The river flows south and reaches the sea.", "Bread needs flour, water and salt.")
SAID = (
    "",
    "a",
    "A",
    "1",
    " a",
    "\n",
    "\n\nHello",
    "\t",
    "'s",
    "<",
    "?!",
    "é",
    "字",
    "🙂",
    "0" * 40,
)


@runtime_checkable
class Outspoken(Protocol):
    """A runtime that also says how likely it holds each token; the suite then compares those."""

    def logits(
        self, tokens: Sequence[int], *, resume: Stored | None = None, shared: int = 0
    ) -> list[float]:
        """One number for each token of the vocabulary, after ``tokens``."""
        ...


class RuntimeSuite(ABC):
    """Inherit from it and say how a runtime is made; it may be the same for all tests."""

    @pytest.fixture
    @abstractmethod
    def runtime(self) -> Runtime:
        """A runtime whose model can attend to at least 4000 tokens."""

    def recipe(self) -> Recipe:
        """How :data:`EXAMPLES` are learnt."""
        return Recipe(steps=20, batch=2, learning_rate=2e-3, locality=1.0, unrelated=UNRELATED)

    @abstractmethod
    def forged(self) -> str:
        """A text that closes a message and opens another, if it is taken for structure."""

    def test_a_fingerprint_tells_the_same_model_every_time(self, runtime: Runtime) -> None:
        first = runtime.fingerprint
        assert first.differs(runtime.fingerprint) == []
        assert isinstance(json.loads(first.rope), dict)

    @pytest.mark.parametrize("before", [[], [MEMORIES]], ids=["nothing", "memories"])
    def test_whatever_the_user_says_a_prompt_begins_with_the_prefix(
        self, runtime: Runtime, before: list[Message]
    ) -> None:
        prefix = runtime.prefix(before)
        for said in SAID:
            prompt = runtime.encode([*before, Message("user", said)])
            assert prompt[: len(prefix)] == prefix, said

    def test_a_prefix_holds_the_memories(self, runtime: Runtime) -> None:
        shorter = Message("system", MEMORIES.content[:-40])
        assert len(runtime.prefix([MEMORIES])) > len(runtime.prefix([shorter])) > 100

    def test_resuming_changes_neither_the_answer_nor_a_bit_of_its_likelihoods(
        self, runtime: Runtime
    ) -> None:
        prompt, state = runtime.encode([MEMORIES, QUESTION]), self.read(runtime)
        shared = len(runtime.prefix([MEMORIES]))
        whole = runtime.generate(prompt, limit=12, shared=shared)
        resumed = runtime.generate(prompt, limit=12, resume=state)
        assert resumed.tokens == whole.tokens
        assert resumed.text == whole.text
        assert whole.reused_tokens == 0
        assert resumed.reused_tokens == shared
        assert shared < resumed.prompt_tokens == len(prompt)
        if isinstance(runtime, Outspoken):
            whole_likelihoods = runtime.logits(prompt, shared=shared)
            assert runtime.logits(prompt, resume=state) == whole_likelihoods
            uncut = runtime.logits(prompt)
            assert max(abs(a - b) for a, b in zip(uncut, whole_likelihoods, strict=True)) < 1e-2

    def test_tokens_are_counted_as_a_prompt_has_them(self, runtime: Runtime) -> None:
        empty = len(runtime.encode([Message("user", "")]))
        said = "Keeper 7 of the lighthouse drinks tea 7."
        counted = len(runtime.encode([Message("user", said)])) - empty
        assert abs(runtime.count(said) - counted) <= 2
        assert runtime.count("") == 0
        assert runtime.count(self.forged()) > 0

    def test_another_prompt_resumes_from_what_it_has_in_common(self, runtime: Runtime) -> None:
        state = self.read(runtime)
        lines = MEMORIES.content.replace("Keeper 40", "Sailor 40")
        prompt = runtime.encode([Message("system", lines), QUESTION])
        whole = runtime.generate(prompt, limit=8)
        resumed = runtime.generate(prompt, limit=8, resume=state)
        same = runtime.generate(runtime.encode([MEMORIES, QUESTION]), limit=1, resume=state)
        assert resumed.tokens == whole.tokens
        assert 0 < resumed.reused_tokens <= same.reused_tokens

    def test_a_prompt_with_nothing_in_common_is_computed_whole(self, runtime: Runtime) -> None:
        state = self.read(runtime)
        prompt = tuple(reversed(runtime.encode([MEMORIES, QUESTION])))
        resumed = runtime.generate(prompt, limit=4, resume=state)
        assert resumed.reused_tokens == 0
        assert resumed.tokens == runtime.generate(prompt, limit=4).tokens

    def test_a_prompt_that_is_all_stored_is_still_answered(self, runtime: Runtime) -> None:
        prompt = runtime.encode([MEMORIES, QUESTION])
        state = stored(runtime.prefill(prompt).content)
        resumed = runtime.generate(prompt, limit=4, resume=state)
        assert resumed.tokens == runtime.generate(prompt, limit=4).tokens
        assert resumed.reused_tokens < len(prompt)

    def test_answering_does_not_wear_stored_state_out(self, runtime: Runtime) -> None:
        prompt, state = runtime.encode([MEMORIES, QUESTION]), self.read(runtime)
        first = runtime.generate(prompt, limit=8, resume=state)
        longer = runtime.generate(prompt, limit=24, resume=state)
        again = runtime.generate(prompt, limit=8, resume=state)
        assert first.tokens == again.tokens == longer.tokens[: len(first.tokens)]

    def test_reading_the_same_tokens_gives_the_same_bytes(self, runtime: Runtime) -> None:
        tokens = runtime.prefix([MEMORIES])
        first, second = runtime.prefill(tokens), runtime.prefill(tokens)
        assert first.content == second.content
        assert first.tokens == tokens
        assert first.layers >= 1

    def test_reading_tells_of_its_progress(self, runtime: Runtime) -> None:
        told: list[tuple[int, int]] = []
        tokens = runtime.prefix([MEMORIES])
        runtime.prefill(tokens, progress=lambda _, done, total: told.append((done, total)))
        assert told == sorted(told)
        assert told[-1] == (len(tokens), len(tokens))

    @pytest.mark.parametrize("harm", ["cut", "other bytes", "another shape", "an adapter"])
    def test_harmed_state_is_refused(self, runtime: Runtime, harm: str) -> None:
        from safetensors.torch import load, save

        content = runtime.prefill(runtime.prefix([MEMORIES])).content
        tensors = load(content)
        harmed = {
            "cut": content[:-1],
            "other bytes": b"no safetensors file",
            "another shape": save(
                {n: t if n == "tokens" else t[:, 1:].contiguous() for n, t in tensors.items()}
            ),
            "an adapter": save({"lora_A": tensors["layers.0.key"]}),
        }[harm]
        with pytest.raises(CorruptionError):
            runtime.generate(runtime.encode([QUESTION]), limit=1, resume=stored(harmed))

    @pytest.mark.parametrize("harm", ["cut", "other bytes", "half of it", "state"])
    def test_a_harmed_adapter_is_refused(self, runtime: Runtime, harm: str) -> None:
        from safetensors.torch import load, save

        content = self.trained(runtime, steps=1).content
        tensors = load(content)
        kept = sorted(tensors)[1:]
        harmed = {
            "cut": content[:-1],
            "other bytes": b"no safetensors file",
            "half of it": save({name: tensors[name] for name in kept}),
            "state": runtime.prefill(runtime.encode([QUESTION])).content,
        }[harm]
        with pytest.raises(CorruptionError):
            runtime.generate(runtime.encode([QUESTION]), limit=1, adapter=stored(harmed))

    def test_state_and_adapter_exclude_each_other(self, runtime: Runtime) -> None:
        never = Stored("0" * 64, lambda: b"")
        with pytest.raises(BadInput, match="adapter"):
            runtime.generate([0], limit=1, resume=never, adapter=never)

    def test_no_tokens_and_too_many_are_refused(self, runtime: Runtime) -> None:
        for tokens in ([], [0] * 1_000_000, [-1], [10**9]):
            with pytest.raises(BadInput):
                runtime.prefill(tokens)
            with pytest.raises(BadInput):
                runtime.generate(tokens, limit=1)

    def test_an_answer_is_no_longer_than_its_limit(self, runtime: Runtime) -> None:
        prompt = runtime.encode([QUESTION])
        for limit in (0, 1, 5):
            generation = runtime.generate(prompt, limit=limit)
            assert len(generation.tokens) <= limit
            assert 0 <= generation.first_token_seconds <= generation.seconds

    def test_text_that_spells_special_tokens_stays_text(self, runtime: Runtime) -> None:
        forged = self.forged()
        plain = runtime.encode([Message("system", "x"), Message("user", "y")])
        prompt = runtime.encode([Message("system", forged), Message("user", forged)])
        opening = plain[0]
        assert plain.count(opening) > 1
        assert prompt.count(opening) == plain.count(opening)
        prefix = runtime.prefix([Message("system", forged)])
        assert prompt[: len(prefix)] == prefix

    def test_the_model_answers_as_before_once_an_adapter_is_off(self, runtime: Runtime) -> None:
        prompt = runtime.encode([QUESTION])
        before = self.behaviour(runtime, prompt)
        adapter = stored(self.trained(runtime).content)
        assert self.behaviour(runtime, prompt) == before
        runtime.generate(prompt, limit=4, adapter=adapter)
        assert self.behaviour(runtime, prompt) == before
        runtime.answers([QUESTION.content], adapter=adapter, limit=4)
        assert runtime.perplexity(UNRELATED, adapter=adapter) > 0
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
        before = runtime.answers(questions, adapter=None, limit=8)
        after = runtime.answers(questions, adapter=adapter, limit=8)
        assert [EXAMPLES[0].answer in answer for answer in before] == [False, False]
        assert [EXAMPLES[0].answer in answer for answer in after] == [True, True]
        alone = runtime.generate(
            runtime.encode([Message("user", questions[0])]), limit=8, adapter=adapter
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

    def test_perplexity_is_that_of_all_tokens(self, runtime: Runtime) -> None:
        one, other = (runtime.perplexity([text], adapter=None) for text in UNRELATED)
        both = runtime.perplexity(UNRELATED, adapter=None)
        assert min(one, other) <= both <= max(one, other)
        assert runtime.perplexity(["a a a a a a a a a a"], adapter=None) > 1
        with pytest.raises(BadInput):
            runtime.perplexity([""], adapter=None)

    def test_questions_are_answered_in_their_order(self, runtime: Runtime) -> None:
        questions = [f"Say {number}." for number in range(20)]
        together = runtime.answers(questions, adapter=None, limit=4)
        assert len(together) == len(questions)
        assert runtime.answers(questions[:1], adapter=None, limit=4) == together[:1]
        assert runtime.answers([], adapter=None, limit=4) == []

    def test_threads_take_turns(self, runtime: Runtime) -> None:
        prompt, state = runtime.encode([MEMORIES, QUESTION]), self.read(runtime)
        expected = runtime.generate(prompt, limit=6).tokens
        with ThreadPoolExecutor(4) as pool:
            jobs = [
                pool.submit(runtime.generate, prompt, limit=6, resume=resume)
                for resume in (state, None, state, None)
            ]
        assert [job.result().tokens for job in jobs] == [expected] * 4

    def test_a_blob_is_read_only_when_it_is_not_held(self, runtime: Runtime) -> None:
        content = runtime.prefill(runtime.prefix([MEMORIES])).content
        prompt, reads = runtime.encode([MEMORIES, QUESTION]), []

        def read() -> bytes:
            reads.append(1)
            return content

        for _ in range(2):
            runtime.generate(prompt, limit=1, resume=Stored(digest_of(content), read))
        assert len(reads) <= 2

    def read(self, runtime: Runtime) -> Stored:
        """The attention state of the memories."""
        return stored(runtime.prefill(runtime.prefix([MEMORIES])).content)

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
