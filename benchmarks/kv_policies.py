"""Which blocks of attention state stay when memory has room for a tenth of them: the policies.

    python -m benchmarks.kv_policies [--questions 1000] [--memories 100] [--seed 1] [--share 0.1]

Every question is asked of one memory, behind a beginning that all share. What is popular follows
Zipf's law (the memory of rank r is asked for in proportion to 1/r), and drifts: after every tenth
of the questions, a tenth of the memories changes places with others. The places are the real ones
(pool, shelf, policy, session) with blocks of few bytes; the model is not run for each question:
what a block takes to compute, or to load, is measured first, with SmolLM2 and blocks of its size.

Hits are blocks that lay in memory when they were asked for. Saved are CPU seconds, of those that
reading everything would take, less what was spent on loading. The optimum knows the future
(Belady, 1966); with everything kept, only what is asked for first is a miss.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import DynamicCache

from benchmarks.eviction_traces import optimum
from benchmarks.machine import machine
from benchmarks.runtime import configured_runtime
from memos.models.kv_codec import empty
from memos.models.kv_shelf import Shelf
from memos.models.kv_tiers import Budgets, Tiers
from memos.ports.block_wire import PAGE
from memos.ports.blocks import Block, Layout, chained
from memos.ports.kv import DISK, RAM
from memos.scheduler.lru import Lru
from memos.scheduler.policies import MAKERS, policy
from memos.stores.blocks_files import BlockFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.models.runtime_torch import TorchRuntime
    from memos.ports.eviction import Eviction

BLOCK = 128
SMALL = Layout(layers=1, heads=1, key_width=16, value_width=16, dtype="float32", block_tokens=BLOCK)
"""What blocks look like here; only how many there are counts."""
ROOT = "0" * 64
HEAD = 60
"""Tokens that all memories stand behind."""
SHORTEST, MIDDLE, LONGEST = 64, 500, 2048
"""Tokens of a memory: lognormal around the middle one."""
ROOM = 64
"""Tokens of a question and its answer."""


@dataclass(frozen=True)
class Prices:
    """CPU seconds of one block of SmolLM2."""

    first: float
    """To compute a full one at the beginning of a text."""
    more: float
    """For each token before it."""
    load: float
    """To load a full one from disk."""

    def compute(self, block: Block) -> float:
        """What it takes to compute a block."""
        return (self.first + self.more * block.start) * block.tokens / BLOCK

    def loading(self, tokens: int) -> float:
        """What it takes to load so many tokens."""
        return self.load * tokens / BLOCK


@dataclass
class Told:
    """What a place did over all questions."""

    asked: int = 0
    tokens: int = 0
    seconds: float = 0.0
    reused: int = 0
    computed: float = 0.0
    ram: int = 0
    disk: int = 0
    loaded: int = 0

    def cells(self, prices: Prices) -> list[str]:
        """The hits, the tokens and the seconds."""
        spent = self.computed + prices.loading(self.loaded)
        hits = [self.ram, self.disk] if self.disk else [self.ram]
        shares = [one / self.asked for one in hits]
        shares += [self.reused / self.tokens, 1 - spent / self.seconds]
        return [f"{one:.1%}" for one in shares]


def measured(runtime: TorchRuntime, folder: Path) -> Prices:
    """Read a text of the real model in blocks, and load some blocks of its size."""
    layout = runtime._lm.layout  # noqa: SLF001 - the model's own
    reader = runtime._lm.reader  # noqa: SLF001
    assert layout is not None
    starts = list(range(0, LONGEST, BLOCK))
    spent = [float("inf")] * len(starts)
    for _ in range(3):  # the least of them; the first is slow in any case
        cache = DynamicCache()
        for number, start in enumerate(starts):
            began = time.process_time()
            reader.step([7 + one % 1000 for one in range(start, start + BLOCK)], cache)
            spent[number] = min(spent[number], time.process_time() - began)
    more, first = (
        torch.linalg.lstsq(
            torch.tensor([[float(start), 1.0] for start in starts]), torch.tensor(spent)[:, None]
        )
        .solution.flatten()
        .tolist()
    )
    shelf = Shelf(lambda: BlockFiles(folder), budget_bytes=None, policy=Lru())
    blocks = chained(range(8 * BLOCK), [8 * BLOCK], root=ROOT, block_tokens=BLOCK)
    outs = [empty(layout, BLOCK) for _ in blocks]
    for block, out in zip(blocks, outs, strict=True):
        out.keys.normal_()
        out.values.normal_()
        shelf.put(block.name, out, layout, seconds=0.0)
    began = time.process_time()
    assert all(whole for _, whole in shelf.load([one.name for one in blocks], layout, outs))
    load = (time.process_time() - began) / len(blocks)
    shelf.close()
    return Prices(first, more, load)


def memories(count: int, chance: random.Random) -> list[list[Block]]:
    """The blocks of each memory; the first is the same for all."""
    texts = []
    for number in range(count):
        tokens = round(chance.lognormvariate(0.0, 0.7) * MIDDLE)
        end = HEAD + min(max(tokens, SHORTEST), LONGEST)
        ids = [*range(HEAD), *(number + 1000 for _ in range(HEAD, end))]
        texts.append(chained(ids, [HEAD, end], root=ROOT, block_tokens=BLOCK))
    return texts


def questions(count: int, texts: Sequence[list[Block]], chance: random.Random) -> list[list[Block]]:
    """The text of each question: drawn by popularity, which drifts."""
    order = list(range(len(texts)))
    chance.shuffle(order)
    weights = list(accumulate(1 / rank for rank in range(1, len(texts) + 1)))
    asked = []
    for number in range(count):
        if number and number % (count // 10) == 0:
            for one in chance.sample(range(len(order)), len(order) // 10):
                other = chance.randrange(len(order))
                order[one], order[other] = order[other], order[one]
        (drawn,) = chance.choices(order, cum_weights=weights)
        asked.append(texts[drawn])
    return asked


def played(
    trace: Sequence[list[Block]], name: str, ram: int, disk: int, *, prices: Prices, folder: Path
) -> Told:
    """All questions through places with budgets of so many bytes; ``disk`` 0 is none."""

    def make(budget: int) -> Eviction:
        return policy(name, budget)

    shelf = None
    if disk:
        shelf = Shelf(lambda: BlockFiles(folder), budget_bytes=disk, policy=make(disk))
    tiers = Tiers(Budgets(ram=ram), policy=make, disk=shelf)
    tiers.attach(SMALL, torch.device("cpu"))
    told = Told()
    for blocks in trace:
        with tiers.open(blocks, room=ROOM) as session:
            for block in blocks:
                told.asked += 1
                told.tokens += block.tokens
                told.seconds += prices.compute(block)
                if not session.ready(block):
                    session.next([block])
                    session.pages.append(block.tokens)
                    session.computed([block], prices.compute(block))
                    told.computed += prices.compute(block)
            told.reused += session.reused
    usage = {place.place: place for place in tiers.usage()}
    told.ram = usage[RAM].hits
    if disk:
        told.disk = usage[DISK].hits
        told.loaded = round(usage[DISK].read_bytes / SMALL.token_bytes)
    tiers.close()
    return told


def table(trace: Sequence[list[Block]], share: float, prices: Prices) -> None:
    """A row for each policy, without a disk and with one of half of all bytes."""
    sizes = {
        block.name: PAGE + block.tokens * SMALL.token_bytes for text in trace for block in text
    }
    pages = round(len(sizes) * share)
    ram, disk = pages * SMALL.block_bytes, sum(sizes.values()) // 2
    print("| policy | hits | tokens reused | saved | with a disk: hits | hits on disk "
          "| tokens reused | saved |\n|---|" + "---:|" * 7)  # fmt: skip
    for name in MAKERS:
        cells = []
        for room in (0, disk):
            with tempfile.TemporaryDirectory() as folder:
                told = played(trace, name, ram, room, prices=prices, folder=Path(folder))
            cells += told.cells(prices)
        print(f"| {name} |", " | ".join(cells), "|", flush=True)
    requests = [[block.name for block in text] for text in trace]
    print(f"| the optimum | {optimum(requests, pages):.1%} |" + " |" * 6)
    everything = len(sizes) * SMALL.block_bytes
    kept = played(trace, "lru", everything, 0, prices=prices, folder=Path())
    print("| everything kept |", " | ".join(kept.cells(prices)), "|" + " |" * 4)


def main() -> None:
    """Measure, play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--memories", type=int, default=100)
    parser.add_argument("--share", type=float, default=0.1, help="of all blocks, in memory")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(machine())
    torch.set_num_threads(1)  # several count their waiting as CPU seconds, where cores are busy
    runtime = configured_runtime()
    with tempfile.TemporaryDirectory() as folder:
        prices = measured(runtime, Path(folder))
    chance = random.Random(asked.seed)  # noqa: S311 - no secret
    texts = memories(asked.memories, chance)
    trace = questions(asked.questions, texts, chance)
    names = {block.name for text in trace for block in text}
    print(
        f"{runtime.fingerprint.name}: a block of {BLOCK} tokens takes {prices.first:.3f} s of CPU "
        f"to compute, {1000 * prices.more:.3f} s more for every 1,000 tokens before it, and "
        f"{prices.load:.4f} s to load\nseed {asked.seed}: {len(trace):,} questions, "
        f"{len(texts)} memories; {len(names)} blocks, asked for {sum(map(len, trace)):,} times; "
        f"memory for {asked.share:.0%}, a disk for half\n"
    )
    table(trace, asked.share, prices)


if __name__ == "__main__":
    main()
