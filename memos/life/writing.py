"""Cubes are born and revised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube import Header, Kind, Life, MemCube, Plaintext, Provenance, Source, Step
from memos.cube.identity import is_cube_id
from memos.cube.wire import payload_digest
from memos.errors import BadInput, UnknownCube, VersionConflict, WrongKind, shown
from memos.kinds.drafts import Origin
from memos.kinds.entities import entity_edges
from memos.kinds.evidence import EVIDENCE
from memos.kinds.plaintext import born, heading
from memos.life.expectation import (
    require_changeable,
    require_number,
    require_unexpired,
    require_version,
)
from memos.life.related import Related
from memos.ports.catalog import Change, Selection
from memos.ports.filters import Condition, Every, Operator
from memos.ports.graph import Edge, Relation
from memos.ports.progress import Progress, silent
from memos.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from memos.cube import Scope
    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.kinds.drafts import Draft
    from memos.life.index import Index, Ready
    from memos.life.once import Once
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock

    Relate = Callable[[Sequence[MemCube], Ready, Act], Related]

CODE = f"agent-memos {VERSION}"
"""Who did a step that no model had a part in."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a new version changes; None leaves a thing as it was."""

    text: str
    said_at: datetime | None = None
    metadata: Mapping[str, JsonValue] | None = None
    labels: tuple[str, ...] | None = None


class Writer:
    """Writes plaintext cubes: catalog first, then the indexes, before it returns."""

    def __init__(
        self, *, catalog: Catalog, index: Index, clock: Clock, identities: Identities
    ) -> None:
        self._catalog = catalog
        self._index = index
        self._clock = clock
        self._identities = identities

    def add(
        self,
        drafts: Sequence[Draft],
        once: Once,
        *,
        act: Act,
        source: tuple[str, int] | None = None,
        cube_id: str | None = None,
        if_version: int | None = None,
        relate: Relate | None = None,
        progress: Progress = silent,
    ) -> list[MemCube]:
        """One cube a draft, in one transaction; see ``MemOS.add``.

        ``source`` is a URI and which entry of it the first draft is. ``relate`` tells what follows
        from the new cubes for older ones; None: nothing.
        """
        if once.answer is not None:
            return written_before(self._catalog, once.answer)
        ids = self._ids(drafts, cube_id, if_version)
        cubes, edges = self._cubes(drafts, ids, act, source)
        ready = self._index.embed(cubes, progress)
        related = Related() if relate is None else relate(cubes, ready, act)
        edges += [edge for cube in cubes for edge in entity_edges(cube)]
        made = related.current(cubes)
        change = Change(
            audit=act.audit([*ids, *(cube.id for cube in related.put)]),
            put=(*cubes, *related.put),
            edges=(*edges, *related.edges),
            expects={**_parents(cubes), **dict.fromkeys(ids, 0)},
            receipt=once.receipt(answer_of(made)),
        )
        self._catalog.commit(change)
        self._index.drain(made, ready)
        return made

    def revise(
        self, cube: MemCube, revision: Revision, once: Once, *, act: Act, if_version: int | None
    ) -> MemCube:
        """A new version of a plaintext cube; see ``MemOS.update``."""
        if once.answer is not None:
            return written_before(self._catalog, once.answer)[0]
        require_version(cube, if_version)
        require_changeable(cube)
        require_unexpired(cube)
        revised = _revised(cube, revision, act)
        ready = self._index.embed([revised])
        change = Change(
            audit=act.audit([revised.id]),
            put=(revised,),
            edges=tuple(entity_edges(revised)),
            replaces=(revised.id,),
            receipt=once.receipt(answer_of([revised])),
        )
        self._catalog.commit(change)
        self._index.drain([revised], ready)
        return revised

    def _ids(
        self, drafts: Sequence[Draft], cube_id: str | None, if_version: int | None
    ) -> list[str]:
        now = self._clock.now()
        ids = [self._identities.new(now) for _ in drafts]
        if cube_id is not None:
            if len(drafts) > 1:
                raise BadInput(
                    f"id {shown(cube_id)} cannot name {len(drafts)} cubes", hint="add one"
                )
            if not is_cube_id(cube_id):
                raise BadInput(f"id {shown(cube_id)} is not a UUID", hint="leave it out")
            ids = [cube_id]
        require_number(if_version)
        if if_version is not None and if_version != 0:
            message = f"a new cube has no version {shown(if_version)} to compare with"
            raise VersionConflict(message, hint="expect version 0, or update a cube that is there")
        return ids

    def _cubes(
        self,
        drafts: Sequence[Draft],
        ids: Sequence[str],
        act: Act,
        source: tuple[str, int] | None,
    ) -> tuple[list[MemCube], list[Edge]]:
        now = act.at
        last: dict[Scope, tuple[str | None, int]] = {}
        cubes, edges = [], []
        for number, (draft, cube_id) in enumerate(zip(drafts, ids, strict=True)):
            position = None
            if draft.turn:
                before, position = last.get(draft.scope) or self._last_turn(draft.scope, act)
                if before is not None:
                    edges.append(Edge(before, Relation.NEXT, cube_id))
                last[draft.scope] = (cube_id, position + 1)
            origin = draft.origin or Origin(_source(source, number))
            edges += _edges(cube_id, origin)
            provenance = Provenance(
                actor=act.actor,
                time=now,
                step=Step(operation=act.call, by=CODE),
                source=origin.source,
                parents=origin.parents,
            )
            cubes.append(
                born(
                    draft,
                    cube_id,
                    now=now,
                    position=position,
                    provenance=provenance,
                    owner=act.owner,
                )
            )
        return cubes, edges

    def _last_turn(self, scope: Scope, act: Act) -> tuple[str | None, int]:
        """The last turn of a session and the position after it; a turn without one starts at 0.

        In a session of no user's, whoever writes goes on from the turns that it may read: what it
        makes is its own, and tells its position.
        """
        if scope.session_id is None:
            return None, 0
        exactly = tuple(
            Condition(name, Operator.EQ, getattr(scope, name))
            for name in ("user_id", "agent_id", "session_id")
        )
        known = (act.visible(),) if scope.user_id is None else ()
        turns = Every((*exactly, Condition("position", Operator.NE, None), *known))
        kinds = (Kind.PLAINTEXT,)
        found = self._catalog.select(
            Selection(scope=scope, where=turns, kinds=kinds, newest_first=True, limit=1)
        )
        if not found or not isinstance(found[0].payload, Plaintext):
            return None, 0
        return found[0].id, (found[0].payload.position or 0) + 1


def _source(source: tuple[str, int] | None, number: int) -> Source | None:
    if source is None:
        return None
    uri, start = source
    return Source(uri=uri, span=(start + number, start + number + 1))


def _edges(cube_id: str, origin: Origin) -> list[Edge]:
    """From a cube to what it was put together from, and to the earlier one that says the same."""
    edges = [Edge(cube_id, Relation.DERIVED, one.id, one.version) for one in origin.parents]
    if origin.duplicates is not None:
        edges.append(Edge(cube_id, Relation.DUPLICATES, origin.duplicates))
    return edges


def _parents(cubes: Sequence[MemCube]) -> dict[str, int]:
    """The versions that the cubes' parents must be at still."""
    return {parent.id: parent.version for cube in cubes for parent in cube.provenance.parents}


def answer_of(cubes: Sequence[MemCube]) -> JsonValue:
    """What a receipt keeps of the cubes that a call wrote."""
    return [[cube.id, cube.version] for cube in cubes]


def written_before(catalog: Catalog, answer: JsonValue) -> list[MemCube]:
    """The cubes that a call with the same key wrote.

    Raises:
        UnknownCube: one was forgotten since.
    """
    pairs = answer if isinstance(answer, list) else []
    cubes = []
    for pair in pairs:
        cube_id, version = pair if isinstance(pair, list) else (None, None)
        cube = catalog.find(str(cube_id), int(str(version)))
        if cube is None:
            message = f"the call with this key made cube {cube_id}, which was forgotten since"
            raise UnknownCube(message, hint="use a new key to write it anew")
        cubes.append(cube)
    return cubes


def _revised(cube: MemCube, revision: Revision, act: Act) -> MemCube:
    if not isinstance(cube.payload, Plaintext):
        message = f"cube {cube.id} is {cube.kind}, and only plaintext is revised"
        raise WrongKind(message, hint="revise its sources and transform them again")
    # Who revises a fact speaks for it from now on, and its sources no more.
    attributes = {name: said for name, said in cube.payload.attributes.items() if name != EVIDENCE}
    payload = cube.payload.model_copy(update={"text": revision.text, "attributes": attributes})
    old = cube.header
    header = Header(
        **{
            **dict(old),
            "title": heading(revision.text, payload.attributes),
            "labels": old.labels if revision.labels is None else revision.labels,
            "metadata": old.metadata if revision.metadata is None else dict(revision.metadata),
            "updated_at": act.at,
            "valid_from": revision.said_at or old.valid_from,
            "valid_to": None,  # what is said anew counts
            "digest": payload_digest(payload),
            "life": Life(state=cube.state, version=cube.version + 1, previous=cube.version),
        }
    )
    provenance = Provenance(
        actor=act.actor,
        time=act.at,
        step=Step(operation="update", by=CODE),
        source=cube.provenance.source,
        parents=cube.provenance.parents,
    )
    return MemCube(header=header, payload=payload, provenance=provenance)
