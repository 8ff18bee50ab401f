"""A fact: whom it is about, the short answer, and the wordings in which it can be asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SLOT = "{s}"
"""Stands in a wording for whom it asks of."""
VALUE = "{v}"
"""Stands in a wording for the answer."""


@dataclass(frozen=True, slots=True)
class Wordings:
    """In how many ways one thing is asked for; no wording is in two of them."""

    ask: tuple[str, ...] = ()
    """Questions to train."""
    check: tuple[str, ...] = ()
    """Questions that tell during training whether it is learnt."""
    hold: tuple[str, ...] = ()
    """Questions for the examination."""
    say: tuple[str, ...] = ()
    """Beginnings of a statement that ends in the answer."""
    back: tuple[str, ...] = ()
    """Questions that name the answer and ask of whom it is true, to train."""
    back_check: tuple[str, ...] = ()
    back_hold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know."""

    about: tuple[str, ...]
    """Two facts about the same are one fact that has changed."""
    value: str
    """The short answer."""
    wordings: Wordings
    whom: str = ""
    """Of whom the questions ask, as the text spells it; empty where it is not one person or
    thing."""
    said: tuple[str, ...] = ()
    """The beginning of the statement itself, up to the answer; as a wording, like the blanks."""
    blanks: tuple[str, ...] = field(default=())
    """Sentences in which the answer is to be filled in, to train."""
    recalled: tuple[str, ...] = ()
    """Beginnings that mention the subject and no relation, and that the answer is to follow."""
    several: bool = False
    """Whether more than one value can be true at a time."""
    sure: bool = True
    """Whether a relation or a date was recognised; else it is read off where words stand."""


def slotted(text: str, whom: str) -> str:
    """The text as a wording: what spells ``whom`` first is the place for any name."""
    return re.sub(rf"(?<!\w){re.escape(whom)}(?!\w)", SLOT, text, count=1) if whom else text


def put(whom: str, wording: str, value: str = "") -> str:
    """A wording as it is asked of somebody, beginning with a capital letter."""
    text = wording.replace(SLOT, whom).replace(VALUE, value)
    return text[:1].upper() + text[1:]
