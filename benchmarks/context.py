"""Contexts beside what one writes by hand: the best hits in their order, until it is full.

    python -m benchmarks.context --data locomo.jsonl [--embedder hash] [--budget 800] [--cases 5]

Each case of the file is a memory space, its turns one memory each. Its questions are asked in
conversations of twenty, in three orders: as they stand in the file; by where their evidence
stands, as one who goes through the past asks; and in the first again, but each asked twice.
Printed for each way to make a context:

    recall      the share of the evidence that is in the text
    used        tokens of the text, of the budget
    reused      characters of the text that stand at its beginning as they did in the text before
    held        the same, but only up to the last breakpoint that both texts have: what a cache with
                marks reads; the rivals are given a mark at their end
    anew        tokens a model has to read anew for each question, with the first cache

Then the CPU of the call above that of the same search by itself, median and 95th percentile.
Tokens are counted by the estimate, for all alike. Predicted before measuring: recall is the
rival's within a point, at a third of the text reused where questions stay with their topic.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import mean, median, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine
from memos import Context, MemOS
from memos.retrieval.layout import extended, text_of
from memos.retrieval.rendering import entry_of, mark_of
from memos.retrieval.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memos import MemCube

TALK = 20
"""Questions of a conversation."""
ADVERSARIAL = 5
"""The category of questions that have no answer."""


@dataclass
class Told:
    """What was measured of one way to make contexts, in one order of questions."""

    recalls: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    reused: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    anew: list[float] = field(default_factory=list)

    def row(self) -> str:
        """Cells of a table."""
        shares = (self.recalls, self.used, self.reused, self.held)
        cells = [f"{mean(share):.1%}" for share in shares]
        return " | ".join([*cells, f"{mean(self.anew):.0f}"])


@dataclass(frozen=True)
class Space:
    """A case of the file, stored."""

    mem: MemOS
    names: Mapping[str, str]
    """Of the turns, by the ids of their cubes."""
    places: Mapping[str, int]
    """Of the turns, in the conversation."""
    questions: Sequence[Mapping[str, Any]]
    known: dict[tuple[str, int], list[MemCube]] = field(default_factory=dict)

    def search(self, query: str, budget: int) -> list[MemCube]:
        """As many hits as a context looks at; each question is asked once."""
        asked = (query, min(1000, max(20, budget // 8)))
        if asked not in self.known:
            self.known[asked] = [hit.cube for hit in self.mem.search(asked[0], k=asked[1])]
        return self.known[asked]


def stored(case: Mapping[str, Any], embedder: str | None) -> Space:
    """The turns as memories."""
    turns = case["memories"]
    mem = MemOS.open(None, embedder=embedder)
    cubes = mem.add([message(turn) for turn in turns], user_id=case["sid"])
    names = {cube.id: str(turn["id"]) for cube, turn in zip(cubes, turns, strict=True)}
    places = {str(turn["id"]): place for place, turn in enumerate(turns)}
    asked = [one for one in case["queries"] if one["gold"] and one.get("cat") != ADVERSARIAL]
    return Space(mem, names, places, asked)


def message(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A turn as `add` takes it."""
    said = {"content": turn["text"] or turn.get("caption") or "…", "role": "user"}
    if turn.get("speaker"):
        said["name"] = turn["speaker"]
    if turn.get("session") is not None:
        said["session_id"] = str(turn["session"])
    if turn.get("date"):
        said["timestamp"] = turn["date"]
    if turn.get("caption"):
        said["caption"] = turn["caption"]
    return said


def conversations(space: Space, order: str) -> Iterator[list[Mapping[str, Any]]]:
    """The questions, twenty by twenty."""
    asked = list(space.questions)
    if order == "by topic":
        asked.sort(key=lambda one: min(space.places.get(str(gold), 0) for gold in one["gold"]))
    if order == "twice":
        asked = [one for one in asked for _ in range(2)]
    for start in range(0, len(asked) - TALK + 1, TALK):
        yield asked[start : start + TALK]


def ours(standing: float) -> Any:
    """A context of this project."""

    def make(space: Space, query: str, budget: int, before: Context) -> Context:
        return space.mem.context(query, budget_tokens=budget, standing=standing, previous=before)

    return make


def ranked(space: Space, query: str, budget: int, _: Context) -> Context:
    """The rival: a date with each, as in a list of hits, until the next one does not fit."""
    text = ""
    cubes: list[MemCube] = []
    for cube in space.search(query, budget):
        entry = entry_of(cube, mark_of(cube.id, ()))
        longer = f"{text}({entry.head}) {entry.line}"
        if estimate(longer) > budget:
            break
        text, cubes = longer, [*cubes, cube]
    return Context(text=text, cubes=tuple(cubes), tokens=estimate(text))


def ordered(space: Space, query: str, budget: int, _: Context) -> Context:
    """The same with dates as lines, oldest first: order without memory of the text before."""
    cubes: list[MemCube] = []
    for cube in space.search(query, budget):
        if estimate(text_of(extended([], [*cubes, cube]))) > budget:
            break
        cubes.append(cube)
    text = text_of(extended([], cubes))
    return Context(text=text, cubes=tuple(cubes), tokens=estimate(text))


def above(space: Space, query: str, budget: int, before: Context) -> float:
    """CPU milliseconds of a context above those of its search."""
    start = time.process_time()
    space.mem.context(query, budget_tokens=budget, previous=before)
    middle = time.process_time()
    space.mem.search(query, k=min(1000, max(20, budget // 8)))
    return 1000 * (2 * middle - start - time.process_time())


def measured(space: Space, way: Any, told: Told, *, order: str, budget: int) -> None:
    """All conversations of a case."""
    for talk in conversations(space, order):
        texts = [Context()]
        for one in talk:
            made = way(space, one["q"], budget, texts[-1])
            there = {space.names[cube.id] for cube in made.cubes}
            gold = {str(each) for each in one["gold"]}
            told.recalls.append(len(gold & there) / len(gold))
            told.used.append(made.tokens / budget)
            texts.append(made)
        for before, after in pairwise(texts[1:]):
            same = common(before.text, after.text)
            marked = {end.characters for end in before.breakpoints} or {len(before.text)}
            known = {end.characters for end in after.breakpoints} or {len(after.text)}
            held = max((end for end in marked & known if end <= same), default=0)
            told.reused.append(same / max(1, len(after.text)))
            told.held.append(held / max(1, len(after.text)))
            told.anew.append(after.tokens - estimate(after.text[:same]))


def common(one: str, other: str) -> int:
    """How many of the first characters are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder")
    parser.add_argument("--budget", type=int, nargs="+", default=[800, 2000])
    parser.add_argument("--cases", type=int, default=100)
    asked = parser.parse_args()
    print(machine())
    lines = asked.data.read_text(encoding="utf-8").splitlines()[: asked.cases]
    spaces = [stored(json.loads(line), asked.embedder) for line in lines]
    ways = {"hits in their order": ranked, "oldest first": ordered}
    ways |= {f"context, standing={share}": ours(share) for share in (0.0, 0.25, 0.5)}
    for budget in asked.budget:
        for order in ("as in the file", "by topic", "twice"):
            print(f"\n{budget} tokens, questions {order}\n")
            print("| | recall | used | reused | held | anew |\n|---" + "|---:" * 5 + "|")
            for name, way in ways.items():
                told = Told()
                for space in spaces:
                    measured(space, way, told, order=order, budget=budget)
                print(f"| {name} | {told.row()} |", flush=True)
        spent = [
            above(space, one["q"], budget, Context())
            for space in spaces
            for one in space.questions[:TALK]
        ]
        late = quantiles(spent, n=20)[-1]
        print(f"\nCPU ms above the search: p50 {median(spent):.1f}, p95 {late:.1f}", flush=True)
    for space in spaces:
        space.mem.close()


if __name__ == "__main__":
    main()
