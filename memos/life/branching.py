"""Cubes that come from other versions and other cubes, as text: restored, forked, merged.

restore    version 1 ----------> version 3 of the same cube, with the content of version 1
fork       a at version 2 -----> b at version 1, with the same text; b knows a as its parent
merge      a, b, c ------------> d, with a text of its own; a, b and c become merged

A fork and a merged text hold what their parents held: whoever forgets a parent forgets them too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memos.cube import Header, Life, MemCube, Parent, Plaintext, Provenance, State, Step
from memos.cube.header import FINDABLE
from memos.errors import BadInput, WrongKind
from memos.governance.scope import inherited, joint
from memos.kinds.drafts import Draft
from memos.kinds.entities import entity_edges
from memos.kinds.plaintext import born
from memos.life.amending import Amendment, amended
from memos.life.expectation import require_changeable, require_unexpired
from memos.life.writing import CODE, answer_of, written_before
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import Governance, Scope
    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.life.index import Index
    from memos.life.once import Once
    from memos.ports.catalog import Catalog

_MERGED = Amendment("merge", State.MERGED)


class Brancher:
    """Writes plaintext cubes that come from others; each call is one transaction."""

    def __init__(self, *, catalog: Catalog, index: Index, identities: Identities) -> None:
        self._catalog = catalog
        self._index = index
        self._identities = identities

    def restore(self, cube: MemCube, old: MemCube, once: Once, *, act: Act) -> MemCube:
        """The next version of ``cube``, with what it held at version ``old``."""
        if once.answer is not None:
            return written_before(self._catalog, once.answer)[0]
        _require_plaintext(cube, "restored")
        require_changeable(cube)
        require_unexpired(cube)
        return self._written(_restored(cube, old, act), (), once, act=act)

    def fork(self, cube: MemCube, scope: Scope, once: Once, *, act: Act) -> MemCube:
        """A new cube with the same text."""
        if once.answer is not None:
            return written_before(self._catalog, once.answer)[0]
        payload = _require_plaintext(cube, "forked")
        require_unexpired(cube)
        draft = Draft(
            text=payload.text,
            scope=scope,
            speaker=payload.speaker,
            role=payload.role,
            said_at=cube.header.valid_from,
            metadata=cube.metadata,
            labels=cube.header.labels,
            attributes=payload.attributes,
            governance=_governance([cube], act),
        )
        return self._written(self._born(draft, [cube], act), [cube], once, act=act)

    def merge(self, cubes: Sequence[MemCube], draft: Draft, once: Once, *, act: Act) -> MemCube:
        """A new cube in the place of several, which become merged."""
        if once.answer is not None:
            return written_before(self._catalog, once.answer)[0]
        if len(cubes) < 2:
            message = "one cube alone cannot be merged" if cubes else "there is nothing to merge"
            raise BadInput(message, hint="name two or more")
        for cube in cubes:
            _require_plaintext(cube, "merged")
        merged = tuple(amended(cube, _MERGED, act) for cube in cubes)
        outline = replace(draft, scope=joint(cubes), governance=_governance(cubes, act))
        made = self._born(outline, cubes, act)
        return self._written(made, cubes, once, act=act, along=merged)

    def _born(self, draft: Draft, parents: Sequence[MemCube], act: Act) -> MemCube:
        provenance = Provenance(
            actor=act.actor,
            time=act.at,
            step=Step(operation=act.call, by=CODE),
            parents=tuple(Parent(id=one.id, version=one.version) for one in parents),
        )
        cube_id = self._identities.new(act.at)
        return born(
            draft,
            cube_id,
            now=act.at,
            position=None,
            provenance=provenance,
            owner=act.owner,
        )

    def _written(
        self,
        cube: MemCube,
        parents: Sequence[MemCube],
        once: Once,
        *,
        act: Act,
        along: tuple[MemCube, ...] = (),
    ) -> MemCube:
        ready = self._index.embed([cube] if cube.state in FINDABLE else [])
        derived = [Edge(cube.id, Relation.DERIVED, one.id, one.version) for one in parents]
        change = Change(
            audit=act.audit([cube.id, *(one.id for one in parents)]),
            put=(cube, *along),
            edges=(*derived, *entity_edges(cube)),
            replaces=(cube.id,),
            expects={one.id: one.version for one in parents},
            receipt=once.receipt(answer_of([cube])),
        )
        self._catalog.commit(change)
        self._index.drain([cube, *along], ready)
        return cube


def _require_plaintext(cube: MemCube, what: str) -> Plaintext:
    if not isinstance(cube.payload, Plaintext):
        message = f"cube {cube.id} is {cube.kind}, and only plaintext is {what}"
        raise WrongKind(message, hint="name the cubes it was made from: memos lineage")
    return cube.payload


def _governance(parents: Sequence[MemCube], act: Act) -> Governance:
    """As strict as the strictest parent; owned by whoever made it, or else as the parents were."""
    rules = inherited([cube.header.governance for cube in parents])
    return rules if act.owner is None else rules.model_copy(update={"owner": None})


def _restored(cube: MemCube, old: MemCube, act: Act) -> MemCube:
    then, now = old.header, cube.header
    header = Header(
        **{
            **dict(now),
            "title": then.title,
            "labels": then.labels,
            "metadata": then.metadata,
            "valid_from": then.valid_from,
            "valid_to": then.valid_to,
            "updated_at": act.at,
            "digest": then.digest,
            "life": Life(
                state=cube.state,
                version=cube.version + 1,
                previous=cube.version,
                content=old.content_version,
            ),
        }
    )
    provenance = Provenance(
        actor=act.actor,
        time=act.at,
        step=Step(operation="restore", by=CODE, parameters={"version": str(old.version)}),
        source=old.provenance.source,
        parents=cube.provenance.parents,
    )
    return MemCube(header=header, payload=old.payload, provenance=provenance)
