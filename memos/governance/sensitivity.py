"""How sensitive a memory is: four levels, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadInput, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

LEVELS = ("public", "normal", "confidential", "secret")
"""From the least to the most sensitive."""


def highest(levels: Iterable[str]) -> str:
    """The most sensitive of these; ``normal`` where there are none.

    One that is none of ours, as a bundle from elsewhere may bring it, counts as the highest.
    """
    return max(levels, key=_rank, default="normal")


def checked_sensitivity(level: object) -> str:
    """``level``, which is one.

    Raises:
        BadInput: it is none.
    """
    if level not in LEVELS:
        raise BadInput(f"{shown(level)} is no sensitivity", hint=f"there are: {', '.join(LEVELS)}")
    return str(level)


def is_among(level: str, levels: Collection[str]) -> bool:
    """Whether a level is one of these; one that is none of ours counts as if it were."""
    return level in levels or level not in LEVELS


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)
