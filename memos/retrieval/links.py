"""With which other memories one agrees, and with which it does not."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from memos.cube import Right
from memos.cube.frozen import Frozen
from memos.ports.graph import Edge, Relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.ports.catalog import Catalog

_LINKING = (Relation.SUPERSEDES, Relation.CONTRADICTS, Relation.DUPLICATES)


class How(StrEnum):
    """What a memory has to do with another."""

    SUPERSEDES = "supersedes"
    SUPERSEDED = "superseded by"
    CONTRADICTS = "contradicts"
    SAYS_THE_SAME = "says the same as"


class Link(Frozen):
    """One memory, seen from another."""

    how: How
    id: str
    """Of the other cube."""
    text: str
    """What that one says, as the reader may see it."""
    since: datetime | None = None
    """Of a supersession: since when the newer one holds."""

    def __str__(self) -> str:
        when = "" if self.since is None else f" since {self.since:%Y-%m-%d %H:%M} UTC"
        return f"{self.how} {self.id}{when}"


def links_of(cubes: Sequence[MemCube], catalog: Catalog, act: Act) -> dict[str, tuple[Link, ...]]:
    """By a cube's id, its links to cubes that the principal may read; those without are left out.

    What superseded a cube that was revised since does so no more, and is not told.
    """
    here = {cube.id: cube for cube in cubes}
    edges = catalog.edges_of(here, _LINKING) if here else []
    if not edges:
        return {}
    ends = {end for edge in edges for end in (edge.source, edge.target)}
    others = [cube for cube in catalog.find_all(sorted(ends)) if act.reach(Right.READ).holds(cube)]
    there = {cube.id: cube for cube in act.shown(others, current=True)}
    found: dict[str, dict[Link, None]] = {}
    for edge in edges:
        for one, link in _both_ways(edge, there):
            if one in here:
                found.setdefault(one, {})[link] = None
    return {one: tuple(links) for one, links in found.items()}


def _both_ways(edge: Edge, there: Mapping[str, MemCube]) -> Iterator[tuple[str, Link]]:
    newer, older = there.get(edge.source), there.get(edge.target)
    if newer is None or older is None:
        return
    since = None
    onward, back = How.SAYS_THE_SAME, How.SAYS_THE_SAME
    if edge.relation is Relation.CONTRADICTS:
        onward, back = How.CONTRADICTS, How.CONTRADICTS
    elif edge.relation is Relation.SUPERSEDES:
        since = older.header.valid_to
        if since is None:
            return
        onward, back = How.SUPERSEDES, How.SUPERSEDED
    yield edge.source, Link(how=onward, id=older.id, text=older.text, since=since)
    yield edge.target, Link(how=back, id=newer.id, text=newer.text, since=since)
