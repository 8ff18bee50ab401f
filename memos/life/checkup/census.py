"""Who is there: every row of the catalog is read once, and compared with what it says itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from memos.cube import Kind
from memos.cube.header import FINDABLE
from memos.kinds.entities import entity_edges
from memos.ports.graph import Edge, Relation
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memos.cube import MemCube
    from memos.life.checkup.findings import Findings
    from memos.ports.catalog import Catalog
    from memos.ports.repairs import Repairs, Stored

_PAGE = 200
_TOLD = [Relation.MENTIONS, Relation.TITLED, Relation.DERIVED]
"""The relations that bodies tell of; turn order stands in the edges alone."""


@dataclass(slots=True)
class Census:
    """What there is, as the bodies of the rows tell it."""

    ids: set[str] = field(default_factory=set)
    versions: set[tuple[str, int]] = field(default_factory=set)
    """Those that can be read."""
    findable: set[str] = field(default_factory=set)
    """What the indexes must hold."""
    unsure: set[str] = field(default_factory=set)
    """Whose newest version cannot be read: nobody knows what the indexes should hold of them."""
    derived: dict[tuple[str, int], tuple[MemCube, str]] = field(default_factory=dict)
    """KV and LoRA cubes at each version, with their bodies."""
    missing: list[Edge] = field(default_factory=list)
    wrong: list[Edge] = field(default_factory=list)


def census(
    repairs: Repairs, catalog: Catalog, findings: Findings, progress: Progress = silent
) -> Census:
    """Read every row, and tell of those that are damaged.

    Raises:
        CorruptionError: a table cannot be read at all.
    """
    found = Census()
    page: dict[str, list[Stored]] = {}
    for cube_id, rows in groupby(repairs.stored(), key=lambda one: one.cube_id):
        page[cube_id] = list(rows)
        found.ids.add(cube_id)
        for row in page[cube_id]:
            _note(row, found, findings)
        if len(page) == _PAGE:
            _compare_edges(page, catalog, found)
            page = {}
            progress("checking cubes", len(found.ids), len(found.ids))
    _compare_edges(page, catalog, found)
    progress("checking cubes", len(found.ids), len(found.ids))
    findings.checked["cubes"] = len(found.ids)
    return found


def _note(row: Stored, found: Census, findings: Findings) -> None:
    cube = row.cube
    if cube is None:
        message = f"version {row.version} of cube {row.cube_id} is damaged: {row.damage}"
        findings.plan("damaged-cube", row.cube_id, message)
        findings.lose(row.cube_id, row.version, row.damage, row.body)
        if row.current:
            found.unsure.add(row.cube_id)
        return
    found.versions.add((cube.id, cube.version))
    if row.differs:
        message = f"the columns {', '.join(row.differs)} of cube {cube.id} are not what it says"
        findings.plan("wrong-columns", cube.id, message)
        findings.rewrite[cube.id] = None
    if cube.kind is not Kind.PLAINTEXT:
        found.derived[cube.id, cube.version] = (cube, row.body)
    elif row.current and cube.state in FINDABLE:
        found.findable.add(cube.id)


def _compare_edges(page: dict[str, list[Stored]], catalog: Catalog, found: Census) -> None:
    there = {
        edge for edge in catalog.edges_of(list(page), _TOLD) if edge.source in page
    }  # fmt: skip
    told = {edge for rows in page.values() for row in rows for edge in _edges_of(row)}
    found.missing += sorted(told - there)
    sure = {one for one, rows in page.items() if all(row.cube for row in rows)}
    found.wrong += sorted(edge for edge in there - told if edge.source in sure)


def _edges_of(row: Stored) -> Iterator[Edge]:
    cube = row.cube
    if cube is None:
        return
    for parent in cube.provenance.parents:
        yield Edge(cube.id, Relation.DERIVED, parent.id, parent.version)
    if row.current:
        yield from entity_edges(cube)
