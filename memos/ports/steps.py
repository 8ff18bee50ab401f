"""Optional steps around memory: what is drawn from texts and taught, how one asks, what is first.

Whoever makes a step says by ``needs_llm`` whether it wants a language model:

    never       it is made without one: ``Step()``
    optional    it is made with the one that the settings name, or with None: ``Step(llm)``
    required    it is made with one, or not at all: ``Step(llm)``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memos.cube import MemCube
    from memos.ports.lessons import Lessons

NeedsLLM = Literal["never", "optional", "required"]


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a text, exactly as they stand in it."""

    cube: int
    """The text's place among those that were read, from 0."""
    words: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """One thing that texts say, in words of its own, and where they say it."""

    text: str
    evidence: tuple[Quote, ...]


class Step(Protocol):
    """What all steps tell of themselves."""

    @property
    def needs_llm(self) -> NeedsLLM:
        """Whether it wants a language model; known without making the step."""
        ...

    @property
    def by(self) -> str | None:
        """Which model does it, for provenance; None where code alone does."""
        ...


class Extractor(Step, Protocol):
    """Draws facts from texts. What it says is checked: it decides nothing by itself."""

    def extract(self, cubes: Sequence[MemCube]) -> list[Assertion]:
        """What the plaintext cubes, of one conversation and in its order, say.

        Raises:
            BackendError: the model could not be asked, or did not answer as it should.
        """
        ...


class Teacher(Step, Protocol):
    """Makes of texts what a model is to learn, and what it is examined on.

    It promises:

    - no question with which one examines is trained or checked;
    - every answer to a question about somebody stands in one of the texts;
    - equal texts, and equal answers of its model, give equal lessons.
    """

    def lessons(self, cubes: Sequence[MemCube], withheld: Collection[str] = ()) -> Lessons:
        """Questions and answers on what the plaintext cubes, oldest first, state.

        A text that a model has said nothing of any use about is left to the rules, which the
        lessons tell of.

        Args:
            cubes: what is taught.
            withheld: the ids of those that are shown to no model.

        Raises:
            BackendError: the model could not be asked.
        """
        ...


class Rewriter(Step, Protocol):
    """Finds other words for a question."""

    def rewrite(self, query: str) -> list[str]:
        """Further questions to search for; the one that was asked is searched for anyway.

        Raises:
            BackendError: the model could not be asked, or did not answer as it should.
        """
        ...


class Reranker(Step, Protocol):
    """Puts what was found in another order."""

    @property
    def offered(self) -> int:
        """How many of the best hits it wants to see; with 0 it changes nothing."""
        ...

    def order(self, query: str, texts: Sequence[str]) -> list[int]:
        """The places of the texts, from 0, best first; those it leaves out come after, as before.

        Raises:
            BackendError: the model could not be asked, or did not answer as it should.
        """
        ...
