"""What a search costs now and in a view of the past, by how many memories have changed since.

    python -m benchmarks.past [--memories 10000] [--searches 30]

The embedder is the hash one, so that what is measured is everything but embedding; a view embeds
the old texts of every memory that was revised since, each time it is searched. CPU milliseconds,
the median of the searches; the memories of one user in a folder, vectors in the exact index.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from benchmarks.throughput import texts
from memos import MemOS
from memos.config import EmbedderSettings, Settings, VectorsSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memos import View

BATCH = 1000
REVISED = (0, 10, 100, 1000)
SETTINGS = Settings(
    embedder=EmbedderSettings(backend="hash"), vectors=VectorsSettings(backend="exact")
)


def milliseconds(act: Callable[[str], object], queries: Sequence[str]) -> float:
    """CPU time of one call, the median over the queries."""
    act(queries[0])
    taken = []
    for query in queries:
        start = time.process_time()
        act(query)
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def filled(mem: MemOS, said: Sequence[str]) -> list[str]:
    """Ids of the memories, of which every tenth expires in a year."""
    ids: list[str] = []
    for start in range(0, len(said), BATCH):
        batch = [{"content": text} for text in said[start : start + BATCH]]
        ids += [cube.id for cube in mem.add(batch[::10], user_id="bench", ttl_seconds=3e7)]
        rest = [one for number, one in enumerate(batch) if number % 10]
        ids += [cube.id for cube in mem.add(rest, user_id="bench")]
    return ids


def figures(mem: MemOS, view: View, queries: Sequence[str]) -> Iterator[float]:
    """A search now, a search then, a page of a list then."""
    yield milliseconds(lambda query: mem.search(query, user_id="bench"), queries)
    yield milliseconds(lambda query: view.search(query, user_id="bench"), queries)
    yield milliseconds(lambda _: view.get_all(user_id="bench", limit=100), queries)


def main() -> None:
    """Fill a store, look back at it, revise some of it, and look back again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--searches", type=int, default=30)
    chosen = parser.parse_args()
    print(machine())
    said = texts(chosen.memories + chosen.searches)
    queries = said[chosen.memories :]
    with tempfile.TemporaryDirectory() as folder, MemOS.open(folder, settings=SETTINGS) as mem:
        ids = filled(mem, said[: chosen.memories])
        moment = mem.snapshot("then").at
        print("revised since   search now   search then   list 100 then")
        done = 0
        for revised in REVISED:
            for one in ids[done:revised]:
                mem.update(one, "Nothing of the kind was said.")
            done = revised
            view = mem.at(moment)
            now, then, listed = (f"{each:,.1f} ms" for each in figures(mem, view, queries))
            print(f"{revised:>13}   {now:>10}   {then:>11}   {listed:>13}", flush=True)


if __name__ == "__main__":
    main()
