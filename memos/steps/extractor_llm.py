"""Facts by a language model, which must quote what it draws them from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.ports.steps import Assertion, NeedsLLM, Quote
from memos.steps.asking import Answer, ask
from memos.steps.extractor_rules import RuleExtractor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube
    from memos.ports.llm import LLM
    from memos.ports.steps import Extractor

_MAX_TOKENS = 2_000
_TASK = (
    "Draw facts from the memories: things that will still matter in a month, such as who people "
    "are, what they own, like, did and plan. Each fact is one short sentence that can be "
    "understood by itself: name people instead of saying I or she, and write a date instead of "
    "yesterday, as far as the memories tell. Use the memories' own words. For each fact quote the "
    "words that say it, exactly as they stand in a memory. Leave out greetings, questions and "
    "whatever you are not sure of; where there is nothing, answer with no facts.\n"
    'Answer: {"facts": [{"fact": "…", "quotes": [{"memory": 1, "words": "…"}]}]}'
)


class _Quote(Answer):
    memory: int
    words: str


class _Fact(Answer):
    fact: str
    quotes: list[_Quote]


class _Facts(Answer):
    facts: list[_Fact]


class LLMExtractor:
    """Asks a language model for facts with their evidence; whoever takes them checks it."""

    needs_llm: NeedsLLM = "required"

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def by(self) -> str | None:
        """The model."""
        return self._llm.name

    def extract(self, cubes: Sequence[MemCube]) -> list[Assertion]:
        """What the model says that the cubes say."""
        memories = [
            {
                "memory": number,
                "date": f"{said_at:%A %d %B %Y}" if (said_at := cube.header.valid_from) else "",
                "speaker": cube.speaker or cube.user_id or "",
                "text": cube.text,
            }
            for number, cube in enumerate(cubes, start=1)
        ]
        answer = ask(self._llm, _TASK, {"memories": memories}, _Facts, max_tokens=_MAX_TOKENS)
        return [
            Assertion(one.fact, tuple(Quote(quote.memory - 1, quote.words) for quote in one.quotes))
            for one in answer.facts
        ]


class AutoExtractor:
    """A language model where the settings name one, and rules where they do not."""

    needs_llm: NeedsLLM = "optional"

    def __init__(self, llm: LLM | None) -> None:
        self._chosen: Extractor = RuleExtractor() if llm is None else LLMExtractor(llm)

    @property
    def by(self) -> str | None:
        """The model; None where there is none."""
        return self._chosen.by

    def extract(self, cubes: Sequence[MemCube]) -> list[Assertion]:
        """As the chosen one does."""
        return self._chosen.extract(cubes)
