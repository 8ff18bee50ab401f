"""CPU time of one question to each index, by how much of it the scope covers.

    python -m benchmarks.indexes [--entries 10000] [--questions 50]

Random unit vectors of 384 dimensions, k = 50; made-up sentences for the words. The first question
to a scope goes to Chroma itself; from the third on, a scope that fits is searched in RAM.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.machine import machine
from benchmarks.throughput import texts
from memos.cube import Scope
from memos.ports.vectors import VectorEntry
from memos.ports.words import Room, WordEntry
from memos.stores.engine_sqlite import open_engine
from memos.stores.vectors_chroma import ChromaVectors
from memos.stores.vectors_exact import ExactVectors
from memos.stores.words_postings import PostingWords

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.ports.vectors import Vectors

DIMENSION = 384
SCOPES = {
    "everybody": Scope(),
    "half": Scope(user_id="half"),
    "1 %": Scope(user_id="half", session_id="few"),
}


def scope_of(number: int) -> Scope:
    """Every second entry is one user's, every hundredth one session's."""
    if number % 100 == 0:
        return SCOPES["1 %"]
    return SCOPES["half"] if number % 2 == 0 else Scope(user_id="other")


def median_ms(act: Callable[[int], object], questions: int) -> float:
    """The median CPU milliseconds of a question."""
    spent = []
    for number in range(questions):
        started = time.process_time()
        act(number)
        spent.append(time.process_time() - started)
    return float(np.median(spent) * 1000)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=50)
    asked = parser.parse_args()
    print(machine())
    chance = np.random.default_rng(7)
    made = chance.normal(size=(asked.entries + asked.questions, DIMENSION)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    entries = [
        VectorEntry(f"{number:08}", made[number], scope_of(number))
        for number in range(asked.entries)
    ]
    print("\n| CPU ms | " + " | ".join(SCOPES) + " |\n|---|" + "---|" * len(SCOPES))
    with tempfile.TemporaryDirectory() as folder:
        stores: dict[str, Vectors] = {
            "exact": ExactVectors(Path(folder) / "exact", collection="b", dimension=DIMENSION),
            "chroma alone": ChromaVectors(
                Path(folder) / "alone", collection="b", dimension=DIMENSION, window_limit=0
            ),
            "chroma with windows": ChromaVectors(
                Path(folder) / "windows", collection="b", dimension=DIMENSION
            ),
        }
        for name, store in stores.items():
            store.put(entries)
            row = []
            for scope in SCOPES.values():
                for _ in range(3):
                    store.near(made[-1], k=50, scope=scope)

                def ask(number: int, store: Vectors = store, scope: Scope = scope) -> None:
                    store.near(made[asked.entries + number], k=50, scope=scope)

                row.append(median_ms(ask, asked.questions))
            print(f"| {name} | " + " | ".join(f"{each:.1f}" for each in row) + " |", flush=True)
            store.close()
        print(f"| words | {words_row(Path(folder), asked.entries, asked.questions)} |")


def words_row(folder: Path, count: int, questions: int) -> str:
    """The row of the word index."""
    engine = open_engine(folder / "words.db")
    words = PostingWords(engine)
    said = texts(count + questions)
    words.put([WordEntry(f"{n:08}", said[n], scope_of(n)) for n in range(count)])
    row = []
    for scope in SCOPES.values():

        def look(number: int, scope: Scope = scope) -> None:
            words.near(said[count + number], k=50, within=[Room(scope)])

        row.append(median_ms(look, questions))
    engine.dispose()
    return " | ".join(f"{each:.1f}" for each in row)


if __name__ == "__main__":
    main()
