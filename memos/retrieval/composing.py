"""A context is composed: what stands, what comes anew, and never a token more than there is room.

    1  wanted     what the question alone would fill the budget with, in the order of the ranking
    2  standing   the longest beginning of the context before that is still true, ends in something
                  wanted, and leaves room for the best of the others
    3  new        wanted ones that do not stand, as far as there is room; those that the context
                  before had too come first, for they are the likelier to be asked for again
    4  count      the tokens of the text as a whole; what is too much goes, worst first

Where the same is found as for the context before, and nothing in it has changed, it is that one.
No storage, no model and no clock: the same arguments give the same context.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from memos.cube.identity import canonical, digest_of
from memos.retrieval.context import Context
from memos.retrieval.layout import (
    Block,
    breakpoints,
    cut,
    extended,
    layout_of,
    recovered,
    text_of,
)
from memos.retrieval.overlap import without_repeats
from memos.retrieval.packing import Priced, packed, standing
from memos.retrieval.rendering import entry_of, mark_of, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.cube import MemCube
    from memos.retrieval.tokens import Count

_TRIES = 4
"""How often the sum of the parts is corrected by the count of the whole."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a context is asked for."""

    budget: int
    """Tokens of the whole text, at most."""
    spare: float
    """The share of them that may go to what stands and is not asked for."""
    count: Count


def composed(
    found: Sequence[MemCube], there: Mapping[str, MemCube], before: Context, terms: Terms
) -> Context:
    """The context for a question.

    Args:
        found: what answers it, best first, as it may be shown.
        there: of what the context before holds, by id, what may be shown now, as it is now.
        before: that context; an empty one where there was none.
        terms: budget and tokenizer.
    """
    stood = recovered(before.layout, there)
    distinct = without_repeats(found, [entry.cube for entry in chain.from_iterable(stood)])
    answers = digest_of(canonical([[cube.id, cube.content_version] for cube in found]))
    work = _Work(distinct, stood, terms)
    again = answers == before.answers and layout_of(stood) == before.layout and work.fits(stood)
    kept = stood if again else work.kept()
    blocks = kept if again else work.filled(kept)
    text = text_of(blocks)
    reused = len(text_of(_common(kept, blocks)))
    held = [one.characters for one in before.breakpoints]
    return Context(
        text=text,
        cubes=tuple(entry.cube for entry in chain.from_iterable(blocks)),
        tokens=terms.count(text) if text else 0,
        breakpoints=breakpoints(blocks, reused, held, terms.count),
        reused=reused,
        left_out=len({cube.id for cube in distinct} - _ids(blocks)),
        answers=answers if found else "",
        layout=layout_of(blocks),
    )


@dataclass
class _Work:
    """What is found, what stood before, what both cost, and the room for them."""

    found: Sequence[MemCube]
    stood: Sequence[Block]
    terms: Terms
    _prices: dict[str, Priced] = field(default_factory=dict)

    def fits(self, blocks: Sequence[Block]) -> bool:
        """Whether the budget has room for it."""
        return self._tokens(blocks) <= self.terms.budget

    def kept(self) -> list[Block]:
        """Which beginning of what stood before stands again."""
        budget, spare = self.terms.budget, self.terms.spare * self.terms.budget
        costs = self._costs()
        if not costs:
            return []
        exact = dict(costs)
        wanted = _ids(self.filled([]))
        prices = [self._price(cube) for cube in self.found if cube.id in wanted]
        best = set(packed(prices, int(budget - spare)))
        length = standing(
            costs,
            wanted=wanted,
            owed={one.id: exact.get(one.id, one.alone) for one in prices if one.id in best},
            budget=budget,
            spare=spare,
        )
        return cut(self.stood, length)

    def _costs(self) -> list[tuple[str, float]]:
        """What each memory that stood takes of the tokens of the whole."""
        parts = [
            (entry.cube.id, self.terms.count(text))
            for block in self.stood
            for entry, text in zip(block, written(block), strict=True)
        ]
        scale = self._tokens(self.stood) / max(1, sum(tokens for _, tokens in parts))
        return [(cube_id, scale * tokens) for cube_id, tokens in parts]

    def filled(self, kept: Sequence[Block]) -> list[Block]:
        """What stands, and behind it what else there is room for.

        The tokens of a text are not the sum of those of its lines, so the room is corrected by
        what the whole counts, until it fits and nothing more does.
        """
        room = self.terms.budget - self._tokens(kept)
        best, last = None, None
        for _ in range(_TRIES):
            chosen = self._chosen(kept, room)
            if chosen == last:
                break
            blocks, last = self._joined(kept, chosen), chosen
            left = self.terms.budget - self._tokens(blocks)
            if left >= 0 and (best is None or len(_ids(blocks)) > len(_ids(best))):
                best = blocks
            room += left
        return best if best is not None else self._shed(kept, last or [])

    def _shed(self, kept: Sequence[Block], chosen: Sequence[MemCube]) -> list[Block]:
        """What is left when as much has gone as must: new ones first, the worst of them first."""
        blocks = self._joined(kept, chosen)
        while not self.fits(blocks):
            if chosen:
                chosen = chosen[: len(chosen) - max(1, len(chosen) // 8)]
                blocks = self._joined(kept, chosen)
            else:
                blocks = cut(blocks, len(_ids(blocks)) - 1)
        return blocks

    def _chosen(self, kept: Sequence[Block], room: int) -> list[MemCube]:
        there = _ids(kept)
        left = {cube.id: cube for cube in self.found if cube.id not in there}
        return [left[one] for one in packed(map(self._price, left.values()), room)]

    def _joined(self, kept: Sequence[Block], chosen: Sequence[MemCube]) -> list[Block]:
        stood = _ids(self.stood)
        again = [cube for cube in chosen if cube.id in stood]
        return extended(kept, again, [cube for cube in chosen if cube.id not in stood])

    def _price(self, cube: MemCube) -> Priced:
        if cube.id not in self._prices:
            entry = entry_of(cube, mark_of(cube.id, ()))
            line, head = self.terms.count(entry.line), self.terms.count(f"{entry.head}\n")
            self._prices[cube.id] = Priced(cube.id, line, entry.group, head)
        return self._prices[cube.id]

    def _tokens(self, blocks: Sequence[Block]) -> int:
        text = text_of(blocks)
        return self.terms.count(text) if text else 0


def _ids(blocks: Sequence[Block]) -> set[str]:
    return {entry.cube.id for block in blocks for entry in block}


def _common(kept: Sequence[Block], blocks: Sequence[Block]) -> list[Block]:
    """What of the kept ones is still there: all, or what a strange tokenizer has left."""
    return cut(kept, min(len(_ids(kept)), len(_ids(blocks))))
