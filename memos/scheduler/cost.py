"""Room goes to what is expected to save the most seconds for each byte and use: the cost policy."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from memos.scheduler.book import Book
from memos.scheduler.lanes import Lanes
from memos.scheduler.prices import Prices
from memos.scheduler.returns import Returns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.scheduler.returns import Sort

_MOST_COUNTED = 12
_ENDS_COUNTED = 2
_GHOSTS = 16
"""Names remembered that are not there, for each that is."""
_LEAST_GHOSTS = 16
_OCTAVES = 2
"""Lanes for each doubling of what a block is worth."""
_CHAINED = 0.5
"""Refusals for each that goes, from which on blocks are taken to stand on one another."""
_ENOUGH = 16
"""Victims before that is judged."""
_FADE = 0.999
_LEAST = 1e-30


@dataclass(slots=True)
class _Known:
    """What is remembered of a block, there or not."""

    count: int = 0
    is_end: bool = False
    sort: Sort = (1, False)
    since: int = 0
    place: int = 0
    length: int = 1
    size_bytes: int = 1
    seconds: float = 0.0
    """What it takes to make; 0 where nobody said."""


class Cost(Book):
    """Expected seconds saved per byte and use, for what is there and for what would come.

        density = seconds / bytes * the greatest P(asked for again) / E(uses until then)

    The least dense of those that may go is the victim, and a newcomer that is less dense is refused
    (``admits``). How likely a return is, and when, is learned by :class:`Returns` for sorts of
    blocks: how often they were asked for, and whether they came as a new end behind a beginning
    that was known, as questions do behind a document. What went, or was refused, is remembered for
    a while by a number that stands for its name, so that its count goes on.

    A block is worth its own seconds. But where blocks stand on one another, the deepest and dearest
    is the only one that may go, and its text goes or stays as a whole: there each is worth the mean
    of its text. Which it is, the place tells: by how many it refuses to let go for each that goes.

    Candidates are the oldest of each lane, which holds the blocks of one sort and of about one
    worth; so a search takes as long as there are lanes, some dozens.

    Args:
        budget_bytes: the most that the place holds.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._lanes: Lanes[tuple[Sort, int]] = Lanes()
        super().__init__(self._lanes)
        self._here: dict[str, _Known] = {}
        self._gone: OrderedDict[int, _Known] = OrderedDict()
        self._prices = Prices()
        self._returns = Returns()
        self._places: dict[str, int] = {}
        self._is_known = False
        self._most = _LEAST_GHOSTS
        self._refused = self._granted = 0.0
        self._is_chained = False

    def asked(self, names: Sequence[str]) -> None:
        """A text is about to be asked for."""
        self._places = {name: place for place, name in enumerate(names)}
        self._is_known = False
        self._returns.read()

    def used(self, name: str) -> None:
        """One use more: it came back."""
        known = self._here.get(name)
        if known is not None:
            self._ask(name, known)
            self._line_up(name, known)

    def missed(self, name: str) -> None:
        """Remembered by its number, whether or not it comes."""
        if name in self._here:
            return
        number = _number(name)
        known = self._gone.pop(number, None) or _Known()
        self._ask(name, known)
        self._remember(number, known)

    def added(self, name: str, size_bytes: int, seconds: float) -> None:
        """A block comes; where nobody asked for it before, it counts as asked for once."""
        known = self._here.get(name) or self._gone.pop(_number(name), None)
        if known is None:
            known = _Known()
            self._ask(name, known)
        if not self._here and size_bytes:
            self._returns.sized(self._budget // size_bytes)
        self._tell(known, size_bytes, seconds)
        self._here[name] = known
        self._most = max(self._most, len(self._here))
        self._line_up(name, known)

    def admits(self, name: str, size_bytes: int, seconds: float, victim: str) -> bool:
        """Whether it is at least as dense as what would go; if not, that was not thrown out."""
        known = self._gone.get(_number(name)) or _Known(since=self._returns.now)
        self._tell(known, size_bytes, seconds)
        admitted = self._density(known) >= self._density(self._here[victim])
        if not admitted:
            self._named.discard(victim)
        return admitted

    def _leave(self, name: str, *, evicted: bool) -> None:
        known = self._here.pop(name, None)
        if known is None:
            return
        self._lanes.take(name)
        if evicted:
            self._remember(_number(name), known)
        else:
            self._returns.end(known.sort, known.since, came=False)

    def _search(self, may_go: Callable[[str], bool]) -> str | None:
        """The least dense of the oldest of all lanes."""

        def asked(name: str) -> bool:
            may = may_go(name)
            self._saw(may=may, current=name in self._places)
            return may

        found = self._lanes.least(lambda name: self._density(self._here[name]), asked)
        self._weigh()
        return found

    def _ask(self, name: str, known: _Known) -> None:
        """What is asked for ends to wait, and begins again, counted once more."""
        if known.count:
            self._returns.end(known.sort, known.since, came=True)
            self._is_known = True
        self._returns.tick()
        known.count += 1
        if name in self._places:
            known.place, known.length = self._places[name], len(self._places)
        else:
            self._returns.read()
        if known.count == 1:
            known.is_end = self._is_known
        known.sort = self._sort(known)
        known.since = self._returns.begin(known.sort)

    def _sort(self, known: _Known) -> Sort:
        """Counts beyond a dozen are one; whether it is an end is asked while there are few."""
        last = known.length > 1 and known.place == known.length - 1
        is_end = known.count <= _ENDS_COUNTED and (known.is_end or last)
        return min(known.count, _MOST_COUNTED), is_end

    def _tell(self, known: _Known, size_bytes: int, seconds: float) -> None:
        """What is loaded is told to have taken no time: what was told before holds."""
        known.size_bytes = max(size_bytes, 1)
        if seconds > 0:
            known.seconds = seconds
            self._prices.told(known.place, seconds)

    def _seconds(self, known: _Known) -> float:
        """What is saved by a hit: its own seconds, or where texts stay whole, their mean."""
        own = self._prices.at(known.place)
        seconds = known.seconds or own
        if self._is_chained and own > 0:
            seconds *= self._prices.at((known.length - 1) / 2) / own
        return seconds

    def _index(self, known: _Known) -> float:
        return self._returns.index(known.sort, known.since)

    def _density(self, known: _Known) -> float:
        return self._seconds(known) / known.size_bytes * self._index(known)

    def _line_up(self, name: str, known: _Known) -> None:
        """Behind others of its sort and about its worth, which is told by a whole number."""
        worth = max(self._seconds(known) / known.size_bytes, _LEAST)
        self._lanes.put(name, (known.sort, math.floor(_OCTAVES * math.log2(worth))))

    def _remember(self, number: int, known: _Known) -> None:
        self._gone[number] = known
        self._trim(_GHOSTS * self._most)

    def _trim(self, most: int) -> None:
        """Forget the oldest, until so many are remembered."""
        while len(self._gone) > most:
            _, oldest = self._gone.popitem(last=False)
            self._returns.end(oldest.sort, oldest.since, came=False)

    def _saw(self, *, may: bool, current: bool) -> None:
        """The place was asked about one; what is being read now is held for other reasons."""
        if may:
            self._granted = self._granted * _FADE + 1
            self._refused *= _FADE
        elif not current:
            self._refused += 1

    def _weigh(self) -> None:
        """Whether the place lets blocks stand on one another; if that turns, all line up anew."""
        chained = self._refused > _CHAINED * self._granted
        if chained != self._is_chained and self._granted > _ENOUGH:
            self._is_chained = chained
            for name, known in self._here.items():
                self._line_up(name, known)


def _number(name: str) -> int:
    """Stands for a name that is not here, in few bytes."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
