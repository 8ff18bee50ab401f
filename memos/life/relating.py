"""What a new memory has to do with the older ones of the same mind, and what follows for them.

    new cube --- vectors.near, and the batch before it ---> a few older ones of the same mind
                                |
                memos.kinds.kinship decides, pair by pair
                                |
    SAME, NEAR      an edge DUPLICATES
    CHANGE, later   the older is true until the newer is: a version with ``valid_to``, and an edge
                    SUPERSEDES; all in the transaction that writes the new cube
    otherwise       an edge CONTRADICTS; both stay as they are

A mind is a user's memory with one agent, in all sessions; of what is no user's and no agent's, a
session by itself. What the principal may not read whole is not looked at, and what it may not
write, what is frozen, and what is under legal hold is never closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memos.cube import Kind, MemCube, Plaintext, Scope, State
from memos.cube.header import FINDABLE
from memos.kinds.kinship import Moment, Verdict, kin, neighbourhood, verdict
from memos.kinds.plaintext import indexed_text
from memos.life.amending import Amendment, amended
from memos.life.related import Related
from memos.ports.graph import Edge, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from memos.governance.act import Act
    from memos.kinds.kinship import Neighbourhood
    from memos.life.index import Index, Ready
    from memos.ports.catalog import Catalog

_FURTHER = 16
"""How many times as many are looked at where all of the nearest are over."""
_ELSEWHERE = -2.0
_BLOCK = 512
"""New cubes whose cosines with the batch are computed at once."""


class Relater:
    """Compares new plaintext cubes with the nearest older ones; writes nothing itself."""

    def __init__(self, *, catalog: Catalog, index: Index) -> None:
        self._catalog = catalog
        self._index = index

    def related(
        self,
        cubes: Sequence[MemCube],
        ready: Ready,
        act: Act,
    ) -> Related:
        """What follows from the new cubes, in their order.

        Args:
            cubes: not written yet; a later one may end the time of an earlier one.
            ready: what the embedding model made of them; see ``Index.embed``.
            act: by whom.
        """
        act = act.widened()  # a call that names one session is about a mind of several
        vectors = np.stack([ready[indexed_text(cube)].vector for cube in cubes])
        around = [neighbourhood(_said(cube)) for cube in cubes]
        stored = [
            self._stored(cube, vector, each, act)
            for cube, vector, each in zip(cubes, vectors, around, strict=True)
        ]
        found = Related()
        for number, beside in enumerate(_batched(cubes, vectors)):
            near = _nearest(beside, around[number], {cube.id for cube in found.put}, cubes)
            _relate(cubes[number], [*stored[number], *near], found, act)
        return found

    def _stored(
        self, cube: MemCube, vector: NDArray[np.float32], around: Neighbourhood, act: Act
    ) -> list[MemCube]:
        """The nearest that are stored, nearest first.

        Where they are all over, as of something that has often changed, it is looked further.
        """
        older: list[MemCube] = []
        for most in (around.most, around.most * _FURTHER):
            near = self._index.vectors.near(vector, k=most, scope=mind_of(cube.scope))
            ids = [one.id for one in near if one.score >= around.least]
            if not ids:
                break
            older = [
                one
                for one in self._catalog.find_all(ids)
                if _is_of_one_mind(cube, one) and act.reads_whole(one)
            ]
            if len(ids) < most or not older or any(one.header.valid_to is None for one in older):
                break
        return older


def mind_of(scope: Scope) -> Scope:
    """The scope in which a memory is compared with others."""
    if scope.user_id is None and scope.agent_id is None:
        return scope
    return scope.model_copy(update={"session_id": None})


def closed(cube: MemCube, until: datetime, act: Act) -> MemCube | None:
    """The version of a cube that ends its time; None where it has ended by then already.

    Raises:
        FrozenCube: it is frozen.
    """
    over = cube.header.valid_to
    if over is not None and over <= until:
        return None
    return amended(cube, Amendment("supersede", header={"valid_to": until}), act)


def since(cube: MemCube) -> datetime:
    """From when on a cube counts: when it became true, or else when we learned it."""
    return cube.header.valid_from or cube.created_at


def _batched(
    cubes: Sequence[MemCube], vectors: NDArray[np.float32]
) -> Iterator[NDArray[np.float32]]:
    """For each cube its cosines with those before it in the batch; below -1 for other minds."""
    minds = {cube.scope: mind_of(cube.scope) for cube in cubes}
    numbers = {mind: number for number, mind in enumerate(dict.fromkeys(minds.values()))}
    mind = np.array([numbers[minds[cube.scope]] for cube in cubes])
    for start in range(0, len(cubes), _BLOCK):
        end = min(start + _BLOCK, len(cubes))
        cosines = vectors[start:end] @ vectors[:end].T
        cosines[mind[start:end, None] != mind[None, :end]] = _ELSEWHERE
        for row in range(start, end):
            yield cosines[row - start, :row]


def _nearest(
    cosines: NDArray[np.float32],
    around: Neighbourhood,
    over: Collection[str],
    cubes: Sequence[MemCube],
) -> list[MemCube]:
    """The nearest of a batch, nearest first; what is over already keeps nothing else out."""
    near = np.flatnonzero(cosines >= around.least)
    ordered = [cubes[one] for one in near[np.argsort(-cosines[near], kind="stable")]]
    lasting = [cube for cube in ordered if cube.id not in over]
    ended = [cube for cube in ordered if cube.id in over]
    return [*lasting[: around.most], *ended[: around.most]]


def _is_of_one_mind(new: MemCube, old: MemCube) -> bool:
    if old.kind is not Kind.PLAINTEXT or old.state not in FINDABLE:
        return False
    return mind_of(new.scope) == mind_of(old.scope) and _voice(new) == _voice(old)


def _voice(cube: MemCube) -> tuple[str | None, str]:
    payload = cube.payload
    if not isinstance(payload, Plaintext):
        return None, ""
    return payload.speaker, payload.role or "user"


def _relate(new: MemCube, older: Sequence[MemCube], found: Related, act: Act) -> None:
    twins = 0
    for old in older:
        kinship = kin(_said(new), _said(old)) if _is_of_one_mind(new, old) else None
        if kinship is None:
            continue
        told = verdict(kinship, _moment(new), _moment(old))
        if told is Verdict.DUPLICATES:
            twins += 1
            if twins == 1:  # one is enough: that one hangs on its own
                found.edges.append(Edge(new.id, Relation.DUPLICATES, old.id))
        elif told is Verdict.SUPERSEDES:
            _close(old, new, found, act)
        elif told is Verdict.SUPERSEDED:
            _close(new, old, found, act)
        else:
            found.edges.append(Edge(new.id, Relation.CONTRADICTS, old.id))


def _close(older: MemCube, newer: MemCube, found: Related, act: Act) -> None:
    (current,) = found.current([older])
    if not _may_close(current, act):
        found.edges.append(Edge(newer.id, Relation.CONTRADICTS, older.id))
        return
    ended = closed(current, since(newer), act)
    if ended is not None:
        found.put.append(ended)
        found.edges.append(Edge(newer.id, Relation.SUPERSEDES, older.id, ended.version))


def _may_close(cube: MemCube, act: Act) -> bool:
    held = cube.header.governance.legal_hold or cube.state is State.FROZEN
    return not held and act.reach().holds(cube)


def _said(cube: MemCube) -> str:
    """What was said and shown, whoever did."""
    return indexed_text(cube).removeprefix(f"{cube.speaker}: ")


def _moment(cube: MemCube) -> Moment:
    position = cube.payload.position if isinstance(cube.payload, Plaintext) else None
    session = cube.scope.session_id
    order = None if position is None or session is None else (session, position)
    return Moment(cube.header.valid_from, cube.created_at, order)
