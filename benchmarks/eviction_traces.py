"""Hit rates of the eviction policies on a trace of requests to a serving cluster.

    python -m benchmarks.eviction_traces mooncake_synthetic.jsonl [--blocks 1000 5000 20000]

The trace (Qin et al., "Mooncake", FAST 2025; Apache-2.0) says of each request which blocks of 512
tokens its prompt has, each named by a hash over itself and all before it. Every block of a request
is asked for, first to last, and comes if it is not there; nothing is held, so any may go. The
optimum knows the future: for hits, the block goes that is asked for last (Belady, 1966); for
seconds it is a bound from above (``benchmarks/optima.py``). It may also refuse a block that would
come, as the cost policy may. Below it is which part of the way to it, from the best of the other
policies, the cost policy has gone.

The second table keeps to what a chain of blocks asks for: only the unbroken beginning of a prompt
is a hit, and a block goes only after all that came behind it.
"""

from __future__ import annotations

import argparse
import heapq
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from benchmarks.optima import most_saved
from memos.scheduler.policies import MAKERS, policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.ports.eviction import Eviction

BLOCK_BYTES = 64 * 2**20
"""512 tokens of Llama-3-8B in bfloat16; all blocks of the trace are equal."""
LINEAR, QUADRATIC = 29e-6, 1.7e-9
"""Seconds to compute a token, and for each before it: so Llama-3-8B takes 0.59 s on an H200 for 16k
tokens, and 3.7 s for 64k."""

Requests = list[list[str]]


def read(path: Path) -> Requests:
    """The names of each request's blocks."""
    with path.open() as lines:
        return [[f"{one:x}" for one in json.loads(line)["hash_ids"]] for line in lines]


def seconds_of(place: int) -> float:
    """What it takes to compute the block at a place of a prompt anew."""
    return 512 * (LINEAR + QUADRATIC * 512 * place)


class Place:
    """A place for so many blocks, which are chained or not."""

    def __init__(self, policy: Eviction, blocks: int, *, chained: bool) -> None:
        self.policy, self.blocks, self.chained = policy, blocks, chained
        self.parents: dict[str, str] = {}
        self.children: Counter[str] = Counter()
        self.held: set[str] = set()
        self.hits = self.victims = self.asked = 0
        self.saved = 0.0

    def request(self, names: Sequence[str]) -> None:
        """Ask for a request's blocks; those that are not there come."""
        self.held, before = set(names), self.held
        for name in sorted(before - self.held):
            self.policy.freed(name)
        self.policy.asked(names)
        beginning = True
        for place, name in enumerate(names):
            there = name in self.parents
            beginning = beginning and there
            if there:
                self.policy.used(name)
                self._hit(place, counts=beginning or not self.chained)
            else:
                self.policy.missed(name)
                self._come(name, names[place - 1] if place else "", seconds_of(place))

    def _hit(self, place: int, *, counts: bool) -> None:
        self.hits += counts
        self.saved += seconds_of(place) * counts

    def _come(self, name: str, parent: str, seconds: float) -> None:
        if self.chained and parent and parent not in self.parents:
            return
        if len(self.parents) >= self.blocks:
            victim = self.policy.victim(self._may_go)
            if victim is None or not self.policy.admits(name, BLOCK_BYTES, seconds, victim):
                return
            self.victims += 1
            self.policy.removed(victim)
            self._free(self.parents.pop(victim))
        self.parents[name] = parent
        self.children[parent] += 1
        self.policy.added(name, BLOCK_BYTES, seconds)

    def _free(self, parent: str) -> None:
        self.children[parent] -= 1
        if not self.children[parent]:
            del self.children[parent]
            self.policy.freed(parent)

    def _may_go(self, name: str) -> bool:
        """Whether no block stands on this one, and nobody is reading it."""
        self.asked += 1
        return not self.chained or (name not in self.children and name not in self.held)


def optimum(requests: Requests, blocks: int) -> float:
    """Belady's hit rate: of what is there and what comes, the block goes that is asked for last."""
    asked = [name for request in requests for name in request]
    following = [len(asked)] * len(asked)
    seen: dict[str, int] = {}
    for at in range(len(asked) - 1, -1, -1):
        following[at] = seen.get(asked[at], len(asked) + at)
        seen[asked[at]] = at
    there: dict[str, int] = {}
    latest: list[tuple[int, str]] = []
    hits = 0
    for name, again in zip(asked, following, strict=True):
        hits += name in there
        there[name] = again
        heapq.heappush(latest, (-again, name))
        while len(there) > blocks:
            when, goes = heapq.heappop(latest)
            if there.get(goes) == -when:
                del there[goes]
    return hits / len(asked)


def replayed(requests: Requests, name: str, blocks: int, *, chained: bool) -> Place:
    """A place after the whole trace."""
    place = Place(policy(name, blocks * BLOCK_BYTES), blocks, chained=chained)
    for request in requests:
        place.request(request)
    return place


Shares = list[tuple[float, float]]
"""For each size, which part of all blocks was there, and which part of all seconds was saved."""


def seconds_in(requests: Requests) -> float:
    """What it takes to compute every block that is asked for."""
    return sum(seconds_of(place) for request in requests for place in range(len(request)))


def table(requests: Requests, sizes: Sequence[int], best: Shares, *, chained: bool) -> None:
    """Print a row for each policy: hits of all blocks asked for, seconds saved, work."""
    total, seconds = sum(map(len, requests)), seconds_in(requests)
    heads = [f"{size:,} blocks: hits | seconds saved" for size in sizes]
    print("\n| policy |", " | ".join(heads), "| asked whether it may go, for each victim | CPU s |")
    print("|---|" + "---:|---:|" * len(sizes) + "---:|---:|")
    told: dict[str, Shares] = {}
    for name in MAKERS:
        started = time.process_time()
        places = [replayed(requests, name, size, chained=chained) for size in sizes]
        spent = time.process_time() - started
        told[name] = [(place.hits / total, place.saved / seconds) for place in places]
        asked = sum(place.asked for place in places) / sum(place.victims for place in places)
        print(f"| {name} |", cells(told[name]), f"| {asked:.1f} | {spent:.1f} |", flush=True)
    print("| optimum |", cells(best), "| | |")
    print("| cost: of the way |", cells(way(told, best)), "| | |")


def cells(shares: Shares) -> str:
    """As a table has them."""
    return " | ".join(f"{hits:.1%} | {saved:.1%}" for hits, saved in shares)


def way(told: Mapping[str, Shares], best: Shares) -> Shares:
    """Which part of the way from the best of the others to the optimum the cost policy has gone."""
    parts = []
    for at, most in enumerate(best):
        others = [told[name][at] for name in told if name != "cost"]
        first = [max(one[kind] for one in others) for kind in (0, 1)]
        gone = [
            (told["cost"][at][kind] - first[kind]) / (most[kind] - first[kind]) for kind in (0, 1)
        ]
        parts.append((gone[0], gone[1]))
    return parts


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("trace", type=Path)
    parser.add_argument("--blocks", type=int, nargs="+", default=[1000, 5000, 20000])
    arguments = parser.parse_args()
    requests = read(arguments.trace)
    print(machine())
    distinct = len({name for request in requests for name in request})
    print(f"{len(requests):,} requests, {sum(map(len, requests)):,} blocks, {distinct:,} distinct")
    best = [
        (optimum(requests, size), most_saved(requests, size, seconds_of) / seconds_in(requests))
        for size in arguments.blocks
    ]
    table(requests, arguments.blocks, best, chained=False)
    print("\nchained: only an unbroken beginning is a hit, and children go before their parents")
    table(requests, arguments.blocks, best, chained=True)


if __name__ == "__main__":
    main()
