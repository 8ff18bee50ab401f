"""What adapters know of invented facts and of published edits, as they are served, end to end.

    python -m benchmarks.parametric facts | zsre | counterfact [--data DIR] [--edits 100]

``facts``: 20 facts in one adapter; then 100 in five batches of 20, written one after another, what
the first still answers, and one of them forgotten. ``zsre`` and ``counterfact``: each edit written
by itself, one after another, and all asked at the end. Every question goes through
``MemOS.chat_many``: the router decides which adapter serves it, or none. The facts are made up;
the edits are read from DIR (``edit_zsre.jsonl``, ``edit_counterfact.jsonl``).
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.invented import invented
from benchmarks.machine import machine
from memos import Kind, MemOS
from memos.cube import MemCube, Parametric
from memos.kinds.examination import is_right, share, some
from memos.kinds.lessons import lessons
from memos.kinds.unrelated import EVERYDAY, MEASURED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.invented import Invented
    from memos.ports.lessons import Lessons
    from memos.ports.runtime import Example

_BATCH = 20
_TOKENS = 16
_ASKED = 120
"""Questions of one sort; of more, so many are spread evenly over all."""


@dataclass
class Clock:
    """CPU and wall seconds of what was written."""

    cpu: float = 0.0
    wall: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within it the seconds count."""
        started = time.process_time(), time.perf_counter()
        yield
        self.cpu += time.process_time() - started[0]
        self.wall += time.perf_counter() - started[1]


@dataclass
class Bench:
    """A store, the model of the settings, and what was written to it."""

    mem: MemOS
    clock: Clock = field(default_factory=Clock)

    def write(self, facts: Sequence[Invented]) -> tuple[list[MemCube], MemCube]:
        """Remember statements, and train one adapter on them."""
        cubes = [cube for fact in facts for cube in self.mem.add(fact.text)]
        with self.clock.running():
            adapter = self.mem.transform([cube.id for cube in cubes], to=Kind.PARAMETRIC)
        return cubes, adapter

    def said(self, questions: Sequence[str], *, plain: bool = False) -> list[str]:
        """The answers as they are served."""
        found: list[str] = []
        for start in range(0, len(questions), 100):
            part = list(questions[start : start + 100])
            replies = self.mem.chat_many(part, max_tokens=_TOKENS, plain=plain)
            found += [reply.text for reply in replies]
        return found

    def recall(self, examples: Sequence[Example]) -> float:
        """The share of chat questions that are answered right."""
        asked = some([one for one in examples if not one.plain], _ASKED)
        answers = self.said([one.question for one in asked])
        return share(is_right(a, one.answer) for a, one in zip(answers, asked, strict=True))

    def leak(self, material: Lessons, before: Sequence[str]) -> float:
        """The share of near misses answered with a stored value that the bare model did not say."""
        answers = self.said(some(material.misses, _ASKED))
        return share(
            any(is_right(after, v) and not is_right(bare, v) for v in material.values)
            for bare, after in zip(before, answers, strict=True)
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["facts", "zsre", "counterfact"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--edits", type=int, default=100)
    asked = parser.parse_args()
    print(machine(), flush=True)
    if asked.what == "facts":
        print("\n| | reliability | paraphrase | reversed | near-miss leak | drift, worn "
              "| answers changed, not routed | CPU s per fact | wall s per fact |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|---|")
        facts_of(20)
        facts_of(100)
    else:
        print("\n| | reliability | generalisation | locality | adapters | CPU s per edit |")
        print("|---|---|---|---|---|---|")
        edit(asked.what, asked.data / f"edit_{asked.what}.jsonl", asked.edits)


def facts_of(count: int) -> None:
    """Write facts in batches, and ask for all of them."""
    with MemOS.open(None) as mem:
        bench = Bench(mem)
        facts = invented(count)
        bare = Bench(mem)
        before = bare.said([*MEASURED, *EVERYDAY])
        material = lessons(_as_cubes(facts))
        misses = bare.said(some(material.misses, _ASKED))
        written: list[tuple[list[MemCube], MemCube]] = []
        kept: list[float] = []
        for start in range(0, count, _BATCH):
            written.append(bench.write(facts[start : start + _BATCH]))
            if count > _BATCH:
                kept.append(bench.recall(lessons(written[0][0]).held_out))
        drift = max(_drift(adapter) for _, adapter in written)
        after = bench.said([*MEASURED, *EVERYDAY])
        changed = share(a != b for a, b in zip(before, after, strict=True))
        seconds = bench.clock.cpu / count, bench.clock.wall / count
        print(
            f"| {count} facts in {len(written)} adapters | {bench.recall(material.trained):.3f} "
            f"| {bench.recall(material.held_out):.3f} | {bench.recall(material.reversals):.3f} "
            f"| {bench.leak(material, misses):.3f} | {drift:+.1%} | {changed:.1%} "
            f"| {seconds[0]:.1f} | {seconds[1]:.1f} |",
            flush=True,
        )
        for _, adapter in written:
            payload = _payload(adapter)
            print(f"  {payload.evaluation.verdict}; {payload.training.steps} steps")
        if count > _BATCH:
            told = ", ".join(f"{one:.3f}" for one in kept)
            print(f"\nrecall of the first batch after each of {len(written)}: {told}", flush=True)
            _forgotten(bench, facts, written[1][0][7])


def _forgotten(bench: Bench, facts: Sequence[Invented], cube: MemCube) -> None:
    """One fact goes: what it and the others answer then, and after the rebuild."""
    gone = lessons([cube])
    others = lessons([one for one in _as_cubes(facts) if one.text != cube.text])
    bench.mem.forget([cube.id])
    at_once = bench.recall(gone.held_out)
    clock = Clock()
    with clock.running():
        bench.mem.retrain()
    print(
        f"forgotten {cube.text!r}: its recall {at_once:.2f} at once and "
        f"{bench.recall(gone.held_out):.2f} after the rebuild ({clock.cpu:.0f} CPU s); "
        f"the other facts {bench.recall(others.held_out):.3f}",
        flush=True,
    )


def edit(name: str, file: Path, count: int) -> None:
    """Write published edits one by one, each into an adapter of its own, then ask for all."""
    rows = [json.loads(line) for line in file.read_text().splitlines()][:count]
    plain = name == "counterfact"
    keys = (
        ("prompt", "target_new", "rephrase_prompt", "locality_prompt")
        if plain
        else ("src", "pred", "rephrase", "loc")
    )
    edits = [tuple(str(row[key]) for key in keys) for row in rows]
    with MemOS.open(None) as mem:
        bench = Bench(mem)
        local = [one[3] for one in edits]
        before = bench.said(local, plain=plain)
        for prompt, target, _, _ in edits:
            cubes = mem.add(f"{prompt} {target}{'.' if plain else ''}")
            with bench.clock.running():
                mem.transform([cube.id for cube in cubes], to=Kind.PARAMETRIC)
        after = bench.said(local, plain=plain)
        told = bench.said([one[0] for one in edits], plain=plain)
        again = bench.said([one[2] for one in edits], plain=plain)
        fit = sum(one.fit for one in mem.lora_cubes())
        print(
            f"| {name}, {len(edits)} edits "
            f"| {share(is_right(a, one[1]) for a, one in zip(told, edits, strict=True)):.3f} "
            f"| {share(is_right(a, one[1]) for a, one in zip(again, edits, strict=True)):.3f} "
            f"| {share(a == b for a, b in zip(before, after, strict=True)):.3f} "
            f"| {fit} fit | {bench.clock.cpu / len(edits):.1f} |",
            flush=True,
        )


def _as_cubes(facts: Sequence[Invented]) -> list[MemCube]:
    with MemOS.open(None, embedder="hash") as mem:
        return [cube for fact in facts for cube in mem.add(fact.text)]


def _payload(adapter: MemCube) -> Parametric:
    if not isinstance(adapter.payload, Parametric):
        raise TypeError(adapter.id)
    return adapter.payload


def _drift(adapter: MemCube) -> float:
    return _payload(adapter).evaluation.drift


if __name__ == "__main__":
    main()
