"""Conditions on what a memory says, and who may set them.

Whoever sees a memory redacted could guess what it hides, letter by letter, by asking which memories
contain it. So a filter that reads what memories say leaves out those that the asker sees redacted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Party, Principal
from memos.ports.filters import EVERYTHING, Condition, Every, Filter, Not, Operator, Some

if TYPE_CHECKING:
    from collections.abc import Collection

_WORDS = frozenset({"text", "title", "speaker", "role", "source", "labels"})


def reads_words(where: Filter) -> bool:
    """Whether the filter depends on what a memory says."""
    if isinstance(where, Every | Some):
        return any(reads_words(part) for part in where.parts)
    if isinstance(where, Not):
        return reads_words(where.part)
    return where.field in _WORDS or where.field.startswith("metadata.")


def seen_whole(principal: Principal, administered: Filter, levels: Collection[str]) -> Filter:
    """The memories that the principal sees whole: its own, those it administers, the harmless.

    Args:
        principal: who asks.
        administered: what storage adds for the right to administer.
        levels: of sensitivity, at which nothing is redacted.
    """
    if administered == EVERYTHING:
        return EVERYTHING
    parts: list[Filter] = [administered, Condition("owner", Operator.EQ, str(principal))]
    if levels:
        parts.append(Condition("sensitivity", Operator.IN, list(levels)))
    if principal.party is Party.USER:
        hers = Condition("user_id", Operator.EQ, principal.name)
        parts.append(Every((hers, Condition("owner", Operator.EQ, None))))
    return Some(tuple(parts))
