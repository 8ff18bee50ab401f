"""How long ``import memos`` and ``memos --help`` take, beside Python alone and heavier imports.

    python -m benchmarks.start [--runs 15]

Each is a fresh process; CPU time of the child (user and system) and wall time, the median of all
runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from benchmarks.machine import machine

COMMANDS = {
    "python alone": ["-c", "pass"],
    "import memos": ["-c", "import memos"],
    "from memos import MemOS": ["-c", "from memos import MemOS"],
    "memos --version": ["-m", "memos", "--version"],
    "memos --help": ["-m", "memos", "--help"],
    "import typer, rich.console": ["-c", "import typer, rich.console"],
    "import chromadb": ["-c", "import chromadb"],
    "import torch": ["-c", "import torch"],
}


def measured(arguments: list[str]) -> tuple[float, float]:
    """CPU and wall milliseconds of one child process."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system
    return 1000 * (cpu - before.children_user - before.children_system), 1000 * wall


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    print(machine())
    print("\n| what | CPU ms | wall ms |\n|---|---|---|")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for name, arguments in COMMANDS.items():
        measured(arguments)  # compiles what is not compiled yet
        times[name] += [measured(arguments) for _ in range(runs)]
    for name, pairs in times.items():
        cpu, wall = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {cpu:.0f} | {wall:.0f} |")


if __name__ == "__main__":
    main()
