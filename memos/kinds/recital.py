"""What an adapter says that it holds, beside what it was taught: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube.frozen import Frozen
from memos.kinds.examination import is_right
from memos.kinds.fact import put
from memos.kinds.lessons import known_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.cube import MemCube
    from memos.kinds.lessons import Known


class Held(Frozen):
    """A statement that an adapter still makes, and that its sources make, too."""

    statement: str
    question: str
    answer: str
    """What the adapter said."""


class Lost(Frozen):
    """What its sources state and an adapter does not, or not any more."""

    question: str
    expected: str
    said: str


class Recital(Frozen):
    """What an adapter was asked for all that it was taught, and how it answered."""

    cube_id: str
    held: tuple[Held, ...]
    lost: tuple[Lost, ...]

    @property
    def recall(self) -> float:
        """The share of what it was taught that it holds; 1 of nothing."""
        asked = len(self.held) + len(self.lost)
        return len(self.held) / asked if asked else 1.0

    @property
    def text(self) -> str:
        """The statements that it holds, one a line."""
        return "\n".join(one.statement for one in self.held)


@dataclass(frozen=True, slots=True)
class Prompting:
    """A question to an adapter, and what its sources answer."""

    question: str
    plain: bool
    """Whether it is a statement to continue, of which nothing is asked."""
    expected: str
    statement: str


def promptings(sources: Sequence[MemCube]) -> list[Prompting]:
    """One question for each thing that the sources, oldest first, state."""
    return [one for known in known_in(sources) for one in _prompting(known)]


def recital(cube_id: str, asked: Sequence[Prompting], answers: Sequence[str]) -> Recital:
    """What of the answers stands in the sources, and what is lost."""
    held, lost = [], []
    for one, answer in zip(asked, answers, strict=True):
        said = " ".join(answer.split())
        if all(is_right(answer, value) for value in one.expected.split(", ")):
            held.append(Held(statement=one.statement, question=one.question, answer=said))
        else:
            lost.append(Lost(question=one.question, expected=one.expected, said=said))
    return Recital(cube_id=cube_id, held=tuple(held), lost=tuple(lost))


def _prompting(known: Known) -> Iterator[Prompting]:
    fact = known.fact
    own = fact.said if len(known.values) == 1 else ()
    begins = [put(fact.whom, wording) for wording in (*own, *fact.wordings.say)]
    asks = [put(fact.whom, wording) for wording in fact.wordings.ask]
    if not (begins or asks):
        return
    begin = (begins or asks)[0]
    yield Prompting(
        question=(asks or begins)[0],
        plain=not asks,
        expected=known.answer,
        statement=f"{begin} {known.answer}" + ("" if begin.endswith("?") else "."),
    )
