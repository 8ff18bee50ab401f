"""What every language model that is asked must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from memos.errors import BadInput
from memos.ports.runtime import Message

if TYPE_CHECKING:
    from memos.ports.llm import LLM, Schema

QUESTION = (Message("system", "Answer in one word."), Message("user", "Where does Alice live?"))
OTHER = (Message("user", "Who is Bob?"),)
SCHEMA: Schema = {
    "type": "object",
    "properties": {"order": {"type": "array", "items": {"type": "integer"}}},
    "required": ["order"],
    "additionalProperties": False,
}
LIMIT = 12


class LLMSuite(ABC):
    """Inherit from it and say how a model is made.

    The model must have an answer to :data:`QUESTION` and :data:`OTHER` with at most :data:`LIMIT`
    tokens, and to the first also with :data:`SCHEMA`, and with "e" as a stop.
    """

    @pytest.fixture
    @abstractmethod
    def llm(self) -> LLM:
        """A model; a costly one may be shared by all tests."""

    def test_a_question_has_an_answer_whose_tokens_are_counted(self, llm: LLM) -> None:
        said = llm.complete(QUESTION, max_tokens=LIMIT)
        assert isinstance(said.text, str)
        assert 0 <= said.tokens <= LIMIT
        assert said.prompt_tokens >= 0

    def test_equal_questions_have_equal_answers(self, llm: LLM) -> None:
        first = llm.complete(QUESTION, max_tokens=LIMIT)
        llm.complete(OTHER, max_tokens=LIMIT)
        assert llm.complete(list(QUESTION), max_tokens=LIMIT) == first

    def test_an_answer_ends_before_a_stop(self, llm: LLM) -> None:
        assert "e" not in llm.complete(QUESTION, max_tokens=LIMIT, stop=["e"]).text

    def test_a_schema_may_be_asked_for(self, llm: LLM) -> None:
        assert isinstance(llm.complete(QUESTION, max_tokens=LIMIT, schema=SCHEMA).text, str)

    def test_no_messages_are_refused(self, llm: LLM) -> None:
        with pytest.raises(BadInput, match="no messages"):
            llm.complete([], max_tokens=LIMIT)

    def test_it_says_which_model_it_is_and_where(self, llm: LLM) -> None:
        assert llm.name
        assert llm.name == llm.name.strip()
        assert isinstance(llm.remote, bool)

    def test_several_threads_may_ask(self, llm: LLM) -> None:
        alone = [llm.complete(asked, max_tokens=LIMIT) for asked in (QUESTION, OTHER)]
        with ThreadPoolExecutor(4) as threads:
            asked = [QUESTION, OTHER] * 4
            together = list(threads.map(lambda one: llm.complete(one, max_tokens=LIMIT), asked))
        assert together == alone * 4

    def test_closing_twice_is_no_error(self, llm: LLM) -> None:
        llm.complete(OTHER, max_tokens=LIMIT)
        llm.close()
        llm.close()
