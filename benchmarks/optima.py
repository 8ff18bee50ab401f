"""What a place of so many blocks could save at most, by those who know more than a policy may."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.eviction_traces import Requests


def most_saved(requests: Requests, blocks: int, seconds_of: Callable[[int], float]) -> float:
    """Seconds that could be saved at most by one who knows the future, and may refuse a block.

    A block that is asked for at one request and again at another may be kept between them, which
    takes one of so many rooms and saves its seconds then: the greatest sum is a flow of least cost
    through the requests, found as a linear program. Room is counted between requests only, so this
    is a bound from above; for hits (one second each) it is Belady's number to four digits.
    """
    last: dict[str, int] = {}
    kept: Counter[tuple[int, int, int]] = Counter()
    for number, names in enumerate(requests):
        for place, name in enumerate(names):
            if name in last:
                kept[last[name], number, place] += 1
            last[name] = number
    ends, idle = list(kept), range(len(requests) - 1)
    source = np.array([*(one[0] for one in ends), *idle])
    target = np.array([*(one[1] for one in ends), *(at + 1 for at in idle)])
    saved = np.array([*(seconds_of(one[2]) for one in ends), *(0.0 for _ in idle)])
    most = np.array([*kept.values(), *(blocks for _ in idle)])
    flows = np.arange(len(source))
    balance = csr_matrix(
        (
            np.concatenate([np.ones(len(flows)), -np.ones(len(flows))]),
            (np.concatenate([source, target]), np.concatenate([flows, flows])),
        )
    )
    total = np.zeros(len(requests))
    total[0], total[-1] = blocks, -blocks
    bounds = np.column_stack([np.zeros(len(flows)), most])
    solved = linprog(-saved, A_eq=balance, b_eq=total, bounds=bounds, method="highs-ds")
    return float(-solved.fun)


def told_who(
    requests: Requests, blocks: int, seconds_of: Callable[[int], float]
) -> tuple[int, float]:
    """Hits and seconds of one who is told of each block whether it comes back, but not when.

    What does not come back leaves at once; of the others the dearest stay.
    """
    left = Counter(name for names in requests for name in names)
    here: dict[str, float] = {}
    cheapest: list[tuple[float, str]] = []
    hits, saved = 0, 0.0
    for names in requests:
        for place, name in enumerate(names):
            hits += name in here
            saved += seconds_of(place) * (name in here)
            left[name] -= 1
            if not left[name]:
                here.pop(name, None)
            elif name not in here:
                here[name] = seconds_of(place)
                heapq.heappush(cheapest, (here[name], name))
            while len(here) > blocks:
                here.pop(heapq.heappop(cheapest)[1], None)
    return hits, saved
