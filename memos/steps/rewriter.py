"""Other words for a question: none, or those of a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.steps.asking import Answer, ask

if TYPE_CHECKING:
    from memos.ports.llm import LLM
    from memos.ports.steps import NeedsLLM

_MOST = 3
"""Further questions."""
_LONGEST = 500
"""Characters of one of them."""
_MAX_TOKENS = 300
_TASK = (
    "Somebody searches a memory of conversations for the answer to a question. Write up to three "
    "other short queries that find what the question itself may miss: what the answer might look "
    "like as a statement, other words for the same thing, and, of a question in several parts, "
    "the parts. Do not answer the question and do not guess names, numbers or dates.\n"
    'Answer: {"queries": ["…", "…"]}'
)


class NoRewriter:
    """The question as it was asked."""

    needs_llm: NeedsLLM = "never"
    by: str | None = None

    def rewrite(self, query: str) -> list[str]:  # noqa: ARG002 - there is nothing to look at
        """Nothing further."""
        return []


class LLMRewriter:
    """Asks a language model for other wordings."""

    needs_llm: NeedsLLM = "required"

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def by(self) -> str | None:
        """The model."""
        return self._llm.name

    def rewrite(self, query: str) -> list[str]:
        """Up to three further queries; those that are empty or very long are left out."""
        answer = ask(self._llm, _TASK, {"question": query}, _Queries, max_tokens=_MAX_TOKENS)
        further = [" ".join(one.split()) for one in answer.queries]
        usable = [one for one in further if one and len(one) <= _LONGEST and one != query]
        return list(dict.fromkeys(usable))[:_MOST]


class AutoRewriter:
    """A language model where the settings name one; the question as it was where not."""

    needs_llm: NeedsLLM = "optional"

    def __init__(self, llm: LLM | None) -> None:
        self._chosen = NoRewriter() if llm is None else LLMRewriter(llm)

    @property
    def by(self) -> str | None:
        """The model; None where there is none."""
        return self._chosen.by

    def rewrite(self, query: str) -> list[str]:
        """As the chosen one does."""
        return self._chosen.rewrite(query)


class _Queries(Answer):
    queries: list[str]
