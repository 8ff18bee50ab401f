"""Who may do what: pure decisions over a principal, its grants, and what a call asks for.

A reach is a union of areas. For ``user:alice`` with two grants, reading:

    user_id = alice                        she owns what is hers
    owner = user:alice                     and what she made for nobody in particular
    user_id = bob, labels contain "work"   a grant on a label within a scope
    id in (…)                              grants on single cubes

narrowed by the scope that the call names; an area that contradicts it falls away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube import OWNERS, ROOT, MemCube, Party, Principal, Right, Scope
from memos.governance.matching import admits
from memos.ports.filters import EVERYTHING, Condition, Every, Filter, Operator, Some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from memos.ports.ledger import Grant


@dataclass(frozen=True, slots=True)
class Area:
    """The cubes of a scope that a filter admits."""

    scope: Scope
    where: Filter = EVERYTHING

    def covers(self, scope: Scope) -> bool:
        """Whether everything in ``scope`` lies in this area."""
        return self.where == EVERYTHING and self.scope.covers(scope)

    def holds(self, cube: MemCube) -> bool:
        """Whether the cube lies in this area."""
        return self.scope.covers(cube.scope) and admits(self.where, cube)

    def filter(self) -> Filter:
        """The area as a condition."""
        named = self.scope.named().items()
        conditions = [Condition(name, Operator.EQ, value) for name, value in named]
        return Every((*conditions, *(() if self.where == EVERYTHING else (self.where,))))


@dataclass(frozen=True, slots=True)
class Reach:
    """What a principal may touch in one way, within the scope that a call names."""

    areas: tuple[Area, ...]
    basis: str
    """``root``, ``owner`` or ``grants``: what the widest of the areas rests on; empty for none."""

    def covers(self, scope: Scope) -> bool:
        """Whether the principal may do this in all of ``scope``, such as add to it."""
        return any(area.covers(scope) for area in self.areas)

    def holds(self, cube: MemCube) -> bool:
        """Whether the principal may do this to the cube."""
        return any(area.holds(cube) for area in self.areas)

    def filter(self, asked: Scope) -> Filter:
        """What storage adds to the conditions of a call on ``asked``; EVERYTHING where it may."""
        if self.covers(asked):
            return EVERYTHING
        return Some(tuple(area.filter() for area in self.areas))


def reach(
    principal: Principal,
    right: Right,
    *,
    grants: Iterable[Grant],
    asked: Scope,
    now: datetime,
) -> Reach:
    """What ``principal`` may touch, by ``right``, of what a call asks for.

    Args:
        principal: who acts.
        right: what it wants to do.
        grants: the principal's own grants; those of others are passed over. They are not so much
            as asked for where it owns all that the call asks for.
        asked: the scope that the call names.
        now: grants that have expired by now are passed over.
    """
    if principal == ROOT:
        return Reach((Area(asked),), "root")
    owned = list(_owned(principal, asked)) if right in OWNERS else []
    if (whole := _covering(owned, asked)) is not None:
        return Reach((whole,), "owner")
    mine = [grant for grant in grants if _applies(grant, principal, right, now)]
    granted = list(_granted(mine, asked))
    if (whole := _covering(granted, asked)) is not None:
        return Reach((whole,), "grants")
    return Reach((*owned, *granted), _basis(owned, granted))


def intersection(one: Scope, other: Scope) -> Scope | None:
    """The scope of what lies in both; None where they contradict each other."""
    joined = {**one.named(), **other.named()}
    if any(joined[name] != value for name, value in one.named().items()):
        return None
    return Scope(**joined)


def _covering(areas: Sequence[Area], asked: Scope) -> Area | None:
    """An area of which all others are a part."""
    return next((area for area in areas if area.covers(asked)), None)


def _basis(owned: Sequence[Area], granted: Sequence[Area]) -> str:
    # What one made for nobody in particular is little beside what one was granted.
    if granted and all(area.where != EVERYTHING for area in owned):
        return "grants"
    return "owner" if owned else ""


def _owned(principal: Principal, asked: Scope) -> Iterator[Area]:
    if principal.party is Party.USER:
        mine = intersection(asked, Scope(user_id=principal.name))
        if mine is not None:
            yield Area(mine)
    # Last: storage finds the few cubes that have an owner other than their user by an index.
    yield Area(asked, Condition("owner", Operator.EQ, str(principal)))


def _granted(grants: Sequence[Grant], asked: Scope) -> Iterator[Area]:
    cubes = []
    for grant in grants:
        if grant.cube_id is not None:
            cubes.append(grant.cube_id)
        elif (scope := intersection(asked, grant.scope)) is not None:
            labelled = Condition("labels", Operator.CONTAINS, grant.label)
            yield Area(scope, EVERYTHING if grant.label is None else labelled)
    if cubes:
        yield Area(asked, Condition("id", Operator.IN, list(dict.fromkeys(cubes))))


def _applies(grant: Grant, principal: Principal, right: Right, now: datetime) -> bool:
    return (
        grant.principal == str(principal)
        and grant.right in {right, Right.ADMINISTER}
        and (grant.expires_at is None or now < grant.expires_at)
    )
