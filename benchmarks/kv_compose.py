"""What composing attention states costs in quality, and what mending them costs in work.

    python -m benchmarks.kv_compose [--contexts 4] [--locomo locomo.jsonl] [--shares 0.05 0.15 ...]

Six memories, each read on its own, are put one behind another. The next token's distribution after
each question is compared with the one behind a full prefill of the same tokens.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.kv_contexts import Agreement, Context, agreement, contexts, told_of
from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos.models.kv_compose import Choice, Segment, compose, put_together, refreshed, segment
from memos.models.kv_reading import next_logits, read
from memos.models.kv_rotation import Rope, rope_of
from memos.models.kv_state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Scene:
    """A context's states, made once."""

    model: Any
    rope: Rope
    context: Context
    prefix: State
    behind: list[Segment]
    """Each memory behind the shared prefix."""
    alone: list[Segment]
    """Each memory behind one token."""


def scene(model: Any, rope: Rope, context: Context) -> Scene:
    """Read the parts of a context."""
    prefix, first = read(model, context.prefix).state, read(model, context.alone).state
    behind = [segment(model, prefix, memory) for memory in context.memories]
    alone = [segment(model, first, memory) for memory in context.memories]
    return Scene(model, rope, context, prefix, behind, alone)


Made = tuple[State, float]
"""A state, and the work for it as a share of a full prefill of the memories."""


def _unmoved(segments: list[Segment], at: Scene) -> Made:
    there, placed = at.prefix.tokens, []
    for one in segments:
        placed.append(Segment(one.tokens, one.state, there))  # it is said to stand there already
        there += len(one.tokens)
    return put_together(at.prefix, placed, at.rope), 0.0


def _moved(segments: list[Segment], at: Scene) -> Made:
    return put_together(at.prefix, segments, at.rope), 0.0


def _composed(share: float, choose: Choice, look_at: int, at: Scene) -> Made:
    made = compose(
        at.model,
        at.prefix,
        at.behind,
        recompute=share,
        choose=choose,
        look_at=look_at,
        rope=at.rope,
    )
    return made.state, made.work


def _random(share: float, at: Scene) -> Made:
    length = sum(map(len, at.context.memories))
    places = range(at.prefix.tokens + len(at.context.memories[0]), at.prefix.tokens + length)
    dice = random.Random(1)  # noqa: S311 - the same places at every run
    chosen = sorted(dice.sample(places, round(share * len(places))))
    told = [token for memory in at.context.memories for token in memory]
    state = put_together(at.prefix, at.behind, at.rope)
    first = at.prefix.tokens
    return refreshed(at.model, state, told, chosen, first=first), len(chosen) / length


def ways(shares: list[float], layers: list[int]) -> Iterator[tuple[str, Callable[[Scene], Made]]]:
    """Each way to put states together, by name."""
    yield "behind one token, not moved", lambda at: _unmoved(at.alone, at)
    yield "behind one token, moved", lambda at: _moved(at.alone, at)
    yield "shared prefix, not moved", lambda at: _unmoved(at.behind, at)
    yield "**shared prefix, moved**", lambda at: _moved(at.behind, at)
    for share in shares:
        yield f"+ {share:.0%}, at random", partial(_random, share)
        yield f"+ {share:.0%}, first of each", partial(_composed, share, "first", 1)
        for layer in layers:
            named = f"layer {layer}"
            yield (
                f"+ {share:.0%}, deviation in {named}",
                partial(_composed, share, "deviation", layer),
            )
            yield f"+ {share:.0%}, both, {named}", partial(_composed, share, "both", layer)
    yield "+ 100 %", partial(_composed, 1.0, "first", 1)


@dataclass(frozen=True, slots=True)
class Bench:
    """Scenes, and what the model answers in each behind a full prefill."""

    scenes: list[Scene]
    wholes: list[State]
    full: list[Any]
    """Logits [questions, vocabulary] of each scene."""

    def row(self, name: str, made: list[Made]) -> str:
        """How close the states of a way come, one of each scene."""
        told = [
            agreement(full, _answers(at, state), at.context.questions)
            for at, full, (state, _) in zip(self.scenes, self.full, made, strict=True)
        ]
        work = sum(share for _, share in made) / len(made)
        return "| " + " | ".join((name, *Agreement.mean(told).cells(), f"{work:.0%}")) + " |"


def bench(model: Any, found: list[Context]) -> Bench:
    """Read everything that the ways have in common."""
    rope = rope_of(model)
    scenes = [scene(model, rope, context) for context in found]
    wholes = [read(model, context.tokens).state for context in found]
    pairs = zip(scenes, wholes, strict=True)
    return Bench(scenes, wholes, [_answers(at, state) for at, state in pairs])


def _answers(at: Scene, state: State) -> Any:
    asked = [one.tokens for one in at.context.questions]
    return next_logits(at.model, state, asked, state.tokens)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, default=4)
    parser.add_argument("--locomo", type=Path)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.15, 0.3, 0.5])
    parser.add_argument("--layers", type=int, nargs="+", default=[1])
    asked = parser.parse_args()
    runtime, started = configured_runtime(), time.process_time()
    found = contexts(runtime, asked.contexts, asked.locomo)
    print(machine())
    print(told_of(runtime, found))
    print("| way | KL to full prefill | same token | same choice | right | prefill work |")
    print("|---|---:|---:|---:|---:|---:|")
    made = bench(runtime._lm.model, found)  # noqa: SLF001 - it lies below the runtime
    print(made.row("full prefill", [(state, 1.0) for state in made.wholes]))
    print(made.row("no memory", [(one.prefix, 0.0) for one in made.scenes]))
    for name, make in ways(asked.shares, asked.layers):
        print(made.row(name, [make(one) for one in made.scenes]), flush=True)
    print(f"\n{time.process_time() - started:.0f} CPU seconds in all")


if __name__ == "__main__":
    main()
