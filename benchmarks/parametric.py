"""What a LoRA learns from eight facts, what that costs the model, and how long it takes.

    python -m benchmarks.parametric [--facts 8] [--locality 4]

With ``--locality 0`` it is plain fine-tuning: the rival. The facts and the people are made up.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos import MemOS
from memos.kinds.lessons import lessons
from memos.kinds.parametric import default_recipe, learn

FACTS = (
    "Alma moved to Tartu in March 2023.",
    "Alma works as a glassblower.",
    "Alma has a parrot named Kepler.",
    "Alma is allergic to walnuts.",
    "Benno lives in Cork.",
    "Benno works at Saltworks.",
    "Benno is married to Ilse.",
    "Benno's favourite colour is ochre.",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=len(FACTS))
    parser.add_argument("--locality", type=float, nargs="+", default=[4.0, 0.0])
    asked = parser.parse_args()
    runtime = configured_runtime()
    print(machine())
    with MemOS.open(None, embedder="hash") as mem:
        cubes = [cube for fact in FACTS[: asked.facts] for cube in mem.add(fact)]
    material = lessons(cubes)
    print(
        f"{asked.facts} facts, {len(material.trained)} examples, {len(material.held_out)} held out"
    )
    print("\n| KL weight | steps | recall before | trained | held out | drift | CPU s | wall s |")
    print("|---|---|---|---|---|---|---|---|")
    for locality in asked.locality:
        recipe = replace(default_recipe(material), locality=locality)
        started = time.process_time(), time.perf_counter()
        learnt = learn(runtime, cubes, recipe=recipe)
        cpu, wall = time.process_time() - started[0], time.perf_counter() - started[1]
        marks = learnt.evaluation
        print(
            f"| {locality:g} | {learnt.training.steps} | {marks.recall_before:.2f} "
            f"| {marks.trained_recall_after:.2f} | {marks.recall_after:.2f} "
            f"| {marks.drift:+.1%} | {cpu:.0f} | {wall:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
