"""A whole kernel played against a dict, for as long as one likes: the long mode of a test.

    python -m benchmarks.steps [--steps 10000] [--length 50] [--seed 1]

The rules are those of tests/kernel/test_machine.py: add, update, delete, forget, archive, freeze,
expire, restore, fork, merge, grant, revoke, snapshots, time that goes on, reopening, and crashes
between any two steps; after each step everything that must hold is looked at again. It ends at the
first step that does not hold, with the steps that lead to it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from benchmarks.machine import machine as computer
from memos.models.runtime_torch import TorchRuntime
from memos.testing.tiny_model import write_tiny_model
from tests.kernel.test_machine import machine

if TYPE_CHECKING:
    from memos.testing.machine_trust import TrustMachine


def counting(played: type[TrustMachine], steps: Counter[str]) -> type[TrustMachine]:
    """The same machine, which counts its steps."""

    class Counted(played):  # type: ignore[misc, valid-type]
        @invariant()
        def count(self) -> None:
            steps["steps"] += 1
            if steps["steps"] % 100 == 0:
                print(f"\r{steps['steps']:,} steps", end="", flush=True)

        def teardown(self) -> None:
            steps["runs"] += 1
            steps["commits"] += self.known.commits
            super().teardown()

    return Counted


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--length", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(computer())
    steps: Counter[str] = Counter()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "model"
        model.mkdir()
        write_tiny_model(model)
        runtime = TorchRuntime(str(model), cache_folder=Path(place), device="cpu")
        number = asked.seed
        while steps["steps"] < asked.steps:
            played = seed(number)(counting(machine(runtime), steps))
            run_state_machine_as_test(
                played,
                settings=settings(
                    max_examples=20,
                    stateful_step_count=asked.length,
                    deadline=None,
                    database=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
            )
            number += 1
    minutes = (time.perf_counter() - start) / 60
    print(
        f"\r{steps['steps']:,} steps of {steps['runs']:,} runs, {steps['commits']:,} changes"
        f" acknowledged, in {minutes:.0f} minutes: everything held"
    )


if __name__ == "__main__":
    main()
