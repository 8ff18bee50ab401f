"""What a forgotten cube had ended goes on: that it ended was known from what is forgotten.

A <- B <- C      C superseded B, which had superseded A
A      <- C      after B was forgotten: A was true until C is, as far as is known
A                after C was forgotten as well: A is true again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.life.amending import Amendment, amended
from memos.life.relating import since
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
        heirs = {heir.id: heir for heir in catalog.find_all(list(_heirs(cube.id, gone, catalog)))}
        until = min((since(heir) for heir in heirs.values()), default=_before(cube.id, catalog))
        if until == over:
            continue
        amendment = Amendment("reopen", header={"valid_to": until}, on_frozen=True)
        again = amended(cube, amendment, act)
        put.append(again)
        links += [
            Edge(heir.id, Relation.SUPERSEDES, cube.id, again.version)
            for heir in heirs.values()
            if since(heir) == until
        ]
    return Reopened(tuple(put), tuple(links))


def _heirs(cube_id: str, gone: Collection[str], catalog: Catalog) -> Iterator[str]:
    """The cubes that superseded this one, or one that goes and superseded it, and do not go."""
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
                yield edge.source


def _before(cube_id: str, catalog: Catalog) -> datetime | None:
    """When the cube's time was to end before anything superseded it."""
    first = min(
        edge.version for edge in catalog.edges_of([cube_id], _CLOSING) if edge.target == cube_id
    )
    former = catalog.find(cube_id, first - 1)
    return None if former is None else former.header.valid_to
