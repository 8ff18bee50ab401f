"""One memory is said to hold in the place of another."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from memos.cube import Governance, Kind, MemCube, Plaintext
from memos.errors import BadInput, Conflict, WrongKind
from memos.life.related import Related
from memos.life.relating import closed, since
from memos.life.writing import answer_of, written_before
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memos.governance.act import Act
    from memos.kinds.drafts import Draft
    from memos.life.index import Index, Ready
    from memos.life.once import Once
    from memos.life.writing import Writer
    from memos.ports.catalog import Catalog


class Superseder:
    """Ends the time of a memory in favour of another, which is there or is written along."""

    def __init__(self, *, catalog: Catalog, index: Index, writer: Writer) -> None:
        self._catalog = catalog
        self._index = index
        self._writer = writer

    def write(self, old: MemCube, draft: Draft, once: Once, *, act: Act) -> MemCube:
        """Write a text that holds in the place of ``old``, as sensitive and of the same voice.

        Raises:
            WrongKind, BadInput, Conflict, FrozenCube: see ``MemOS.supersede``.
        """
        voice = old.payload
        if not isinstance(voice, Plaintext):
            raise _wrong_kind(old)
        rules = Governance(sensitivity=old.header.governance.sensitivity)
        said = replace(
            draft, scope=old.scope, speaker=voice.speaker, role=voice.role, governance=rules
        )
        relate = partial(self._ending, old)
        return self._writer.add([said], once, act=act, relate=relate)[0]

    def link(
        self, old: MemCube, new: MemCube, once: Once, *, act: Act, until: datetime | None
    ) -> MemCube:
        """Let a cube that is there hold in the place of ``old``.

        Raises:
            WrongKind, BadInput, Conflict, FrozenCube: see ``MemOS.supersede``.
        """
        if once.answer is not None:
            return written_before(self._catalog, once.answer)[0]
        ended = self._ended(old, new, since(new) if until is None else until, act)
        change = Change(
            audit=act.audit([old.id, new.id]),
            put=(ended,),
            edges=(Edge(new.id, Relation.SUPERSEDES, old.id, ended.version),),
            receipt=once.receipt(answer_of([new])),
        )
        self._catalog.commit(change)
        self._index.drain([ended])
        return new

    def _ending(self, old: MemCube, cubes: Sequence[MemCube], _ready: Ready, act: Act) -> Related:
        (new,) = cubes
        ended = self._ended(old, new, since(new), act)
        return Related([ended], [Edge(new.id, Relation.SUPERSEDES, old.id, ended.version)])

    def _ended(self, old: MemCube, new: MemCube, until: datetime, act: Act) -> MemCube:
        for cube in (old, new):
            if cube.kind is not Kind.PLAINTEXT:
                raise _wrong_kind(cube)
        if old.id == new.id:
            raise BadInput(f"cube {old.id} cannot supersede itself", hint="memos update revises it")
        if old.user_id != new.user_id:
            message = f"cube {new.id} is not of the same user as {old.id}"
            raise BadInput(message, hint="a memory is superseded by another of the same user")
        begun = old.header.valid_from
        if begun is not None and until <= begun:
            message = f"cube {old.id} is true since {begun}, and would end at {until}"
            raise BadInput(message, hint="name a later time: --at")
        if Edge(old.id, Relation.SUPERSEDES, new.id) in self._forms(old):
            message = f"cube {old.id} supersedes {new.id} already"
            raise Conflict(message, hint="memos links shows what supersedes what")
        ended = closed(old, until, act)
        if ended is None:
            message = f"cube {old.id} is over since {old.header.valid_to} already"
            raise Conflict(message, hint="memos links shows what superseded it")
        return ended

    def _forms(self, old: MemCube) -> list[Edge]:
        """What the cube supersedes, whatever version it wrote."""
        edges = self._catalog.edges_of([old.id], [Relation.SUPERSEDES])
        return [Edge(one.source, one.relation, one.target) for one in edges]


def _wrong_kind(cube: MemCube) -> WrongKind:
    message = f"cube {cube.id} is {cube.kind}, and only plaintext is superseded"
    return WrongKind(message, hint="supersede its sources, and transform them again")
