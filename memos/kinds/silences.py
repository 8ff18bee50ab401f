"""What the memories do not say of those they speak of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from memos.kinds.fact import put
from memos.kinds.relations import PERSONAL
from memos.kinds.third_person import statements
from memos.kinds.wordings import wordings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memos.cube import MemCube
    from memos.kinds.fact import Fact

_TOLD_BY = {
    "home": r"liv|hom|mov|resid|settl|flat|house|based",
    "employer": r"work|job|employ|compan|office|boss|firm|colleague",
    "birth": r"born|birth|years old|age",
    "birthplace": r"born|birth|from|grew|native|origin",
    "spouse": r"marri|wife|husband|spouse|wedding|engaged|partner",
    "allergy": r"allerg",
    "speaks": r"speak|spoke|language|learn",
    "studies": r"stud|universit|college|degree|school|major",
    "drives": r"driv|car|bik|rid|vehicle|van",
}
"""Beginnings of words that may tell of a relation, in whatever form."""
_TRAINED = 1
_HELD_OUT = 2


@dataclass(frozen=True, slots=True)
class Silences:
    """Questions that the memories do not answer."""

    trained: tuple[str, ...]
    held_out: tuple[str, ...]


def asked_in_vain(facts: Sequence[Fact], cubes: Iterable[MemCube]) -> Silences:
    """What everybody may be asked, asked of people of whom nothing like it is said.

    The relations to examine with are others than those to train with, for each person.
    """
    people = dict.fromkeys(f.whom for f in facts if f.whom and f.sure and f.about[1] in PERSONAL)
    told = [said.lower() for cube in cubes for said in (cube.text, *statements(cube))]
    trained: list[str] = []
    held_out: list[str] = []
    for whom in people:
        open_ = _unsaid(whom, [said for said in told if whom.lower() in said])
        start = crc32(whom.encode())
        trained += [put(whom, wordings(key).ask[start % 3]) for key in open_[:_TRAINED]]
        rest = open_[_TRAINED:][:_HELD_OUT]
        held_out += [put(whom, wordings(key).hold[start % 2]) for key in rest]
    return Silences(tuple(trained), tuple(held_out))


def _unsaid(whom: str, told: Sequence[str]) -> list[str]:
    """The relations that no statement about somebody touches, in an order of their own."""
    text = " ".join(told).replace(whom.lower(), " ")
    unsaid = [key for key, words in _TOLD_BY.items() if not re.search(rf"\b(?:{words})", text)]
    start = crc32(whom.encode()) % len(unsaid) if unsaid else 0
    return [*unsaid[start:], *unsaid[:start]]
