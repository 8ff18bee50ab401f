"""Ids of its own for whoever may not choose any: which are taken here would tell of others.

in the bundle                       here
a cube that one may read            its id, to be compared with what is there
one that one has forgotten          its id, to be brought back or left
any other, there or not             an id drawn from one's name and its own
derived from one with a new id      the same, for it has another parent
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memos.cube.identity import canonical, id_within

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from memos.cube import MemCube, Principal
    from memos.life.contents import Contents


def with_own_ids(contents: Contents, principal: Principal, known: Collection[str]) -> Contents:
    """A bundle in which every id is one of ``known``, or one that nobody else can come to have."""
    within = canonical(["import", str(principal)]).decode()
    names: dict[str, str] = {}
    for cube_id, versions in contents.histories.items():  # parents first
        above = {parent.id for cube in versions for parent in cube.provenance.parents}
        if cube_id not in known or above & names.keys():
            names[cube_id] = id_within(within, cube_id)
    return replace(
        contents,
        histories={
            names.get(cube_id, cube_id): tuple(_renamed(cube, names) for cube in versions)
            for cube_id, versions in contents.histories.items()
        },
        turns=tuple(
            replace(
                edge,
                source=names.get(edge.source, edge.source),
                target=names.get(edge.target, edge.target),
            )
            for edge in contents.turns
        ),
    )


def _renamed(cube: MemCube, names: Mapping[str, str]) -> MemCube:
    header, provenance = cube.header, cube.provenance
    parents = tuple(
        parent.model_copy(update={"id": names.get(parent.id, parent.id)})
        for parent in provenance.parents
    )
    named = header.model_copy(update={"id": names.get(cube.id, cube.id)})
    derived = provenance.model_copy(update={"parents": parents})
    return cube.model_copy(update={"header": named, "provenance": derived})
