"""What a run of the bench says: figures, by data set and finder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.frozen import Frozen
from memos.evaluation.measures import mean, percentile, yardstick_of
from memos.evaluation.trial import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memos.evaluation.case import Case
    from memos.evaluation.measures import Measure, Yardstick
    from memos.evaluation.reading import Reading
    from memos.evaluation.stopwatch import Spent
    from memos.evaluation.trial import Bench, Outcome, Trial


class Latency(Frozen):
    """Milliseconds of many calls, at the middle and where 5 % take longer."""

    wall_p50: float
    wall_p95: float
    cpu_p50: float
    cpu_p95: float


class FinderReport(Frozen):
    """One finder on one data set."""

    finder: str
    """``memos``, or a rival."""
    scores: dict[str, float]
    """The mean over the questions, from 0 to 1, by measure."""
    above_embedding: Latency
    """Of a search, without the embedding of the question."""


class CategoryReport(Frozen):
    """What this project's search reaches in one category of questions."""

    category: str
    questions: int
    scores: dict[str, float]


class Miss(Frozen):
    """A question of which evidence was missed, for a look at it."""

    id: str
    question: str
    category: str | None
    missed: tuple[str, ...]
    """The evidence that is not among the results."""
    reached: tuple[str, ...]
    """The evidence that is."""
    instead: tuple[str, ...]
    """What was found first, though no evidence."""


class SetReport(Frozen):
    """One data set."""

    set: str
    cases: int
    memories: int
    questions: int
    left_out: dict[str, int]
    """Questions that were not asked, by the reason."""
    measures: tuple[str, ...]
    targets: dict[str, float]
    """What is to be reached, by measure."""
    finders: tuple[FinderReport, ...]
    categories: tuple[CategoryReport, ...]
    search: Latency
    """Of a search in all, the embedding of the question included."""
    query_embedding: Latency
    adding_ms: float
    """CPU milliseconds to add a memory, above the embedding of its text."""
    embedding_ms: float
    """CPU milliseconds to embed a memory's text."""
    adding_wall_ms: float
    """Wall milliseconds to add a memory in all."""
    misses: tuple[Miss, ...] = ()


class Report(Frozen):
    """A run of the bench."""

    version: str
    machine: str
    embedder: str
    store: str
    """Where the stores were: ``folder`` or ``memory``."""
    limit: int | None
    """How many questions of a set were asked at most; None for all."""
    sets: tuple[SetReport, ...]


def set_reports(
    bench: Bench,
    reading: Reading,
    measures: Sequence[Measure] = (),
    *,
    limit: int | None = None,
    misses: int = 0,
) -> Iterator[SetReport]:
    """Run what a file holds, set by set.

    Args:
        bench: runs it.
        reading: the file.
        measures: instead of those that are usual for a set.
        limit: how many questions of a set are asked; None for all.
        misses: how many questions with missed evidence are shown.
    """
    by_set: dict[str, list[Case]] = {}
    for case in reading.cases:
        by_set.setdefault(case.set, []).append(case)
    for name, cases in by_set.items():
        trial = bench.run(name, cases, yardstick_of(name, measures), limit=limit)
        yield set_report(trial, misses=misses)


def set_report(trial: Trial, *, misses: int = 0) -> SetReport:
    """The figures of a trial, with up to so many of its misses."""
    outcomes, yardstick = trial.outcomes, trial.yardstick
    finders = list(outcomes[0].answers) if outcomes else []
    memories = max(trial.memories, 1)
    return SetReport(
        set=trial.name,
        cases=trial.cases,
        memories=trial.memories,
        questions=len(outcomes),
        left_out=dict(trial.left_out),
        measures=tuple(measure.name for measure in yardstick.measures),
        targets=dict(yardstick.targets),
        finders=tuple(
            FinderReport(
                finder=name,
                scores=_scores(outcomes, yardstick, name),
                above_embedding=_latency(one.answers[name].spent for one in outcomes),
            )
            for name in finders
        ),
        categories=_categories(outcomes, yardstick),
        search=_latency(one.answers[OURS].spent + one.embedding for one in outcomes),
        query_embedding=_latency(one.embedding for one in outcomes),
        adding_ms=1000 * trial.adding.cpu / memories,
        embedding_ms=1000 * trial.embedding.cpu / memories,
        adding_wall_ms=1000 * (trial.adding.wall + trial.embedding.wall) / memories,
        misses=tuple(_misses(outcomes, yardstick))[:misses],
    )


def _scores(outcomes: Sequence[Outcome], yardstick: Yardstick, finder: str) -> dict[str, float]:
    return {
        measure.name: mean([measure.of(one.answers[finder].found, one.gold) for one in outcomes])
        for measure in yardstick.measures
    }


def _categories(outcomes: Sequence[Outcome], yardstick: Yardstick) -> tuple[CategoryReport, ...]:
    """By category, if there are several."""
    by_category: dict[str, list[Outcome]] = {}
    for one in outcomes:
        by_category.setdefault(one.question.category or "", []).append(one)
    if len(by_category) < 2:
        return ()
    return tuple(
        CategoryReport(
            category=name,
            questions=len(by_category[name]),
            scores=_scores(by_category[name], yardstick, OURS),
        )
        for name in sorted(by_category)
    )


def _latency(spent: Iterable[Spent]) -> Latency:
    every = list(spent)
    wall, cpu = [1000 * one.wall for one in every], [1000 * one.cpu for one in every]
    return Latency(
        wall_p50=percentile(wall, 0.5),
        wall_p95=percentile(wall, 0.95),
        cpu_p50=percentile(cpu, 0.5),
        cpu_p95=percentile(cpu, 0.95),
    )


_INSTEAD = 3
"""How many of the results that are no evidence a miss shows."""


def _misses(outcomes: Sequence[Outcome], yardstick: Yardstick) -> Iterable[Miss]:
    """Questions whose evidence is not all within the depth of the first measure."""
    depth = yardstick.measures[0].k
    for one in outcomes:
        found = one.answers[OURS].found[:depth]
        missed = sorted(one.gold.difference(found), key=list(one.lines).index)
        if missed:
            instead = [each for each in found if each not in one.gold][:_INSTEAD]
            yield Miss(
                id=one.question.id,
                question=one.question.text,
                category=one.question.category,
                missed=tuple(one.lines[each] for each in missed),
                reached=tuple(one.lines[each] for each in found if each in one.gold),
                instead=tuple(one.lines.get(each, each) for each in instead),
            )
