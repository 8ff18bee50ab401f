"""What an adapter knows, and what it cost the model around it: measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from memos.cube import Evaluation
from memos.kinds.unrelated import EVERYDAY, MEASURED
from memos.ports.runtime import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from memos.ports.lessons import Lessons
    from memos.ports.progress import Progress
    from memos.ports.runtime import Example, Runtime, Stored

    Served = Callable[[str], bool]
    """Whether the adapter serves a question."""
    Wears = Callable[[str], tuple[Stored, ...]]
    """All adapters that serve a question."""

Thing = TypeVar("Thing")

ANSWER_TOKENS = 12
"""Of an answer that is examined."""
_MOST = 60
"""Questions of one sort; of more, so many are asked, spread evenly over all."""
_FEW = 12
"""Of questions whose answers have to be written out, without and with the adapter."""
_STAGES = 6


@dataclass(frozen=True, slots=True)
class Demands:
    """What an adapter must reach to be used by default."""

    recall: float = 0.6
    """The share of held-out questions that must be answered."""
    drift: float = 0.2
    """How much perplexity on unrelated text may grow; 0.2 is twenty percent."""
    leak: float = 0.05
    """The share of questions about what is nearly known that may be answered with what is known."""


def examine(
    runtime: Runtime,
    material: Lessons,
    adapter: Stored,
    *,
    serves: Served,
    demands: Demands,
    progress: Progress,
) -> Evaluation:
    """Ask the model with an adapter, as questions are served, and with the adapter on throughout.

    Args:
        runtime: the model.
        material: what was trained, and what is asked now.
        adapter: the adapter.
        serves: whether the router lets it answer a question.
        demands: what it must reach.
        progress: told of each stage.
    """
    asking = _Asking(runtime, adapter, serves)
    held_out = some(material.held_out)
    stages = iter(range(_STAGES + 1))
    progress("examining", next(stages), _STAGES)
    before = asking.recall(some(held_out, _FEW), served=False)
    progress("examining", next(stages), _STAGES)
    after = asking.recall(held_out)
    progress("examining", next(stages), _STAGES)
    trained = asking.recall(some(material.trained))
    progress("examining", next(stages), _STAGES)
    reversals = some(material.reversals)
    back = asking.recall(reversals) if reversals else None
    progress("examining", next(stages), _STAGES)
    misses = some(material.misses, _FEW)
    leak, worn_leak = asking.leaks(misses, material.values) if misses else (None, None)
    progress("examining", next(stages), _STAGES)
    drift = runtime.drift(MEASURED, adapter=adapter)
    unchanged = asking.unchanged(EVERYDAY)
    progress("examining", _STAGES, _STAGES)
    return Evaluation(
        questions=len(held_out),
        recall_before=before,
        recall_after=after,
        trained_recall_after=trained,
        perplexity_before=drift.before,
        perplexity_after=drift.after,
        required_recall=demands.recall,
        allowed_drift=demands.drift,
        reversed_questions=len(reversals),
        reversed_recall=back,
        divergence=max(drift.divergence, 0.0),
        unchanged=unchanged,
        misses=len(misses),
        leak=leak,
        worn_leak=worn_leak,
        allowed_leak=demands.leak,
    )


def routed_questions(material: Lessons) -> list[str]:
    """The questions of an examination that go the way they go when they are served."""
    examples = (*some(material.held_out), *some(material.trained), *some(material.reversals))
    return list(dict.fromkeys((*(one.question for one in examples), *some(material.misses, _FEW))))


def retained(runtime: Runtime, material: Lessons, wears: Wears) -> float:
    """The share of held-out questions that are answered with all that serves them."""
    held_out = some(material.held_out)
    asked = [Asked(one.question, one.plain, wears(one.question)) for one in held_out]
    answers = runtime.answers(asked, limit=ANSWER_TOKENS)
    return share(is_right(a, one.answer) for a, one in zip(answers, held_out, strict=True))


class _Asking:
    def __init__(self, runtime: Runtime, adapter: Stored, serves: Served) -> None:
        self._runtime, self._adapter, self._serves = runtime, adapter, serves

    def recall(self, examples: Sequence[Example], *, served: bool = True) -> float:
        """The share of right answers: as served, or of the model as it is; 1 of no questions."""
        routed = [one for one in examples if served and self._serves(one.question)]
        told = self._runtime.knows(routed, adapter=self._adapter)
        exact = [one for one, known in zip(routed, told, strict=True) if known and not one.plain]
        rest = [one for one in examples if one not in exact]
        asked = [
            Asked(one.question, one.plain, (self._adapter,) if one in routed else ())
            for one in rest
        ]
        answers = self._runtime.answers(asked, limit=ANSWER_TOKENS)
        right = sum(is_right(a, one.answer) for a, one in zip(answers, rest, strict=True))
        return (len(exact) + right) / len(examples) if examples else 1.0

    def leaks(self, questions: Sequence[str], values: Sequence[str]) -> tuple[float, float]:
        """The share of answers that hold a stored value which the model as it is does not say.

        As served, and with the adapter worn throughout.
        """
        plain, worn = self._answers(questions, ()), self._answers(questions, (self._adapter,))
        leaked = [
            any(is_right(after, value) and not is_right(before, value) for value in values)
            for before, after in zip(plain, worn, strict=True)
        ]
        served = [
            told and self._serves(question)
            for told, question in zip(leaked, questions, strict=True)
        ]
        return share(served), share(leaked)

    def unchanged(self, questions: Sequence[str]) -> float:
        """The share of answers that are the same with the adapter worn."""
        plain, worn = self._answers(questions, ()), self._answers(questions, (self._adapter,))
        return share(before == after for before, after in zip(plain, worn, strict=True))

    def _answers(self, questions: Sequence[str], adapters: tuple[Stored, ...]) -> list[str]:
        asked = [Asked(question, adapters=adapters) for question in questions]
        return self._runtime.answers(asked, limit=ANSWER_TOKENS)


def some(things: Sequence[Thing], most: int = _MOST) -> list[Thing]:
    """At most ``most`` of them, spread evenly over all."""
    if len(things) <= most:
        return list(things)
    return [things[n * len(things) // most] for n in range(most)]


def share(truths: Iterable[bool]) -> float:
    """How many of them hold; 1 of none."""
    told = list(truths)
    return sum(told) / len(told) if told else 1.0


def is_right(answer: str, expected: str) -> bool:
    """Whether an answer contains the expected one, apart from case and punctuation."""
    return f" {_normal(expected)} " in f" {_normal(answer)} "


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
