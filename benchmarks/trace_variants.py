"""Traces of requests that a policy was not made on: parts, sessions mixed anew, popularity."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.eviction_traces import Requests

_MIDDLE, _MOST = 12, 120


def sessions(requests: Requests) -> list[list[int]]:
    """The requests, by number, that begin with the same block."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, names in enumerate(requests):
        found[names[0]].append(number)
    return list(found.values())


def drawn_anew(requests: Requests, seed: int) -> Requests:
    """Each next request is of a session that is drawn from all that are not at their end."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    waiting = [session[::-1] for session in sessions(requests)]
    drawn = []
    while waiting:
        at = chance.randrange(len(waiting))
        drawn.append(requests[waiting[at].pop()])
        if not waiting[at]:
            waiting[at] = waiting[-1]
            waiting.pop()
    return drawn


def moved(requests: Requests, seed: int) -> Requests:
    """Each session begins at another time, and keeps its pauses."""
    chance = random.Random(seed)  # noqa: S311
    when = []
    for session in sessions(requests):
        start = chance.random() * (len(requests) - (session[-1] - session[0]))
        when += [(start + one - session[0], one) for one in session]
    return [requests[one] for _, one in sorted(when)]


def popular(texts: int, questions: int, seed: int, exponent: float = 1.0) -> Requests:
    """Texts asked for by Zipf's law; after every tenth, a tenth of them change places in it.

    Each question puts a block of its own behind its text.
    """
    chance = random.Random(seed)  # noqa: S311
    lengths = [min(_MOST, 1 + int(chance.lognormvariate(0, 0.7) * _MIDDLE)) for _ in range(texts)]
    order = list(range(texts))
    weights = list(accumulate(rank**-exponent for rank in range(1, texts + 1)))
    asked = []
    for number in range(questions):
        if number % (questions // 10) == 0:
            for one in chance.sample(range(texts), texts // 10):
                other = chance.randrange(texts)
                order[one], order[other] = order[other], order[one]
        (text,) = chance.choices(order, cum_weights=weights)
        asked.append([*(f"{text}.{at}" for at in range(lengths[text])), f"{number}?"])
    return asked


def variants(requests: Requests) -> Mapping[str, Requests]:
    """All of them, by name."""
    half = len(requests) // 2
    return {
        "first half": requests[:half],
        "second half": requests[half:],
        "sessions drawn anew, seed 1": drawn_anew(requests, 1),
        "sessions drawn anew, seed 2": drawn_anew(requests, 2),
        "sessions moved, seed 1": moved(requests, 1),
        "Zipf, exponent 1": popular(2000, 8000, 1),
        "Zipf, exponent 0.7": popular(2000, 8000, 1, 0.7),
    }
