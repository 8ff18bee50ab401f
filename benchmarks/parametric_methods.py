"""What each ingredient of training buys, other methods, and what a step costs.

    python -m benchmarks.parametric_methods [--facts 20] [--only NAME ...] [--shape]

Needs torch and transformers only, so it runs on a GPU machine as it does on two cores. ``--shape``
times training of a model of Llama-3-8B's shape with random weights; its answers mean nothing.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.invented import invented
from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos.cube import Header, Kind, MemCube, Plaintext, Provenance, Scope, Step
from memos.cube.identity import digest_of
from memos.cube.wire import payload_digest
from memos.kinds.examination import Demands, examine, routed_questions
from memos.kinds.lessons import lessons
from memos.kinds.parametric import default_recipe, served, taught
from memos.kinds.route_keys import keys_for, with_keys
from memos.ports.progress import silent
from memos.ports.runtime import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.ports.lessons import Lessons
    from memos.ports.runtime import Example, Recipe, Runtime

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to train, and whether the router stands before it."""

    name: str
    examples: Callable[[Lessons], Sequence[Example]]
    change: Callable[[Recipe], Recipe] = lambda recipe: recipe
    routed: bool = False
    method: str = "lora"


def _direct(material: Lessons) -> list[Example]:
    return [one for one in material.trained if not one.plain and one.answer in material.values]


def _plain_tuning(recipe: Recipe) -> Recipe:
    return replace(recipe, locality=0.0, kept=0)


VARIANTS = (
    Variant("plain LoRA", _direct, _plain_tuning),
    Variant("+ reversed and continued statements", lambda m: m.trained, _plain_tuning),
    Variant("+ near misses and gaps", taught, _plain_tuning),
    Variant("+ KL to the model as it is", taught),
    Variant("+ router", taught, routed=True),
    Variant("prefix, worn", taught, method="prefix"),
    Variant("side memory, worn", taught, method="side"),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--facts", type=int, default=20)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--shape", action="store_true")
    asked = parser.parse_args()
    print(machine(), flush=True)
    if asked.shape:
        _time_shape(asked.facts)
        return
    runtime = configured_runtime()
    runtime.activations(["Is the model loaded?"])
    cubes = [_cube(number, fact.text) for number, fact in enumerate(invented(asked.facts))]
    print(f"\n{asked.facts} facts\n")
    print("| method | reliability | paraphrase | reversed | leak | drift | general answers kept "
          "| steps | CPU s per fact | wall s per fact |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for variant in VARIANTS:
        if not asked.only or variant.name in asked.only:
            _row(runtime, cubes, variant)


def _row(runtime: Runtime, cubes: Sequence[MemCube], variant: Variant) -> None:
    material = lessons(cubes)
    recipe = variant.change(
        default_recipe(material, method=variant.method, batch=runtime.examples_a_step)
    )
    recipe = replace(recipe, texts=tuple(cube.text for cube in cubes))
    started = time.process_time(), time.perf_counter()
    trained = runtime.train(variant.examples(material), recipe, checked=material.checked)
    seconds = time.process_time() - started[0], time.perf_counter() - started[1]
    keys = keys_for(runtime, material)
    content = with_keys(trained.content, keys)
    answered = served(runtime, keys, cubes, routed_questions(material))
    found = examine(
        runtime,
        material,
        Stored(digest_of(content), lambda: content),
        serves=answered.__contains__ if variant.routed else lambda _: True,
        demands=Demands(),
        progress=silent,
    )
    print(
        f"| {variant.name} | {found.reliability:.3f} | {found.generalisation:.3f} "
        f"| {found.reversed_recall:.3f} "
        f"| {found.leak if variant.routed else found.worn_leak:.3f} | {found.drift:+.1%} "
        f"| {found.unchanged:.2f} | {trained.steps} | {seconds[0] / len(cubes):.1f} "
        f"| {seconds[1] / len(cubes):.2f} |",
        flush=True,
    )


def _cube(number: int, text: str) -> MemCube:
    payload = Plaintext(text=text)
    header = Header(
        id=f"fact-{number}",
        kind=Kind.PLAINTEXT,
        title=text,
        created_at=_NOON,
        updated_at=_NOON,
        digest=payload_digest(payload),
        scope=Scope(),
    )
    provenance = Provenance(actor="bench", time=_NOON, step=Step(operation="add", by="bench"))
    return MemCube(header=header, payload=payload, provenance=provenance)


def _time_shape(facts: int) -> None:
    """Train on a model of an 8B shape: seconds per step, and per fact at as many steps."""
    from benchmarks.shapes import write_shape
    from memos.models.runtime_torch import TorchRuntime

    folder = write_shape()
    runtime = TorchRuntime(str(folder), cache_folder=folder.parent, dtype="bfloat16")
    runtime.activations(["Is the model loaded?"])
    cubes = [_cube(number, fact.text) for number, fact in enumerate(invented(facts))]
    material = lessons(cubes)
    recipe = replace(default_recipe(material, batch=runtime.examples_a_step), steps=30)
    started = time.perf_counter()
    trained = runtime.train(taught(material), recipe, checked=material.checked)
    wall = time.perf_counter() - started
    print(
        f"\nLlama-3-8B's shape, random weights: {trained.steps} steps and preparation in "
        f"{wall:.1f} s, {trained.adapter.parameters:,} parameters"
    )


if __name__ == "__main__":
    main()
