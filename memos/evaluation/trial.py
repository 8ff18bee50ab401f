"""Runs cases through a store: remember everything, then ask every question.

Nothing is ranked here: what is measured is what ``MemOS.add`` and ``MemOS.search`` do with their
defaults, in a fresh store for each case.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from memos.evaluation.listener import Listener
from memos.evaluation.rivals import open_rivals
from memos.evaluation.stopwatch import Spent, Stopwatch
from memos.kinds.plaintext import indexed_text
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from memos.cube import MemCube
    from memos.evaluation.case import Case, Memory, Question
    from memos.evaluation.measures import Yardstick
    from memos.evaluation.rivals import Rivals
    from memos.kernel import Kernel
    from memos.ports.embedder import Embedder
    from memos.retrieval.scratch import OpenScratch

OURS = "memos"
"""This project's name among the finders."""
_FEWEST = 20
"""Results asked for, at least; the measures then look at the first of them."""
_BATCH = 256
"""Memories that are remembered in one call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one finder found for one question."""

    found: tuple[str, ...]
    """Ids of cubes, best first."""
    spent: Spent
    """Above the embedding of the question."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question and the answers to it."""

    question: Question
    gold: frozenset[str]
    """Ids of the cubes in which the evidence lies."""
    answers: Mapping[str, Answer]
    """By finder."""
    embedding: Spent
    lines: Mapping[str, str]
    """What each cube of the case says, for people."""


@dataclass(slots=True)
class Trial:
    """What came of all cases of a data set."""

    name: str
    yardstick: Yardstick
    outcomes: list[Outcome] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """Questions that were not asked, by the reason."""
    cases: int = 0
    memories: int = 0
    adding: Spent = field(default_factory=Spent)
    """Above the embedding of the texts."""
    embedding: Spent = field(default_factory=Spent)
    """Of the texts."""

    def asked(self, case: Case) -> list[Question]:
        """The questions of a case that have evidence; the others are counted."""
        asked = []
        for question in case.questions:
            if question.category in self.yardstick.left_out:
                self.left_out[f"of category {question.category}"] += 1
            elif not question.gold:
                self.left_out["without evidence"] += 1
            else:
                asked.append(question)
        return asked


class _Space:
    """A case that a store has been given."""

    def __init__(
        self, mem: Kernel, case: Case, cubes: Mapping[str, MemCube], rivals: Rivals | None
    ) -> None:
        self.mem = mem
        self.case = case
        self.cubes = cubes
        self.rivals = rivals
        self.lines = {cubes[memory.id].id: memory.line for memory in case.memories}


class Bench:
    """A way to run cases.

    Args:
        embedder: the embedding model, for the store and the rivals.
        open_store: opens a fresh store with an embedder.
        open_scratch: opens the rivals' index of words; None for no rivals.
        progress: told of adding and asking.
    """

    def __init__(
        self,
        embedder: Embedder,
        open_store: Callable[[Embedder], AbstractContextManager[Kernel]],
        *,
        open_scratch: OpenScratch | None,
        progress: Progress = silent,
    ) -> None:
        self._listener = Listener(embedder)
        self._open_store = open_store
        self._open_scratch = open_scratch
        self._progress = progress

    @property
    def embedder(self) -> str:
        """The name of the embedding model."""
        return self._listener.name

    def run(
        self, name: str, cases: Sequence[Case], yardstick: Yardstick, *, limit: int | None = None
    ) -> Trial:
        """Run the cases of a set; those that ask for no evidence are passed over.

        Args:
            name: the set's.
            cases: its cases.
            yardstick: how it is measured.
            limit: ask the first so many questions only, and of the cases that they belong to.
        """
        trial = Trial(name, yardstick)
        asked = _first(((case, trial.asked(case)) for case in cases), limit)
        memories = sum(len(case.memories) for case, _ in asked)
        questions_in_all = sum(len(questions) for _, questions in asked)
        if asked:
            self._warm_up()
        for case, questions in asked:
            with self._open_store(self._listener) as mem:
                cubes = self._remember(mem, case, trial, memories)
                with self._rivals(list(cubes.values())) as rivals:
                    space = _Space(mem, case, cubes, rivals)
                    for question in questions:
                        trial.outcomes.append(self._outcome(space, question, yardstick))
                        self._progress(f"{name}: asking", len(trial.outcomes), questions_in_all)
        return trial

    def _warm_up(self) -> None:
        """The first calls load the model and libraries, which no figure should hold."""
        with self._open_store(self._listener) as mem:
            mem.add("nothing to be remembered")
            mem.search("nothing")

    def _remember(self, mem: Kernel, case: Case, trial: Trial, memories: int) -> dict[str, MemCube]:
        """The cube of each memory, by the memory's id in the data set."""
        watch = Stopwatch()
        cubes: dict[str, MemCube] = {}
        self._listener.texts.clear()
        before = self._listener.watch.spent
        for batch in batches(case.memories):
            with watch.running():
                made = mem.add([dict(memory.message) for memory in batch], user_id=case.name)
            cubes |= {memory.id: cube for memory, cube in zip(batch, made, strict=True)}
            trial.memories += len(batch)
            self._progress(f"{trial.name}: adding", trial.memories, memories)
        embedding = self._listener.watch.spent - before
        trial.embedding += embedding
        trial.adding += watch.spent - embedding
        trial.cases += 1
        return cubes

    @contextmanager
    def _rivals(self, cubes: Sequence[MemCube]) -> Iterator[Rivals | None]:
        """The rivals over what the store indexes of the cubes, and the same vectors."""
        if self._open_scratch is None:
            yield None
            return
        texts = {cube.id: indexed_text(cube) for cube in cubes}
        unseen = [text for text in texts.values() if text not in self._listener.texts]
        if unseen:
            self._listener.embed(unseen)
        with open_rivals(texts, self._listener.texts, self._open_scratch) as opened:
            yield opened

    def _outcome(self, space: _Space, question: Question, yardstick: Yardstick) -> Outcome:
        k = max(_FEWEST, yardstick.deepest)
        watch, before = Stopwatch(), self._listener.watch.spent
        with watch.running():
            hits = space.mem.search(question.text, k=k, user_id=space.case.name)
        embedding = self._listener.watch.spent - before
        found = tuple(hit.cube.id for hit in hits)
        answers = {OURS: Answer(found, watch.spent - embedding)}
        if space.rivals is not None:
            vector = self._listener.embed_query(question.text)
            for name, (ids, spent) in space.rivals.near(question.text, vector, k).items():
                answers[name] = Answer(tuple(ids), spent)
        gold = frozenset(space.cubes[one].id for one in question.gold)
        return Outcome(question, gold, answers, embedding, space.lines)


def _first(
    asked: Iterable[tuple[Case, list[Question]]], limit: int | None
) -> list[tuple[Case, list[Question]]]:
    """The first questions and their cases, without the cases that have none."""
    first: list[tuple[Case, list[Question]]] = []
    left = sys.maxsize if limit is None else limit
    for case, questions in asked:
        if questions:
            first.append((case, questions[:left]))
            left -= len(questions)
        if left <= 0:
            break
    return first


def batches(memories: Sequence[Memory]) -> Iterator[Sequence[Memory]]:
    """What goes into one call: turns of a session together, and what stands alone likewise."""
    for _, together in groupby(memories, key=lambda memory: memory.session):
        listed = list(together)
        for start in range(0, len(listed), _BATCH):
            yield listed[start : start + _BATCH]
