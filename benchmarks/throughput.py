"""Adds per second and search latency, beside the bare embedder and bare Chroma.

    python -m benchmarks.throughput [--memories 10000] [--searches 200]

Every batch goes through all three in turn (embedder alone, Chroma alone with those vectors, MemOS
end to end), so that whatever else the machine does meets all three alike. CPU seconds are the
trustworthy figure on a shared machine; wall time is printed beside them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from benchmarks.machine import machine
from memos import MemOS
from memos.models.embedder_sentence import SentenceEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 256
PEOPLE = "Alice Bruno Chiara Daniel Elena Farid Greta Hugo Ines Jonas".split()
VERBS = "moved to|visited|dreams of|wrote about|came back from|is saving up for|photographed".split(
    "|"
)
PLACES = "Lisbon Porto Graz Turin Oslo Kyoto Quito Tunis Galway Bergen Leiden Accra".split()
REASONS = (
    "because the rent was lower|to see an old friend|for a new job at the harbour|with two dogs|"
    "after a long winter|while the kitchen was being rebuilt|to learn how to bake bread|"
    "in spite of the weather|for a conference on tides|to record street musicians"
).split("|")


@dataclass
class Clocked:
    """CPU and wall seconds, added up over the times it was entered."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._start = (time.process_time(), time.perf_counter())
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu.append(time.process_time() - self._start[0])
        self.wall.append(time.perf_counter() - self._start[1])


def texts(count: int) -> list[str]:
    """Made-up remarks, no two alike; the same for every run."""
    chance = random.Random(7)  # noqa: S311 - nothing secret
    made = []
    for number in range(count):
        one, other = chance.sample(PEOPLE, 2)
        verb, place, why = (chance.choice(each) for each in (VERBS, PLACES, REASONS))
        made.append(f"{one} {verb} {place} {why}, and told {other} so on day {number}.")
    return made


def bare_chroma(folder: Path) -> Any:
    """A collection as one would make it by hand."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
    return client.create_collection(
        "bare", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )


def add_all(
    mem: MemOS, chroma: Any, embedder: SentenceEmbedder, said: list[str]
) -> dict[str, Clocked]:
    """Every batch through all three."""
    clocks = {name: Clocked() for name in ("embedder", "chroma", "memos")}
    for start in range(0, len(said), BATCH):
        batch = said[start : start + BATCH]
        with clocks["embedder"]:
            vectors = embedder.embed(batch)
        with clocks["chroma"]:
            ids = [str(start + number) for number in range(len(batch))]
            chroma.add(ids=ids, embeddings=vectors)
        with clocks["memos"]:
            mem.add([{"content": text} for text in batch], user_id="bench")
        print(f"\r{start + len(batch)} added", end="", flush=True)
    print()
    return clocks


def search_all(
    mem: MemOS, chroma: Any, embedder: SentenceEmbedder, queries: list[str]
) -> dict[str, Clocked]:
    """Every query through all three."""
    acts: dict[str, Callable[[str], object]] = {
        "embedder": embedder.embed_query,
        "chroma": lambda query: chroma.query(query_embeddings=[vectors[query]], n_results=10),
        "memos": lambda query: mem.search(query, user_id="bench", k=10),
    }
    vectors = {query: embedder.embed_query(query) for query in queries}
    for act in acts.values():
        act(queries[0])
        act(queries[1])
        act(queries[2])
    clocks = {name: Clocked() for name in acts}
    for query in queries:
        for name, act in acts.items():
            with clocks[name]:
                act(query)
    return clocks


def report_adds(clocks: dict[str, Clocked], count: int) -> None:
    """The table, and whether the bound holds."""
    print("\n| adding | CPU s | wall s | per second (wall) |\n|---|---|---|---|")
    for name, clock in clocks.items():
        wall = sum(clock.wall)
        print(f"| {name} | {sum(clock.cpu):.1f} | {wall:.1f} | {count / wall:.0f} |")
    for kind in ("cpu", "wall"):
        embedder, chroma, ours = (sum(getattr(clocks[name], kind)) for name in clocks)
        bound = 1.15 * embedder + chroma
        print(f"{kind}: memos / (1.15 x embedder + chroma) = {ours / bound:.3f} (at most 1)")


def report_searches(clocks: dict[str, Clocked]) -> None:
    """The table, and whether the bound holds."""
    print("\n| searching | CPU ms p50 | CPU ms p95 | wall ms p50 | wall ms p95 |")
    print("|---|---|---|---|---|")
    for name, clock in clocks.items():
        cpu, wall = np.array(clock.cpu) * 1000, np.array(clock.wall) * 1000
        shown = [*np.percentile(cpu, [50, 95]), *np.percentile(wall, [50, 95])]
        print(f"| {name} | " + " | ".join(f"{each:.1f}" for each in shown) + " |")
    above = np.array(clocks["memos"].cpu) - np.array(clocks["embedder"].cpu)
    p50, p95 = np.percentile(above * 1000, [50, 95])
    print(f"CPU above the query's embedding: mean {above.mean() * 1000:.1f} ms, ", end="")
    print(f"p50 {p50:.1f} ms, p95 {p95:.1f} ms (at most 10)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--searches", type=int, default=200)
    asked = parser.parse_args()
    print(machine())
    said = texts(asked.memories)
    embedder = SentenceEmbedder()
    embedder.embed(said[:8])
    with tempfile.TemporaryDirectory() as folder:
        chroma = bare_chroma(Path(folder) / "bare")
        with MemOS.open(Path(folder) / "store") as mem:
            mem.add("warm", user_id="warm")
            report_adds(add_all(mem, chroma, embedder, said), len(said))
            chance = random.Random(8)  # noqa: S311 - nothing secret
            queries = [
                f"who {chance.choice(VERBS)} {chance.choice(PLACES)} {chance.choice(REASONS)}?"
                for _ in range(asked.searches)
            ]
            report_searches(search_all(mem, chroma, embedder, queries))


if __name__ == "__main__":
    main()
