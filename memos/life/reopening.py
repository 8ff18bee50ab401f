"""What a forgotten cube had ended goes on: that it ended was known from what is forgotten.

A <- B <- C      C superseded B, which had superseded A
A      <- C      after B was forgotten: A was true until C is, as far as is known
A                after C was forgotten as well: A is true again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.life.amending import Amendment, amended
from memos.ports.graph import Edge, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.ports.catalog import Catalog

_CLOSING = (Relation.SUPERSEDES,)


@dataclass(frozen=True, slots=True)
class Reopened:
    """What is committed along with a forgetting."""

    put: tuple[MemCube, ...] = ()
    edges: tuple[Edge, ...] = ()


def reopened(gone: Collection[str], catalog: Catalog, act: Act) -> Reopened:
    """The cubes that those which go had superseded, as they are without them.

    Such a cube's time ends with that of the next that superseded it or the cube that goes; where
    there is none, when it would have without any of them.
    """
    edges = [edge for edge in catalog.edges_of(gone, _CLOSING) if edge.source in gone]
    closed = dict.fromkeys(edge.target for edge in edges if edge.target not in gone)
    put, links = [], []
    for cube in catalog.find_all(list(closed)):
        over = cube.header.valid_to
        if over is None:
            continue  # it was revised since, and counts anyway
        heirs = dict(_heirs(cube.id, gone, catalog))
        until = min(heirs.values(), default=_before(cube, catalog))
        if until == over:
            continue
        amendment = Amendment("reopen", header={"valid_to": until}, on_frozen=True)
        again = amended(cube, amendment, act)
        put.append(again)
        links += [
            Edge(heir, Relation.SUPERSEDES, cube.id, again.version)
            for heir, since in heirs.items()
            if since == until
        ]
    return Reopened(tuple(put), tuple(links))


def _heirs(cube_id: str, gone: Collection[str], catalog: Catalog) -> Iterator[tuple[str, datetime]]:
    """The cubes that superseded this one, or one that goes and superseded it, and since when."""
    seen, waiting = {cube_id}, [cube_id]
    while waiting:
        here = waiting.pop()
        for edge in catalog.edges_of([here], _CLOSING):
            if edge.target != here or edge.source in seen:
                continue
            seen.add(edge.source)
            if edge.source in gone:
                waiting.append(edge.source)
            else:
                ended = catalog.find(here, edge.version)
                if ended is not None and ended.header.valid_to is not None:
                    yield edge.source, ended.header.valid_to


def _before(cube: MemCube, catalog: Catalog) -> datetime | None:
    """When the cube's time was to end before anything superseded it: as it was last written."""
    written = catalog.find(cube.id, cube.content_version)
    return None if written is None else written.header.valid_to
