"""Which memories fit into a budget, and which of those that stood before go on standing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Priced:
    """What a memory costs."""

    id: str
    tokens: int
    """Of its own lines."""
    group: Hashable
    """It shares a date line with the memories of its group."""
    head_tokens: int
    """Of that line."""

    @property
    def alone(self) -> int:
        """What it costs under a date line of its own."""
        return self.tokens + self.head_tokens


def packed(priced: Iterable[Priced], room: int) -> list[str]:
    """The ids that fit, best first: each that still has room when its turn comes.

    Args:
        priced: best first.
        room: tokens for all of them.

    In the order of the ranking, and not by score for a token: evidence is longer than small talk,
    so that a preference for what is short costs recall (docs/decisions/0020-context.md).
    """
    chosen: list[str] = []
    opened: set[Hashable] = set()
    for each in priced:
        cost = each.tokens + (0 if each.group in opened else each.head_tokens)
        if cost <= room:
            room -= cost
            chosen.append(each.id)
            opened.add(each.group)
    return chosen


def standing(
    costs: Sequence[tuple[str, float]],
    *,
    wanted: Collection[str],
    owed: Mapping[str, float],
    budget: int,
    spare: float,
) -> int:
    """How many of the memories that stood first stand first again.

    Args:
        costs: id and tokens of each, in the order of the text.
        wanted: ids that the question asks for.
        owed: those of them that have to be there in the end, wherever they stand, and what they
            cost.
        budget: tokens for the whole text.
        spare: tokens of them that may be spent on what is not wanted.

    The longest beginning that ends in a wanted one, and leaves room for all that is owed: what is
    not wanted is kept for what stands behind it, never for itself.
    """
    length, used, missing = 0, 0.0, sum(owed.values())
    for place, (cube_id, tokens) in enumerate(costs, start=1):
        used += tokens
        missing -= owed.get(cube_id, 0.0)
        if cube_id in wanted:
            length = place if used + missing <= budget else length
        else:
            spare -= tokens
        if spare < 0 or used + missing > budget:
            break
    return length
