"""What a place of so many blocks could save at most, by those who know more than a policy may."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
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


def chances(requests: Requests) -> list[float]:
    """A clock of chances to be drawn: before each request, and at the end.

    Each request moves it by one over the number of sessions, told by their first block, that are
    not at their end then.
    """
    ends = {names[0]: number for number, names in enumerate(requests)}
    ending = Counter(ends.values())
    alive, clock = len(ends), [0.0]
    for number in range(len(requests)):
        clock.append(clock[-1] + 1 / alive)
        alive -= ending[number]
    return clock


Odds = dict[tuple[int, bool], float]


def odds(requests: Requests) -> tuple[list[list[tuple[int, bool]]], Odds]:
    """The kind of each block of each request, and how many of a kind are asked for again at all.

    A kind is how often it was asked for, up to twelve, and whether it came behind known blocks.
    """
    asked = Counter(name for names in requests for name in names)
    count: Counter[str] = Counter()
    behind: dict[str, bool] = {}
    kinds, came = [], defaultdict(list)
    for names in requests:
        known = bool(count[names[0]])
        row = []
        for name in names:
            behind.setdefault(name, known)
            count[name] += 1
            row.append((min(count[name], 12), behind[name]))
            came[row[-1]].append(count[name] < asked[name])
        kinds.append(row)
    return kinds, {kind: sum(all_) / len(all_) for kind, all_ in came.items()}


def told_odds(
    requests: Requests,
    blocks: int,
    seconds_of: Callable[[int], float],
    worth: Callable[[int], float],
) -> tuple[int, float]:
    """Hits and seconds of one who knows the odds of each kind from the whole trace.

    And the law by which this trace seems made: a session that is not at its end is drawn like any
    other. So the chance that a block is waited for in vain grows with the chances that its session
    missed, and is all that tells blocks of one worth apart; the least odds times worth goes.
    """
    kinds, share = odds(requests)
    clock = np.array(chances(requests))
    names_at, room_of = [""] * blocks, dict[str, int]()
    prior, since, value = np.zeros(blocks), np.zeros(blocks), np.zeros(blocks)
    hits, saved = 0, 0.0
    for number, (names, row) in enumerate(zip(requests, kinds, strict=True)):
        coming = []
        for place, (name, kind) in enumerate(zip(names, row, strict=True)):
            room = room_of.get(name)
            if room is None:
                coming.append((share[kind] * worth(place), share[kind], place, name))
                continue
            hits, saved = hits + 1, saved + seconds_of(place)
            prior[room], since[room] = share[kind], clock[number + 1]
        missed = np.exp(np.minimum(clock[number + 1] - since, 50.0))
        density = prior / np.maximum(prior + (1 - prior) * missed, 1e-12) * value
        order = np.argsort(density, kind="stable")
        for room, (dense, likely, place, name) in zip(
            order, sorted(coming, reverse=True), strict=False
        ):
            if dense <= density[room]:
                break
            room_of.pop(names_at[room], None)
            names_at[room], room_of[name] = name, room
            prior[room], since[room], value[room] = likely, clock[number + 1], worth(place)
    return hits, saved
