"""What each part of the cost policy is good for, where else it holds, and what could be had at all.

    python -m benchmarks.cost_policy mooncake_synthetic.jsonl [--blocks 1000 5000 20000]

The first table takes one part out at a time. The second replays other traces: halves of this one,
its sessions mixed anew, and texts that are asked for by Zipf's law, with drift; beside the cost
policy is the best of all others, for hits and for seconds apart. The last lines ask whether the
trace says when a session goes on. If each next request is of a session that is drawn from all that
are not at their end, then time counted in chances to be drawn until a session is drawn again is
distributed exponentially, whatever happened before; who is told which blocks come back could then
not be told by any past when they do.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from benchmarks.eviction_traces import BLOCK_BYTES, Place, cells, read, replayed, seconds_in
from benchmarks.eviction_traces import seconds_of as price
from benchmarks.machine import machine
from benchmarks.optima import chances, told_odds, told_who
from benchmarks.trace_variants import sessions, variants
from memos.scheduler.cost import Cost
from memos.scheduler.policies import MAKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.eviction_traces import Requests, Shares


class Open(Cost):
    """Lets everything come."""

    def admits(self, name: str, size_bytes: int, seconds: float, victim: str) -> bool:  # noqa: ARG002
        """Always."""
        return True


class Forgetful(Cost):
    """Remembers nothing that is not there."""

    def _remember(self, number: int, known: object) -> None:
        super()._remember(number, known)  # type: ignore[arg-type]
        self._trim(0)


class Equal(Cost):
    """Every block is worth the same."""

    def _seconds(self, known: object) -> float:  # noqa: ARG002
        return 1.0


class Single(Cost):
    """A block is worth its own seconds, whether or not others stand on it."""

    def _weigh(self) -> None:
        return


class Ageless(Cost):
    """How long a block has waited says nothing."""

    def _index(self, known: object) -> float:
        return self._returns.index(known.sort, self._returns.now)  # type: ignore[attr-defined]


class Countless(Cost):
    """How often a block was asked for says nothing."""

    def _sort(self, known: object) -> tuple[int, bool]:
        return 1, super()._sort(known)[1]  # type: ignore[arg-type]


class Endless(Cost):
    """The ends of texts are like any other blocks."""

    def _sort(self, known: object) -> tuple[int, bool]:
        return super()._sort(known)[0], False  # type: ignore[arg-type]


PARTS = {
    "the cost policy": Cost,
    "admits everything": Open,
    "remembers nothing that went": Forgetful,
    "no counts": Countless,
    "no ends": Endless,
    "no ages": Ageless,
    "all seconds equal": Equal,
    "never the mean of a text": Single,
}


def shares(requests: Requests, places: Sequence[Place]) -> Shares:
    """Hits and seconds saved of all that there are."""
    total, seconds = sum(map(len, requests)), seconds_in(requests)
    return [(place.hits / total, place.saved / seconds) for place in places]


def parted(requests: Requests, made: type[Cost], sizes: Sequence[int], *, chained: bool) -> Shares:
    """What one kind of policy does."""
    places = []
    for size in sizes:
        place = Place(made(size * BLOCK_BYTES), size, chained=chained)
        for names in requests:
            place.request(names)
        places.append(place)
    return shares(requests, places)


def best_of_others(requests: Requests, sizes: Sequence[int], *, chained: bool) -> Shares:
    """The most hits and the most seconds of any other policy."""
    told = [
        shares(requests, [replayed(requests, name, size, chained=chained) for size in sizes])
        for name in MAKERS
        if name != "cost"
    ]
    return [
        (max(one[0] for one in each), max(one[1] for one in each))
        for each in zip(*told, strict=True)
    ]


def parts(requests: Requests, sizes: Sequence[int], head: str) -> None:
    """Print a row for each part that is taken out."""
    for chained in (False, True):
        print(f"\n| {'chained' if chained else 'not chained'}, without a part | {head}")
        for label, made in PARTS.items():
            told = parted(requests, made, sizes, chained=chained)
            print(f"| {label} |", cells(told), "|", flush=True)


def elsewhere(requests: Requests, sizes: Sequence[int], head: str) -> None:
    """Print two rows for each other trace."""
    for chained in (False, True):
        print(f"\n| {'chained' if chained else 'not chained'}, other traces | {head}")
        for label, trace in variants(requests).items():
            others = best_of_others(trace, sizes, chained=chained)
            print(f"| {label}: best of others |", cells(others), "|")
            told = parted(trace, Cost, sizes, chained=chained)
            print(f"| {label}: cost |", cells(told), "|", flush=True)


def memory(requests: Requests) -> None:
    """Print whether the time to a session's next request depends on anything."""
    clock = chances(requests)
    pauses, before = [], []
    for session in sessions(requests):
        gone = [clock[after] - clock[one + 1] for one, after in pairwise(session)]
        pauses += gone
        before += list(pairwise(gone))
    deciles = np.histogram(-np.expm1(-np.array(pauses)), bins=10, range=(0, 1))[0] / len(pauses)
    related = spearmanr(np.array(before))
    print(
        f"\n{len(pauses):,} pauses within sessions, in chances to be drawn: mean "
        f"{np.mean(pauses):.2f}, deviation {np.std(pauses):.2f} (exponential: 1 and 1); in tenths "
        f"of that distribution {', '.join(f'{one:.0%}' for one in deciles)}; rank correlation of "
        f"a pause with the one before it {related.statistic:.2f} (p = {related.pvalue:.2f})"
    )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("trace", type=Path)
    parser.add_argument("--blocks", type=int, nargs="+", default=[1000, 5000, 20000])
    arguments = parser.parse_args()
    requests, sizes = read(arguments.trace), arguments.blocks
    print(machine())
    columns = " | ".join(f"{size:,} blocks: hits | seconds saved" for size in sizes)
    head = f"{columns} |\n|---|" + "---:|---:|" * len(sizes)
    parts(requests, sizes, head)
    elsewhere(requests, sizes, head)
    total, seconds = sum(map(len, requests)), seconds_in(requests)
    told = {
        "which blocks come back, not when": [told_who(requests, size, price) for size in sizes],
        "the odds, for hits": [told_odds(requests, size, price, lambda _: 1.0) for size in sizes],
        "the odds, for seconds": [told_odds(requests, size, price, price) for size in sizes],
    }
    print("\n| knows more than a policy may |", head)
    for label, found in told.items():
        print(
            f"| {label} |", cells([(hits / total, saved / seconds) for hits, saved in found]), "|"
        )
    memory(requests)


if __name__ == "__main__":
    main()
