"""What a search answers with."""

from __future__ import annotations

from pydantic import Field

from memos.cube import MemCube
from memos.cube.frozen import Frozen
from memos.retrieval.links import Link


class Hit(Frozen):
    """A cube that was found, and why.

    ``score`` is the sum of ``parts``, which say how much each kind of evidence added, or took away
    beside the other candidates: ``vectors`` (nearness of meaning), ``words`` (the question's words
    and their kin), ``conversation`` and ``session`` (what is said around it), ``speaker``,
    ``answer`` and ``time`` (whether it has what is asked for), ``recency`` (how new it is, where a
    question asks for what is newest), ``form``, ``graph`` and ``title`` (the names that it shares).
    Scores are comparable within one search only.

    ``why`` says of a part that adds to the score what it comes from, where more can be told than
    its number: a text, or the id of another memory. See :mod:`memos.retrieval.reasons`. Of a memory
    that is shown redacted it says nothing.
    """

    cube: MemCube
    score: float
    parts: dict[str, float]
    why: dict[str, str] = Field(default_factory=dict)
    superseded: bool = False
    """Whether it holds no more."""
    links: tuple[Link, ...] = ()
    """With which other memories it agrees, and with which it does not."""
