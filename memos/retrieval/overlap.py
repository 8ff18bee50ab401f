"""Which of several memories say nothing that a better one has not said.

    the same words, of the same day, by the same speaker     the text of one lies within the other's
    the same stretch of the same source                      more than half of it, in other pieces

Texts that differ in one word both stay: it may be the one that matters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.retrieval.rendering import time_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from memos.cube import MemCube
    from memos.cube.provenance import Source

_WORD = re.compile(r"\w+")
_TELLING = 3
"""Words that a text has at least, if it counts as said wherever it stands within another."""


@dataclass(frozen=True, slots=True)
class _Said:
    words: str
    """Between spaces."""
    speaker: str | None
    day: date
    source: Source | None

    def repeats(self, other: _Said) -> bool:
        if self.day != other.day or _differ(self.speaker, other.speaker):
            return False
        if _within(self.words, other.words) or _within(other.words, self.words):
            return True
        return _overlap(self.source, other.source) and _half_of_the_words(self, other)


def without_repeats(found: Sequence[MemCube], there: Sequence[MemCube]) -> list[MemCube]:
    """What was found, less what repeats something better, in its order.

    Args:
        found: best first.
        there: what the text holds already: of those that say the same, one of these stands for the
            others, even where it was not found itself.
    """
    present = {cube.id for cube in there}
    kept: list[tuple[MemCube, _Said]] = []
    for cube in found:
        said = _said(cube)
        place = _place(said, kept)
        if place is None:
            kept.append((cube, said))
        elif cube.id in present and kept[place][0].id not in present:
            kept[place] = (cube, said)
    chosen = {cube.id for cube, _ in kept}
    for cube in (each for each in there if each.id not in chosen):
        place = _place(_said(cube), kept)
        if place is not None and kept[place][0].id not in present:
            kept[place] = (cube, _said(cube))
    return [cube for cube, _ in kept]


def _place(said: _Said, kept: Sequence[tuple[MemCube, _Said]]) -> int | None:
    return next((at for at, (_, better) in enumerate(kept) if said.repeats(better)), None)


def _said(cube: MemCube) -> _Said:
    words = " ".join(_WORD.findall(cube.text.casefold()))
    return _Said(f" {words} ", cube.speaker, time_of(cube).date(), cube.provenance.source)


def _differ(one: str | None, other: str | None) -> bool:
    # A window over several turns has no speaker of its own.
    return one is not None and other is not None and one != other


def _within(short: str, long: str) -> bool:
    return short == long or (short.count(" ") > _TELLING and short in long)


def _overlap(one: Source | None, other: Source | None) -> bool:
    if one is None or other is None or one.uri != other.uri or not (one.span and other.span):
        return False
    common = min(one.span[1], other.span[1]) - max(one.span[0], other.span[0])
    shorter = min(end - start for start, end in (one.span, other.span))
    return 2 * common > shorter


def _half_of_the_words(one: _Said, other: _Said) -> bool:
    # Two files may have the same name, and share nothing else.
    here, there = set(one.words.split()), set(other.words.split())
    return 2 * len(here & there) >= min(len(here), len(there))
