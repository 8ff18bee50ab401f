"""What every runtime of a language model must do."""

from __future__ import annotations

import json
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from memos.errors import BadInput
from memos.ports.runtime import Asked, Message, Runtime, Stored
from memos.testing.learning import QUESTION, UNRELATED, LearningSuite, Outspoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.runtime import Prefilled, Prompt

_LINES = [f"- Keeper {number} of the lighthouse drinks tea {number}.\n" for number in range(48)]


def memories(lines: Sequence[str] = tuple(_LINES)) -> Message:
    """A message of memories, cut before the first and behind each."""
    head = "You remember:\n"
    return Message(
        "system", head + "".join(lines), cuts=tuple(accumulate(map(len, (head, *lines))))
    )


MEMORIES = memories()
SALT = "a" * 64
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


class RuntimeSuite(LearningSuite):
    """Inherit from it and say how a runtime is made; it may be the same for all tests."""

    @pytest.fixture
    @abstractmethod
    def runtime(self) -> Runtime:
        """A runtime that has no blocks yet, whose model can attend to at least 4000 tokens."""

    @abstractmethod
    def forged(self) -> str:
        """A text that closes a message and opens another, if it is taken for structure."""

    def test_a_fingerprint_tells_the_same_model_every_time(self, runtime: Runtime) -> None:
        first = runtime.fingerprint
        assert first.differs(runtime.fingerprint) == []
        assert isinstance(json.loads(first.rope), dict)

    def test_what_stands_before_a_cut_has_the_same_tokens_whatever_follows(
        self, runtime: Runtime
    ) -> None:
        first = runtime.prompt([MEMORIES, Message("user", SAID[0])])
        for said in SAID:
            prompt = runtime.prompt([MEMORIES, Message("user", said)])
            assert prompt.cuts == first.cuts, said
            assert prompt.tokens[: prompt.cuts[-1]] == first.tokens[: first.cuts[-1]], said
        other = runtime.prompt([memories([*_LINES[:7], "- No.\n"]), QUESTION])
        assert other.cuts[:8] == first.cuts[:8]
        assert other.tokens[: other.cuts[7]] == first.tokens[: first.cuts[7]]

    def test_a_memory_has_the_same_tokens_wherever_it_stands(self, runtime: Runtime) -> None:
        there = runtime.prompt([MEMORIES, QUESTION])
        back = runtime.prompt([memories(_LINES[::-1]), QUESTION])
        assert pieces(back) == pieces(there)[::-1]

    def test_resuming_changes_neither_the_answer_nor_a_bit_of_its_likelihoods(
        self, runtime: Runtime
    ) -> None:
        prompt, cuts = self.asked(runtime)
        whole = runtime.generate(prompt, limit=12, cuts=cuts)
        uncut = self.likelihoods(runtime, prompt)
        likelihoods = self.likelihoods(runtime, prompt, cuts=cuts)
        self.read(runtime, prompt, cuts)
        resumed = runtime.generate(prompt, limit=12, cuts=cuts, kept=cuts[-1], salt=SALT)
        assert resumed.tokens == whole.tokens
        assert resumed.text == whole.text
        assert whole.reused_tokens == 0
        assert resumed.reused_tokens == cuts[-1]
        assert cuts[-1] < resumed.prompt_tokens == len(prompt)
        kept = self.likelihoods(runtime, prompt, cuts=cuts, kept=cuts[-1], salt=SALT)
        assert kept == likelihoods
        assert max((abs(a - b) for a, b in zip(uncut, likelihoods, strict=True)), default=0) < 1e-2

    def test_tokens_are_counted_as_a_prompt_has_them(self, runtime: Runtime) -> None:
        empty = len(runtime.encode([Message("user", "")]))
        said = "Keeper 7 of the lighthouse drinks tea 7."
        counted = len(runtime.encode([Message("user", said)])) - empty
        assert abs(runtime.count(said) - counted) <= 2
        assert runtime.count("") == 0
        assert runtime.count(self.forged()) > 0

    def test_another_prompt_resumes_from_what_it_has_in_common(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        self.read(runtime, prompt, cuts)
        lines = [*_LINES[:40], "- Sailor 40 drinks rum.\n", *_LINES[41:]]
        other = runtime.prompt([memories(lines), QUESTION])
        ends = (other.cuts[0], other.cuts[-1])
        whole = runtime.generate(other.tokens, limit=8, cuts=ends)
        resumed = runtime.generate(other.tokens, limit=8, cuts=ends, kept=ends[-1], salt=SALT)
        assert resumed.tokens == whole.tokens
        assert cuts[0] < resumed.reused_tokens <= other.cuts[40]

    def test_what_an_answer_had_to_compute_is_there_for_the_next(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        kept: dict[str, Any] = {"cuts": cuts, "kept": cuts[-1], "salt": SALT}
        first = runtime.generate(prompt, limit=4, **kept)
        again = runtime.generate(prompt, limit=4, **kept)
        assert (first.reused_tokens, again.reused_tokens) == (0, cuts[-1])
        assert first.tokens == again.tokens

    def test_another_tenant_finds_nothing(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        mine = self.read(runtime, prompt, cuts)
        theirs = runtime.prefill(prompt, cuts=cuts, salt="b" * 64)
        assert theirs.reused_tokens == 0
        assert not set(mine.blocks) & set(theirs.blocks)

    def test_a_prompt_with_nothing_in_common_is_computed_whole(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        self.read(runtime, prompt, cuts)
        back = tuple(reversed(prompt))
        resumed = runtime.generate(back, limit=4, cuts=cuts, kept=cuts[-1], salt=SALT)
        assert resumed.reused_tokens == 0
        assert resumed.tokens == runtime.generate(back, limit=4, cuts=cuts).tokens

    def test_a_prompt_that_is_all_stored_is_still_answered(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        ends = (*cuts, len(prompt))
        self.read(runtime, prompt, ends)
        resumed = runtime.generate(prompt, limit=4, cuts=ends, kept=len(prompt), salt=SALT)
        assert resumed.tokens == runtime.generate(prompt, limit=4, cuts=ends).tokens
        assert 0 < resumed.reused_tokens < len(prompt)

    def test_what_lies_behind_the_kept_part_is_not_stored(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        kept: dict[str, Any] = {"cuts": cuts, "kept": cuts[0], "salt": SALT}
        runtime.generate(prompt, limit=1, **kept)
        assert runtime.generate(prompt, limit=1, **kept).reused_tokens == cuts[0]
        whole = runtime.generate(prompt, limit=1, cuts=cuts, kept=cuts[-1], salt=SALT)
        assert whole.reused_tokens == cuts[0]

    def test_answering_does_not_wear_stored_state_out(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        kept: dict[str, Any] = {"cuts": cuts, "kept": cuts[-1], "salt": SALT}
        first = runtime.generate(prompt, limit=8, **kept)
        longer = runtime.generate(prompt, limit=24, **kept)
        again = runtime.generate(prompt, limit=8, **kept)
        assert first.tokens == again.tokens == longer.tokens[: len(first.tokens)]

    def test_reading_the_same_tokens_gives_the_same_blocks(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        first, second = self.read(runtime, prompt, cuts), self.read(runtime, prompt, cuts)
        assert first.blocks == second.blocks
        assert len(set(first.blocks)) == len(first.blocks)
        assert (first.tokens, first.reused_tokens) == (cuts[-1], 0)
        assert second.reused_tokens == cuts[-1]
        assert first.layers >= 1
        assert first.size_bytes > cuts[-1] * first.layers

    def test_equal_beginnings_are_stored_once(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        whole = self.read(runtime, prompt, cuts)
        half = self.read(runtime, prompt, [cuts[0]])
        assert whole.blocks[: len(half.blocks)] == half.blocks

    def test_several_questions_on_one_text_are_answered_as_each_alone(
        self, runtime: Runtime
    ) -> None:
        asked = [f"Which tea does keeper {number} drink{'?' * number}" for number in (1, 3, 40)]
        prompts = [runtime.prompt([MEMORIES, Message("user", one)]) for one in asked]
        cuts = (prompts[0].cuts[0], prompts[0].cuts[-1])
        alone = [runtime.generate(one.tokens, limit=6, cuts=cuts).text for one in prompts]
        tokens = [one.tokens for one in prompts]
        together = runtime.generate_many(tokens, limit=6, cuts=cuts, salt=SALT)
        assert together == alone
        again = runtime.generate(tokens[0], limit=1, cuts=cuts, kept=cuts[-1], salt=SALT)
        assert again.reused_tokens == cuts[-1]
        for others in ([tokens[0], tokens[1][1:]], [tokens[0], tokens[0][: cuts[-1]]], []):
            with pytest.raises(BadInput):
                runtime.generate_many(others, limit=1, cuts=cuts, salt=SALT)

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
    def test_parts_that_were_read_alone_are_put_together(
        self, runtime: Runtime, order: tuple[int, ...]
    ) -> None:
        parts = [_LINES[start : start + 6] for start in (0, 6, 12)]
        lines = [line for number in order for line in parts[number]]
        prompt = runtime.prompt([memories(lines), QUESTION])
        cuts = tuple(prompt.cuts[count] for count in (0, 6, 12, 18))
        for part in parts:
            alone = runtime.prompt([memories(part), QUESTION])
            runtime.prefill(alone.tokens, cuts=(alone.cuts[0], alone.cuts[-1]), salt=SALT)
        whole = runtime.generate(prompt.tokens, limit=8, cuts=cuts)
        asked: dict[str, Any] = {"limit": 8, "cuts": cuts, "salts": [SALT] * 3}
        exact, blocks = runtime.generate_composed(prompt.tokens, recompute=1.0, **asked)
        assert exact.tokens == whole.tokens
        assert [len(names) > 1 for names in blocks] == [True] * 3
        assert len({names[0] for names in blocks}) == 1
        free, again = runtime.generate_composed(prompt.tokens, recompute=0.0, **asked)
        assert again == blocks
        assert free.reused_tokens == cuts[-1]
        assert exact.reused_tokens == cuts[1]

    def test_parts_and_marks_that_do_not_fit_are_refused(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        for salts, recompute in (([], 0.5), ([SALT, SALT], 0.5), ([SALT], 2.0), ([SALT], -0.1)):
            with pytest.raises(BadInput):
                runtime.generate_composed(
                    prompt, limit=1, cuts=cuts, salts=salts, recompute=recompute
                )

    @pytest.mark.parametrize("cuts", [[5, 5], [7, 3], [0, 4], [4, 10**6], [-1]])
    def test_cuts_that_are_none_are_refused(self, runtime: Runtime, cuts: list[int]) -> None:
        prompt, _ = self.asked(runtime)
        with pytest.raises(BadInput):
            runtime.generate(prompt, limit=1, cuts=cuts)
        with pytest.raises(BadInput):
            runtime.prefill(prompt, cuts=cuts, salt=SALT)

    def test_reading_tells_of_its_progress(self, runtime: Runtime) -> None:
        told: list[tuple[int, int]] = []
        prompt, cuts = self.asked(runtime)
        runtime.prefill(
            prompt, cuts=cuts, salt=SALT, progress=lambda _, *counts: told.append(counts)
        )
        assert told == sorted(told)
        assert told[-1] == (cuts[-1], cuts[-1])

    def test_state_and_adapter_exclude_each_other(self, runtime: Runtime) -> None:
        never = Stored("0" * 64, lambda: b"")
        with pytest.raises(BadInput, match="adapters"):
            runtime.generate([0], limit=1, cuts=(1,), kept=1, salt=SALT, adapters=[never])

    def test_no_tokens_and_too_many_are_refused(self, runtime: Runtime) -> None:
        for tokens in ([], [0] * 1_000_000, [-1], [10**9]):
            with pytest.raises(BadInput):
                runtime.prefill(tokens, cuts=(1,), salt=SALT)
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
        cut = runtime.prompt([Message("system", forged, cuts=(len(forged) // 2,))])
        assert cut.tokens.count(opening) == runtime.encode([Message("system", "x")]).count(opening)

    def test_perplexity_is_that_of_all_tokens(self, runtime: Runtime) -> None:
        one, other = (runtime.perplexity([text]) for text in UNRELATED)
        both = runtime.perplexity(UNRELATED)
        assert min(one, other) <= both <= max(one, other)
        assert runtime.perplexity(["a a a a a a a a a a"]) > 1
        with pytest.raises(BadInput):
            runtime.perplexity([""])

    def test_questions_are_answered_in_their_order(self, runtime: Runtime) -> None:
        questions = [Asked(f"Say {number}.") for number in range(20)]
        together = runtime.answers(questions, limit=4)
        assert len(together) == len(questions)
        assert runtime.answers(questions[:1], limit=4) == together[:1]
        assert runtime.answers([], limit=4) == []

    def test_threads_take_turns(self, runtime: Runtime) -> None:
        prompt, cuts = self.asked(runtime)
        expected = runtime.generate(prompt, limit=6, cuts=cuts).tokens
        with ThreadPoolExecutor(4) as pool:
            jobs = [
                pool.submit(runtime.generate, prompt, limit=6, cuts=cuts, kept=kept, salt=SALT)
                for kept in (cuts[-1], 0, cuts[-1], cuts[0])
            ]
        assert [job.result().tokens for job in jobs] == [expected] * 4

    def asked(self, runtime: Runtime) -> tuple[tuple[int, ...], tuple[int, int]]:
        """A prompt of memories with a question, and the cuts before and behind the memories."""
        prompt = runtime.prompt([MEMORIES, QUESTION])
        return prompt.tokens, (prompt.cuts[0], prompt.cuts[-1])

    def read(self, runtime: Runtime, prompt: Sequence[int], cuts: Sequence[int]) -> Prefilled:
        """The attention state of a prompt, up to the last cut."""
        return runtime.prefill(prompt, cuts=cuts, salt=SALT)

    def likelihoods(self, runtime: Runtime, prompt: Sequence[int], **kept: Any) -> list[float]:
        """Of each token, where the runtime tells; otherwise none."""
        return runtime.logits(prompt, **kept) if isinstance(runtime, Outspoken) else []


def pieces(prompt: Prompt) -> list[tuple[int, ...]]:
    """The tokens between the cuts."""
    return [prompt.tokens[first:last] for first, last in pairwise(prompt.cuts)]
