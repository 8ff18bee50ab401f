"""The wordings of every relation.

``{s}`` is whom it is about, ``{x}`` what of them, ``{v}`` the answer.
"""

from __future__ import annotations

from functools import cache

from memos.kinds.fact import Wordings
from memos.kinds.wordings_people import PEOPLE
from memos.kinds.wordings_things import THINGS

_PARTS = {
    "ask": "ask", "check": "check", "hold": "hold", "say": "say",
    "back": "back", "back?": "back_check", "back!": "back_hold",
}  # fmt: skip


@cache
def table() -> dict[str, Wordings]:
    """The wordings by relation."""
    return {
        name: wordings
        for text in (PEOPLE, THINGS)
        for block in text.strip().split("\n\n")
        for name, wordings in [_read(block)]
    }


def wordings(name: str, thing: str = "") -> Wordings:
    """Those of one relation."""
    found = table()[name]
    parts = {part: getattr(found, part) for part in _PARTS.values()}
    return Wordings(**{p: tuple(w.replace("{x}", thing) for w in ws) for p, ws in parts.items()})


def _read(block: str) -> tuple[str, Wordings]:
    name, *lines = block.splitlines()
    parts: dict[str, list[str]] = {}
    for line in lines:
        part, _, several = line.partition(" ")
        parts.setdefault(_PARTS[part], []).extend(several.strip().split(" / "))
    return name, Wordings(**{part: tuple(several) for part, several in parts.items()})
