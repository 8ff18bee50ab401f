"""Pruning to the newest tokens and those that are attended to; and what becomes of the others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from memos.ports.pruning import Kept, Known, best, budget_of, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet


_NOTHING = 1e-12
"""Seconds that are not worth a step: what rounding alone would save."""


_ROUNDS, _HALVINGS = 8, 40
"""How exactly the prices of room are found."""


@dataclass(frozen=True, slots=True)
class SparseWindow:
    """Half the newest, half the most attended: Zhao et al., "ALISA" (arXiv 2403.17312).

    Of older tokens those are kept that the last steps have attended to most, in sum over the heads
    of a layer: its sparse window attention. Which they are changes from step to step, hence the
    local sum and not one over the whole text.
    """

    recent: float = 0.5
    """Which part of what is kept are the newest tokens."""

    @property
    def needs(self) -> AbstractSet[str]:
        """The attention of the last steps."""
        return frozenset({"attention"})

    def keep(self, known: Known, share: float) -> Kept:
        """Tokens for each layer, the same in all heads of it."""
        budget = budget_of(share, known.tokens)
        newest = round(self.recent * budget)
        older = known.tokens - newest
        sums = told(known.attention, "attention").sum(axis=1)[:, :older]
        attended = best(sums, budget - newest)
        fresh = np.broadcast_to(np.arange(older, known.tokens), (len(sums), newest))
        return Kept(np.sort(np.concatenate([attended, fresh], axis=1), axis=1)[:, None])


class Place(Enum):
    """What becomes of a piece of state."""

    FAST = "kept where the model computes"
    HOST = "moved to memory, loaded when it is used"
    GONE = "deleted, computed anew when it is used"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some tokens' state whose fate is one."""

    size_bytes: int
    load_seconds: float
    """Measured: from memory to where the model computes."""
    recompute_seconds: float
    """Measured: to compute it anew."""
    uses: float
    """How often it is expected to be used."""

    def seconds(self, place: Place) -> float:
        """What its uses take in all if it lies at ``place``."""
        once = {
            Place.FAST: 0.0,
            Place.HOST: self.load_seconds,
            Place.GONE: self.recompute_seconds,
        }
        return self.uses * once[place]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each piece goes."""

    places: tuple[Place, ...]
    seconds: float
    """What all expected uses take."""

    @property
    def phase(self) -> int:
        """Of ALISA's three: 1 all is kept; 2 some is moved to memory; 3 some is deleted."""
        return 3 if Place.GONE in self.places else 2 if Place.HOST in self.places else 1


def plan(pieces: Sequence[Piece], *, fast_bytes: int, host_bytes: int) -> Plan:
    """Where each piece shall lie, so that its uses take the least time in all.

    ALISA keeps all tokens while there is room (phase I), then moves some to
    memory (II), then deletes some and computes them anew (III), by shares found beforehand from
    measured costs. The costs here are each piece's own, so a piece that is quicker computed than
    loaded is never moved to memory. Three drafts are made, one by prices at which all pieces find
    room and two by what a byte saves; in each, one or two pieces at once are moved as long as that
    helps, each time in O(pieces²). Where pieces are small beside the room, that is all but the best
    plan there is; of a few large ones it may be a fifth dearer.

    Args:
        pieces: with their measured costs.
        fast_bytes: the room where the model computes.
        host_bytes: the room in memory.
    """
    room = {Place.FAST: fast_bytes, Place.HOST: host_bytes}
    drafts = [_Draft(pieces, room) for _ in range(3)]
    drafts[0].buy()
    drafts[1].fill((Place.HOST, Place.FAST))
    for draft in drafts:
        draft.fill((Place.FAST, Place.HOST))
        draft.improve()
    return min((draft.plan() for draft in drafts), key=lambda found: found.seconds)


_Changes = tuple[tuple[int, Place], ...]


class _Draft:
    """A plan that is still being made: at first, everything is deleted."""

    def __init__(self, pieces: Sequence[Piece], room: Mapping[Place, int]) -> None:
        self._pieces = pieces
        self._places = [Place.GONE] * len(pieces)
        self._left = dict(room)

    def plan(self) -> Plan:
        pairs = zip(self._pieces, self._places, strict=True)
        return Plan(tuple(self._places), sum(piece.seconds(place) for piece, place in pairs))

    def buy(self) -> None:
        """Put each piece where it is cheapest, at a price of a byte at which all of them fit."""
        prices = dict.fromkeys(self._left, 0.0)
        for place in [*self._left] * _ROUNDS:
            prices[place] = self._price(place, prices)
        for number in range(len(self._pieces)):
            self._do_if_better(((number, self._cheapest(number, prices)),))

    def fill(self, order: Sequence[Place]) -> None:
        """Fill each place in turn with the pieces that it saves most time a byte."""
        for place in order:
            gone = [n for n, where in enumerate(self._places) if where is Place.GONE]
            for number in sorted(gone, key=lambda n: -self._density(n, place)):
                self._do_if_better(((number, place),))

    def improve(self) -> None:
        """Move one or two pieces until nothing helps; each step saves time, so it ends."""
        while any(self._do_if_better(changes) for changes in self._near()):
            pass

    def _price(self, place: Place, prices: Mapping[Place, float]) -> float:
        """The least price of a byte at ``place`` at which all fit that would buy it."""
        low, high = 0.0, max((self._density(n, place) for n in range(len(self._pieces))), default=0)
        for _ in range(_HALVINGS):
            tried = (low + high) / 2
            buyers = (
                piece.size_bytes
                for number, piece in enumerate(self._pieces)
                if self._cheapest(number, {**prices, place: tried}) is place
            )
            low, high = (low, tried) if sum(buyers) <= self._left[place] else (tried, high)
        return high

    def _cheapest(self, number: int, prices: Mapping[Place, float]) -> Place:
        piece = self._pieces[number]
        return min(
            (Place.GONE, *prices),
            key=lambda place: piece.seconds(place) + prices.get(place, 0.0) * piece.size_bytes,
        )

    def _density(self, number: int, place: Place) -> float:
        piece = self._pieces[number]
        return (piece.seconds(Place.GONE) - piece.seconds(place)) / max(1, piece.size_bytes)

    def _do_if_better(self, changes: _Changes) -> bool:
        left, saved = dict(self._left), 0.0
        for number, place in changes:
            piece, now = self._pieces[number], self._places[number]
            saved += piece.seconds(now) - piece.seconds(place)
            left[now] = left.get(now, 0) + piece.size_bytes
            left[place] = left.get(place, 0) - piece.size_bytes
        if saved <= _NOTHING or any(left[place] < 0 for place in (Place.FAST, Place.HOST)):
            return False
        self._left = left
        for number, place in changes:
            self._places[number] = place
        return True

    def _near(self) -> Iterator[_Changes]:
        """Each move of a piece, then each of two: an exchange is one of these."""
        numbers = range(len(self._places))
        for number, place in product(numbers, Place):
            yield ((number, place),)
        for one, other in combinations(numbers, 2):
            for place, another in product(Place, Place):
                yield ((one, place), (other, another))
