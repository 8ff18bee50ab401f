"""Kill a working process at random moments, and count what is lost: nothing, it must be.

    python -m benchmarks.faults [--kills 500] [--chroma 0.1] [--seed 1] [--folder FOLDER]

A process adds, updates, forgets, transforms, moves and searches until it is killed with SIGKILL;
another then opens the store, tells all that is in it and checks it, and all bytes of the folder
are searched for what was forgotten. See memos/testing/faults.py. One store lives through all the
kills with exact vectors, another through a share of them with Chroma. Ends with exit code 1 where
anything was found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.machine import machine
from memos.config import EmbedderSettings, RuntimeSettings, Settings, VectorsSettings
from memos.testing.faults import Kills, Outcome, report
from memos.testing.tiny_model import write_tiny_model


def quick(folder: Path, backend: str) -> Settings:
    """A tiny model and the hashing embedder: the faults are those of the stores."""
    model = folder / "model"
    if not model.exists():
        write_tiny_model(model)
    return Settings(
        cache=str(folder / "cache"),
        embedder=EmbedderSettings(backend="hash"),
        vectors=VectorsSettings(backend=backend),
        runtime=RuntimeSettings(model=str(model), device="cpu"),
    )


def killed(folder: Path, backend: str, kills: int, seed: int) -> Outcome:
    """So many rounds on one store; the first problem ends them."""
    # Forgetting rewrites Chroma's folder, which takes longer than a moment.
    longest = 0.5 if backend == "exact" else 2.0
    started = time.monotonic()
    with Kills(folder / backend, quick(folder, backend), seed=seed) as faults:
        for number in range(1, kills + 1):
            faults.round(longest)
            if faults.outcome.problems:
                break
            if number % 25 == 0 or number == kills:
                seconds = time.monotonic() - started
                print(f"{backend}: {number} kills in {seconds:.0f} s", file=sys.stderr, flush=True)
    return faults.outcome


def together(outcomes: list[Outcome]) -> Outcome:
    """All of them as one."""
    return Outcome(
        kills=sum((one.kills for one in outcomes), Counter()),
        acknowledged=sum((one.acknowledged for one in outcomes), Counter()),
        compared=sum(one.compared for one in outcomes),
        bytes_searched=sum(one.bytes_searched for one in outcomes),
        problems=[problem for one in outcomes for problem in one.problems],
    )


def main() -> None:
    """Kill, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--chroma", type=float, default=0.1, help="the share with Chroma")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="kept, instead of a temporary one")
    asked = parser.parse_args()
    print(machine(), flush=True)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    share = {"chroma": round(asked.kills * asked.chroma)}
    share["exact"] = asked.kills - share["chroma"]
    outcome = together(
        [killed(folder, backend, kills, asked.seed) for backend, kills in share.items() if kills]
    )
    print(f"seed {asked.seed}, {time.monotonic() - started:.0f} s\n\n{report(outcome)}\n")
    print(
        f"{outcome.compared:,} times a cube was compared with the truth, "
        f"{outcome.bytes_searched / 1e9:.1f} GB were searched for what was forgotten; "
        f"problems: {len(outcome.problems)}"
    )
    for problem in outcome.problems:
        print(f"- {problem}")
    if outcome.problems:
        raise SystemExit(f"the store is kept in {folder}")
    if asked.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
