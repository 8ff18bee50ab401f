"""When blocks of a sort come back: learned from all that come back, and all that do not."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

_AGES = 24
"""Ages that are told apart: half an octave each, the first of one step."""
_STEPS_A_PLACE = 16
_LEAST_STEP = 8
_FADES = 8.0
"""After so many times what the place holds was asked for, an event counts half."""
_TEXTS = 10.0
"""The evidence of so many texts outweighs what was believed before."""
_EARLY = 4
"""Steps between two estimates."""
_ALL_BUT = 0.01

Sort = tuple[int, bool]
"""How often a block was asked for, and whether it came as the new end of a text."""


def _edges() -> list[int]:
    """The ages, in steps, at which the next begins."""
    return sorted({0, *(round(2 ** (half / 2)) for half in range(2 * _AGES))})[:_AGES]


EDGES = _edges()


@dataclass(slots=True)
class _Tally:
    """What is known of one sort; the lists have a number for each age."""

    began: dict[int, int] = field(default_factory=dict)
    """How many are waiting, by the step at which they were asked for."""
    waiting: list[int] = field(default_factory=lambda: [0] * _AGES)
    returns: list[float] = field(default_factory=lambda: [0.0] * _AGES)
    """How many came back at that age."""
    waited: list[float] = field(default_factory=lambda: [0.0] * _AGES)
    """How long all together waited at that age, in uses."""
    rate: float = 0.0
    """By how much oftener than all sorts this one comes back."""
    index: list[float] = field(default_factory=lambda: [0.0] * _AGES)
    blocks: int = 0
    texts: int = 0
    text: int = -1
    """The last that had a block of this sort."""

    def seen(self, text: int) -> None:
        """A block of this sort was asked for in that text."""
        self.blocks += 1
        self.texts += text != self.text
        self.text = text

    @property
    def believed(self) -> float:
        """How many events outweigh what was believed before: blocks of so many texts."""
        return _TEXTS * max(self.blocks, 1) / max(self.texts, 1)


class Returns:
    """The chance of a return for each unit of time, by sort and age: an index in returns a use.

    Time is counted in uses, and ages in *steps* of some of them. A block that is asked for begins
    to wait; it comes back, or waits on, or is forgotten. Returns by time waited are the hazard of a
    sort at an age (the occurrence and exposure rate of actuaries), drawn towards what is believed
    without them: the common shape over the ages, times the rate of this sort, which itself is drawn
    to that of the sort that was asked for once less. Evidence is counted in texts, for blocks of a
    sort that are asked for together come back together.

    The index looks ahead: it is the greatest, over all times to stop waiting, of

        P(comes back before then) / E(time until it comes back, or then)

    after Gittins, "Bandit processes and dynamic allocation indices" (J. R. Stat. Soc. B, 1979). It
    is the density of Beckmann, Chen and Cidon, "LHD: improving cache hit rate by maximizing hit
    density" (NSDI 2018), without that paper's supposition that a block is kept as long as others
    of its class were.
    """

    def __init__(self) -> None:
        self._tallies: dict[Sort, _Tally] = {}
        self._uses = 0
        self.now = 0
        """The step."""
        self._text = 0
        self._age_of = [bisect_right(EDGES, steps) - 1 for steps in range(EDGES[-1] + 1)]
        self._all = _Tally()
        self.sized(0)

    def sized(self, holds: int) -> None:
        """The place holds about so many blocks: a step is a sixteenth of that."""
        self._step_uses = max(_LEAST_STEP, holds // _STEPS_A_PLACE)
        self._fade = 0.5 ** (self._step_uses / (_FADES * max(holds, 1)))
        widths = [after - before for before, after in pairwise([*EDGES, 2 * EDGES[-1]])]
        self._widths = [width * self._step_uses for width in widths]

    def read(self) -> None:
        """A text is asked for."""
        self._text += 1

    def tick(self) -> None:
        """One more use."""
        self._uses += 1
        if self._uses >= self._step_uses:
            self._uses = 0
            self._step()

    def begin(self, sort: Sort) -> int:
        """A block of this sort begins to wait; the step at which it does."""
        tally = self._tally(sort)
        tally.began[self.now] = tally.began.get(self.now, 0) + 1
        tally.waiting[0] += 1
        tally.seen(self._text)
        self._all.seen(self._text)
        return self.now

    def end(self, sort: Sort, began: int, *, came: bool) -> None:
        """One waits no more: it came back, or is forgotten."""
        tally, age = self._tally(sort), self._age(began)
        tally.began[began] -= 1
        if not tally.began[began]:
            del tally.began[began]
        tally.waiting[age] -= 1
        tally.returns[age] += came

    def index(self, sort: Sort, began: int) -> float:
        """Returns for each use of time, of one that has waited since then."""
        return self._tally(sort).index[self._age(began)]

    def _age(self, began: int) -> int:
        return self._age_of[min(self.now - began, EDGES[-1])]

    def _tally(self, sort: Sort) -> _Tally:
        tally = self._tallies.get(sort)
        if tally is None:
            tally = self._tallies[sort] = _Tally()
            self._estimate(sort, tally)
        return tally

    def _step(self) -> None:
        for tally in self._tallies.values():
            for age, waiting in enumerate(tally.waiting):
                tally.waited[age] = tally.waited[age] * self._fade + waiting * self._step_uses
                tally.returns[age] *= self._fade
        self.now += 1
        for tally in self._tallies.values():
            for age in range(1, _AGES):
                older = tally.began.get(self.now - EDGES[age], 0)
                tally.waiting[age - 1] -= older
                tally.waiting[age] += older
        if self.now % _EARLY == 0:
            self._learn()

    def _learn(self) -> None:
        known = self._tallies.values()
        for age in range(_AGES):
            self._all.returns[age] = sum(tally.returns[age] for tally in known)
            self._all.waited[age] = sum(tally.waited[age] for tally in known)
        for sort in sorted(self._tallies):
            self._estimate(sort, self._tallies[sort])

    def _estimate(self, sort: Sort, tally: _Tally) -> None:
        """Hazards at all ages, and from them the index."""
        # before anything was seen, one return while a place is asked for once
        first = _STEPS_A_PLACE * self._step_uses
        common = (sum(self._all.returns) + 1) / (sum(self._all.waited) + first)
        shape = [
            (came + self._all.believed) / (waited + self._all.believed / common)
            for came, waited in zip(self._all.returns, self._all.waited, strict=True)
        ]
        expected = sum(a * b for a, b in zip(shape, tally.waited, strict=True))
        believed = tally.believed
        came = sum(tally.returns) + believed
        tally.rate = came / (expected + believed / self._rate_before(sort))
        hazards = [
            (came + believed) / (waited + believed / (tally.rate * one))
            for came, waited, one in zip(tally.returns, tally.waited, shape, strict=True)
        ]
        tally.index = [self._ahead(hazards, age) for age in range(_AGES)]

    def _rate_before(self, sort: Sort) -> float:
        count, end = sort
        before = self._tallies.get((count - 1, end)) or self._tallies.get((count - 1, False))
        return before.rate if before else 1.0

    def _ahead(self, hazards: list[float], age: int) -> float:
        """The best of all times to stop, from this age on; the chance falls exponentially."""
        best = came = time = 0.0
        still = 1.0
        for hazard, width in zip(hazards[age:], self._widths[age:], strict=True):
            comes = still * -math.expm1(-hazard * width)
            came += comes
            time += comes / hazard
            still -= comes
            best = max(best, came / time)
            if still < _ALL_BUT:
                break
        return best
