"""What the model still knows when a part of its attention state is left out, policy by policy.

    python -m benchmarks.kv_pruning [--contexts 2] [--shares 0.5 0.25] [--between stock]
        [--locomo locomo.jsonl]

Six memories with talk between them are read, which is either the same again and again or of
something else each time. Each policy then chooses what is kept, without
knowing the questions, apart from the rows marked Q. Kept tokens keep their positions, and a
question is read at the position that it would have had.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.kv_contexts import (
    STOCK,
    VARIED,
    Agreement,
    Context,
    agreement,
    contexts,
    told_of,
)
from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos.models.event_retrieval import EventRetrieval
from memos.models.events import Events, key_similarity, refined
from memos.models.kv_pruned import narrowed, pruned
from memos.models.kv_reading import next_logits, read
from memos.models.kv_rotation import Rope, rope_of, rotated
from memos.models.kv_watching import known_of, queries_of
from memos.models.prune_channels import KeyChannels
from memos.models.prune_sparse import SparseWindow
from memos.models.prune_surprise import Surprise
from memos.models.prune_window import SinkWindow
from memos.ports.pruning import Kept, Known, Pruner, budget_of, everywhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from memos.models.kv_state import State

_LEAST = 4
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Scene:
    """A context that was read, and the answers from all of it."""

    model: Any
    context: Context
    state: State
    known: Known
    near: Any
    """Keys [layers, T, heads, width], all brought to where the questions begin."""
    full: Any
    asked: tuple[Any, ...]
    """The queries of each question, read behind the prefix alone."""
    events: tuple[int, ...]
    blocks: tuple[int, ...]


Answers = Any
"""Logits [questions, vocabulary]."""


def scene(model: Any, rope: Rope, context: Context) -> Scene:
    """Read a context, and what policies can want to know of it."""
    import torch

    told, known = known_of(model, context.tokens, turns=context.turns)
    questions = [one.tokens for one in context.questions]
    full = next_logits(model, told.state, questions, known.tokens)
    prefix = read(model, context.prefix).state
    asked = tuple(queries_of(model, prefix, one, known.tokens) for one in questions)
    back = -torch.arange(known.tokens)
    still = rotated(told.state.keys, back, rope).numpy()
    near = rotated(told.state.keys, back + known.tokens, rope).numpy()
    assert known.surprise is not None
    starts = Events().starts(known.surprise)
    events = refined(starts, key_similarity(still), least=_LEAST)
    blocks = tuple(range(0, known.tokens, 16))
    return Scene(model, context, told.state, known, near, full, asked, tuple(events), blocks)


@dataclass(frozen=True, slots=True)
class _Random:
    """Any tokens, or any channels."""

    channels: bool = False

    @property
    def needs(self) -> AbstractSet[str]:
        return frozenset({"keys"})

    def keep(self, known: Known, share: float) -> Kept:
        dice = np.random.default_rng(3)
        if not self.channels:
            return everywhere(dice.permutation(known.tokens)[: budget_of(share, known.tokens)])
        assert known.keys is not None
        layers, _, heads, width = known.keys.shape
        order = dice.random((layers, heads, width)).argsort(-1)[..., : budget_of(share, width)]
        return Kept(np.arange(known.tokens)[None, None], np.sort(order, axis=-1))


def thinned(policy: Pruner, share: float, at: Scene) -> Answers:
    """Behind the tokens that a policy keeps."""
    asked = [one.tokens for one in at.context.questions]
    return pruned(at.state, policy.keep(at.known, share)).next_logits(at.model, asked)


def narrow(policy: Pruner, share: float, at: Scene) -> Answers:
    """Behind keys of which a policy keeps some channels."""
    asked = [one.tokens for one in at.context.questions]
    wide = narrowed(at.state, policy.keep(at.known, share)).wide()
    return next_logits(at.model, wide, asked, at.known.tokens)


def retrieved(cut: str, contiguity: float, share: float, at: Scene) -> Answers:
    """Behind the events, or the blocks, that each question brings back."""
    starts = at.events if cut == "events" else at.blocks
    policy = EventRetrieval(starts, first=len(at.context.prefix), contiguity=contiguity)
    answers = []
    for question, queries in zip(at.context.questions, at.asked, strict=True):
        kept = policy.keep(replace(at.known, keys=at.near, queries=queries), share)
        answers.append(pruned(at.state, kept).next_logits(at.model, [question.tokens]))
    return answers[0].new_tensor(np.concatenate(answers))


def ways(shares: list[float]) -> Iterator[tuple[str, Callable[[Scene], Answers]]]:
    """Each way to leave something out, by name."""
    policies: dict[str, Pruner] = {
        "random tokens": _Random(),
        "sink + window (StreamingLLM)": SinkWindow(),
        "surprise (SirLLM)": Surprise(),
        "surprise, decay 0.9 a turn": Surprise(decay=0.9),
        "sparse window (ALISA)": SparseWindow(),
    }
    yield "all of it", attrgetter("full")
    for share in shares:
        kept = f"{share:.0%} of tokens"
        for name, policy in policies.items():
            yield f"{kept}: {name}", partial(thinned, policy, share)
        yield f"{kept}: events (EM-LLM), Q", partial(retrieved, "events", 0.3, share)
        yield f"{kept}: events, no contiguity, Q", partial(retrieved, "events", 0.0, share)
        yield f"{kept}: blocks of 16, no contiguity, Q", partial(retrieved, "blocks", 0.0, share)
    chosen: dict[str, Pruner] = {
        "(ThinK)": KeyChannels(),
        "in whole pairs": KeyChannels(pairs="half"),
        "at random": _Random(channels=True),
    }
    for share in (0.7, 0.5):
        for name, policy in chosen.items():
            yield f"{share:.0%} of key channels {name}", partial(narrow, policy, share)


def talk(kind: str) -> tuple[tuple[str, ...], int]:
    """What is said between memories, and how many pieces of it come after each."""
    if kind != "readme":
        return {"stock": STOCK, "varied": VARIED}[kind], 4
    text = " ".join((_ROOT / "README.md").read_text().split())
    return tuple(text[start : start + 260] for start in range(0, len(text), 260)), 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, default=2)
    parser.add_argument("--between", choices=["stock", "varied", "readme"], default="stock")
    parser.add_argument("--vivid", action="store_true", help="memories tell how they came up")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of rows")
    parser.add_argument("--locomo", type=Path)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.5, 0.25])
    asked = parser.parse_args()
    runtime, started = configured_runtime(), time.process_time()
    between, each = talk(asked.between)
    found = contexts(
        runtime, asked.contexts, asked.locomo, between=between, each=each, vivid=asked.vivid
    )
    print(machine())
    print(told_of(runtime, found))
    model = runtime._lm.model  # noqa: SLF001 - what is measured lies below the runtime
    scenes = [scene(model, rope_of(model), context) for context in found]
    print("| kept | KL to all of it | same token | same choice | right |")
    print("|---|---:|---:|---:|---:|")
    wanted = (row for row in ways(asked.shares) if any(part in row[0] for part in asked.only))
    for name, way in wanted:
        told = [agreement(at.full, way(at), at.context.questions) for at in scenes]
        print("| " + " | ".join((name, *Agreement.mean(told).cells())) + " |", flush=True)
    print(f"\n{borders(scenes)}\n{time.process_time() - started:.0f} CPU seconds in all")


def borders(scenes: list[Scene]) -> str:
    """How many of the memories' beginnings the events have, and as many borders anywhere."""
    dice = np.random.default_rng(2)
    found, chance = [], []
    for at in scenes:
        found.append(_near(at.context, list(at.events[1:])))
        some = (dice.permutation(at.known.tokens)[: len(at.events) - 1] for _ in range(200))
        chance.append(np.mean([_near(at.context, places.tolist()) for places in some]))
    events = np.mean([len(at.events) for at in scenes])
    return (
        f"events: {events:.1f} a context; {np.mean(found):.0%} of memories begin within 3 tokens"
        f" of one, where {np.mean(chance):.0%} would by chance"
    )


def _near(context: Context, borders: list[int]) -> float:
    near = [min(abs(start - one) for one in borders) <= 3 for start in _begins(context)]
    return sum(near) / len(near)


def _begins(context: Context) -> list[int]:
    turns = context.turns
    return [place for place in range(1, len(turns)) if turns[place] != turns[place - 1]]


if __name__ == "__main__":
    main()
