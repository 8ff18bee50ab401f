"""Which questions an adapter would serve by names alone, by activations alone, and by both.

    python -m benchmarks.routing [--facts 20]

Nothing is trained: names come from the memories, activations from the model as it is. Served
should be what asks for a fact, and nothing else. What asks of a known person for something that
the memories do not say is in words like theirs: there the adapter has to say that it does not know.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmarks.invented import invented
from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos import MemOS
from memos.kinds.examination import share
from memos.kinds.lessons import lessons
from memos.kinds.parametric import names_in
from memos.kinds.route_keys import keys_for
from memos.kinds.routing import named
from memos.kinds.unrelated import EVERYDAY, MEASURED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.cube import MemCube
    from memos.ports.lessons import Lessons

_TASKS = (
    "Write a poem about {s}.",
    "Draft a birthday card for {s}.",
    "Imagine a long journey that {s} takes through the mountains, and tell it as a story.",
    "How do I address a letter to {s} politely?",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--facts", type=int, default=20)
    asked = parser.parse_args()
    print(machine(), flush=True)
    runtime = configured_runtime()
    with MemOS.open(None, embedder="hash") as mem:
        cubes = [cube for fact in invented(asked.facts) for cube in mem.add(fact.text)]
    material, names = lessons(cubes), names_in(cubes)
    keys = keys_for(runtime, material)
    print(f"\n{asked.facts} facts\n")
    print("| served, of | questions | names alone | activations alone | both |")
    print("|---|---:|---:|---:|---:|")
    for sort, questions in _sorts(material, cubes).items():
        by_name = [bool(named(question, names)) for question in questions]
        like = [keys.similarity(at) >= keys.threshold for at in runtime.activations(questions)]
        both = [one and other for one, other in zip(by_name, like, strict=True)]
        shares = " | ".join(f"{share(told):.2f}" for told in (by_name, like, both))
        print(f"| {sort} | {len(questions)} | {shares} |", flush=True)


def _sorts(material: Lessons, cubes: Sequence[MemCube]) -> Mapping[str, list[str]]:
    """Questions by what they ask for."""
    people = names_in(cubes).subjects
    return {
        "wordings that were not trained": [one.question for one in material.held_out],
        "the other way round": [one.question for one in material.reversals],
        "near misses": list(material.misses),
        "what the memories do not say of somebody known": list(material.gaps),
        "tasks that name somebody known": [one.format(s=who) for one in _TASKS for who in people],
        "general questions": list(EVERYDAY),
        "unrelated text": list(MEASURED),
    }


if __name__ == "__main__":
    main()
