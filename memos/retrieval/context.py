"""What a model is given to read of the memories: one text, and what is known of its parts."""

from __future__ import annotations

import re

from pydantic import Field

from memos.cube import MemCube
from memos.cube.frozen import Frozen

_MARK = re.compile(r"\[([a-z]+)\]")


class Breakpoint(Frozen):
    """A place in a context up to which a cache may keep it: the end of a line."""

    characters: int = Field(ge=0)
    """``text[:characters]`` is what is kept."""
    tokens: int = Field(ge=0)
    """How many tokens these characters are."""
    digest: str
    """SHA-256 of these characters in UTF-8: equal beginnings, equal digests."""


class Placed(Frozen):
    """Where a memory stands in a context, without a word of what it says."""

    id: str
    mark: str
    digest: str
    """Of its lines, date and mark included: another when anything that is shown has changed."""
    opens: bool = False
    """Whether a block begins here: from here on, time starts anew."""


class Context(Frozen):
    """Memories for a prompt, within a budget of tokens.

    ``text`` is lines: dates, and below each the memories of that day, oldest first, each with a
    mark such as ``[bkrt]`` by which a model can cite it. What the context before it began with
    stands first and in the same bytes, as far as it is still true and still worth its room.
    """

    text: str = ""
    cubes: tuple[MemCube, ...] = ()
    """The memories, in the order of the text."""
    tokens: int = Field(default=0, ge=0)
    """Of the whole text, as the tokenizer counts; never more than the budget."""
    breakpoints: tuple[Breakpoint, ...] = ()
    """At most four, ascending; the last is the end of the text."""
    reused: int = Field(default=0, ge=0)
    """How many of the first characters are those of the context before."""
    left_out: int = Field(default=0, ge=0)
    """How many memories were found and did not fit; those that say nothing new not counted."""
    answers: str = ""
    """A digest of what was found: where the same is found again, and nothing in the text has
    changed, the next context is this one."""
    layout: tuple[Placed, ...] = ()
    """Which memory stands where; the next context goes by it."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The text, cut at the breakpoints: one content block of a provider's prompt each."""
        ends = [one.characters for one in self.breakpoints]
        return tuple(self.text[start:end] for start, end in zip([0, *ends], ends, strict=False))

    @property
    def marks(self) -> dict[str, MemCube]:
        """The memories by their marks."""
        named = (placed.mark for placed in self.layout)
        return dict(zip(named, self.cubes, strict=False))

    def cited(self, answer: str) -> list[MemCube]:
        """The memories whose marks stand in a text, in the order in which it names them."""
        marks = self.marks
        named = dict.fromkeys(_MARK.findall(answer))
        return [marks[mark] for mark in named if mark in marks]

    def wordless(self) -> Context:
        """What the next context needs of this one, and nothing that any memory says."""
        return self.model_copy(update={"text": "", "cubes": ()})

    def __str__(self) -> str:
        return self.text
