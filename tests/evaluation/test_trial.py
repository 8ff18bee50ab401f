"""Cases go through a store and the rivals; what comes out is counted right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos import MemOS
from memos.boot import open_scratch
from memos.evaluation.case import Case, Memory, Question
from memos.evaluation.listener import Listener
from memos.evaluation.measures import Measure, Yardstick
from memos.evaluation.report import set_report
from memos.evaluation.rivals import NAMES, reciprocal
from memos.evaluation.trial import Bench
from memos.models.embedder_hash import HashEmbedder

if TYPE_CHECKING:
    from memos.ports.embedder import Embedder

YARDSTICK = Yardstick((Measure("recall", 1), Measure("all", 2)), {"recall@1": 0.9}, frozenset("9"))


def turn(number: int, text: str) -> Memory:
    """A turn of one conversation."""
    return Memory(str(number), {"text": text, "speaker": "Mia", "session_id": "s"})


CASES = [
    Case(
        "garden",
        "one",
        (turn(1, "The violin hangs in the hall."), turn(2, "Tulips."), turn(3, "A red kite.")),
        (
            Question("a", "where does the violin hang?", ("1",), "1"),
            Question("b", "a kite or tulips?", ("2", "3"), "2"),
            Question("c", "nonsense", ("1",), "9"),
            Question("d", "what is not said?", ()),
        ),
    ),
    Case("garden", "two", (turn(1, "Never asked about."),), (Question("e", "?", ()),)),
    Case(
        "garden",
        "three",
        (Memory("x", {"text": "It is tall.", "title": "Lighthouse"}), Memory("y", {"text": "No."})),
        (Question("f", "lighthouse", ("x",), "1"), Question("g", "tall?", ("y",), "1")),
    ),
]


def bench(*, rivals: bool = False) -> Bench:
    """A bench with stores in memory."""

    def open_store(embedder: Embedder) -> MemOS:
        return MemOS.open(None, embedder=embedder)

    opened = open_scratch if rivals else None
    return Bench(HashEmbedder(), open_store, open_scratch=opened)


def test_every_question_with_evidence_is_asked_in_a_store_of_its_case_alone() -> None:
    trial = bench().run("garden", CASES, YARDSTICK)
    assert [one.question.id for one in trial.outcomes] == ["a", "b", "f", "g"]
    assert trial.left_out == {"of category 9": 1, "without evidence": 2}
    assert (trial.cases, trial.memories) == (2, 5)
    found = {one.question.id: one.answers["memos"].found for one in trial.outcomes}
    assert len(found["a"]) <= 3
    assert {trial.outcomes[0].lines[one] for one in found["a"]} <= {
        "Mia: The violin hangs in the hall.",
        "Mia: Tulips.",
        "Mia: A red kite.",
    }


def test_a_report_has_the_figures_by_set_and_by_category_and_what_was_missed() -> None:
    report = set_report(bench().run("garden", CASES, YARDSTICK), misses=1)
    assert (report.questions, report.measures) == (4, ("recall@1", "all@2"))
    (ours,) = report.finders
    assert ours.scores == {"recall@1": (1 + 0.5 + 1 + 0) / 4, "all@2": 1.0}
    assert [(one.category, one.questions) for one in report.categories] == [("1", 3), ("2", 1)]
    assert report.categories[0].scores["recall@1"] == pytest.approx(2 / 3)
    (miss,) = report.misses
    assert (miss.id, len(miss.missed), len(miss.reached), miss.instead) == ("b", 1, 1, ())


def test_rivals_see_the_same_texts_and_vectors() -> None:
    report = set_report(bench(rivals=True).run("garden", CASES, YARDSTICK))
    assert [one.finder for one in report.finders] == ["memos", *NAMES]
    by_name = {one.finder: one.scores for one in report.finders}
    assert by_name["bm25"]["recall@1"] > 0  # a title counts for them, too
    assert all(0 <= score <= 1 for scores in by_name.values() for score in scores.values())


def test_a_limit_asks_the_first_questions_and_opens_no_store_for_the_others() -> None:
    trial = bench().run("garden", CASES, YARDSTICK, limit=1)
    assert [one.question.id for one in trial.outcomes] == ["a"]
    assert (trial.cases, trial.memories) == (1, 3)


def test_a_set_without_evidence_is_an_empty_report() -> None:
    report = set_report(bench(rivals=True).run("garden", CASES[1:2], YARDSTICK))
    assert (report.questions, report.finders, report.categories) == (0, (), ())


def test_passages_are_no_neighbours_whatever_stands_beside_them_in_the_file() -> None:
    passages = tuple(Memory(str(n), {"text": f"Passage {n} of many."}) for n in range(3))
    violin = Memory("v", {"text": "A violin."})
    case = Case("p", "p", (*passages, violin), (Question("q", "violin", ("v",)),))
    trial = bench().run("p", [case], YARDSTICK)
    (outcome,) = trial.outcomes
    assert outcome.answers["memos"].found[0] in outcome.gold
    with MemOS.open(None, embedder="hash") as mem:
        for memory in case.memories:
            mem.add([dict(memory.message)])
        parts = {name for hit in mem.search("violin") for name in hit.parts}
    assert not parts & {"conversation", "session"}


def test_ranks_are_fused_by_their_reciprocals() -> None:
    assert reciprocal([["a", "b"], ["b", "c"]], 3) == ["b", "a", "c"]
    assert reciprocal([["a"], ["b"]], 1) == ["a"]
    assert reciprocal([[], []], 5) == []


def test_a_listener_lets_every_call_through_and_remembers_the_vectors() -> None:
    plain, listener = HashEmbedder(), Listener(HashEmbedder())
    assert (listener.name, listener.dimension) == (plain.name, plain.dimension)
    assert np.array_equal(listener.embed(["a", "b"]), plain.embed(["a", "b"]))
    assert np.array_equal(listener.texts["b"], plain.embed(["b"])[0])
    assert np.array_equal(listener.embed_query("a"), plain.embed_query("a"))
    assert listener.watch.spent.wall > 0
