"""Another order of what was found: none, or that of a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadAnswer
from memos.steps.asking import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.llm import LLM
    from memos.ports.steps import NeedsLLM

_OFFERED = 20
_LONGEST = 1_000
"""Characters of a memory that are shown."""
_MAX_TOKENS = 200
_TASK = (
    "Order memories by how much they help to answer the question: first the one that holds the "
    "answer or the largest part of it. Name only memories that help, at most ten.\n"
    'Answer: {"order": [3, 1]}'
)


class NoReranker:
    """The order in which they were found."""

    needs_llm: NeedsLLM = "never"
    by: str | None = None
    offered = 0

    def order(self, query: str, texts: Sequence[str]) -> list[int]:  # noqa: ARG002
        """As they are."""
        return list(range(len(texts)))


class LLMReranker:
    """Shows a language model the best hits, in one list, and asks for their order.

    Listwise, as in RankGPT (Sun et al. 2023, "Is ChatGPT good at search?"), with one window.
    """

    needs_llm: NeedsLLM = "required"
    offered = _OFFERED

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def by(self) -> str | None:
        """The model."""
        return self._llm.name

    def order(self, query: str, texts: Sequence[str]) -> list[int]:
        """The places of those that help, best first.

        Raises:
            BadAnswer: it names a memory that it was not shown, or one twice.
        """
        memories = [
            {"memory": number, "text": text[:_LONGEST]}
            for number, text in enumerate(texts, start=1)
        ]
        data = {"question": query, "memories": memories}
        order = ask(self._llm, _TASK, data, _Order, max_tokens=_MAX_TOKENS).order
        if len(set(order)) < len(order) or not set(order) <= set(range(1, len(texts) + 1)):
            message = f"{self._llm.name} ordered {len(texts)} memories as {order[:20]}"
            raise BadAnswer(message, hint="choose another model, or search without reranking")
        return [number - 1 for number in order]


class AutoReranker:
    """A language model where the settings name one; the order as it was where not."""

    needs_llm: NeedsLLM = "optional"

    def __init__(self, llm: LLM | None) -> None:
        self._chosen = NoReranker() if llm is None else LLMReranker(llm)

    @property
    def by(self) -> str | None:
        """The model; None where there is none."""
        return self._chosen.by

    @property
    def offered(self) -> int:
        """As many as the chosen one wants to see."""
        return self._chosen.offered

    def order(self, query: str, texts: Sequence[str]) -> list[int]:
        """As the chosen one does."""
        return self._chosen.order(query, texts)


class _Order(Answer):
    order: list[int]
