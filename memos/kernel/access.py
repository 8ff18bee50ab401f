"""The system calls on rights: who was given what, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from memos.cube import EVERYBODY, ROOT, Principal, Right, read_right
from memos.errors import BadInput, Forbidden, NotFound, shown
from memos.governance.scope import narrowed
from memos.kernel.arguments import require_flags, require_whole
from memos.kernel.cubes import CubeCalls
from memos.kinds.drafts import checked_label, checked_scope
from memos.life.expiry import read_expiry
from memos.ports.catalog import Change
from memos.ports.ledger import Grant, Revocation

if TYPE_CHECKING:
    from datetime import datetime

    from memos.cube import Scope
    from memos.governance.act import Act
    from memos.kernel.handle import Whose


class AccessCalls(CubeCalls):
    """Grant, revoke, and tell who was granted what."""

    def grant(
        self,
        principal: Principal | str,
        rights: Right | str | Sequence[Right | str],
        *,
        id: str | None = None,  # noqa: A002 - the name every user expects
        label: str | None = None,
        everything: bool = False,
        expires_at: datetime | str | float | None = None,
        **whose: Unpack[Whose],
    ) -> list[Grant]:
        """Give somebody rights on one cube, on a scope, or on a label within a scope.

        Args:
            principal: such as ``agent:planner``.
            rights: one or more of read, write, share, forget, administer; none includes another,
                but administer, which includes all.
            id: a cube.
            label: only cubes with this label; those that get it later, too.
            everything: must be said where neither a cube nor a scope is named.
            expires_at: when the grant ends by itself; a time to come.
            whose: the scope.

        Raises:
            Forbidden: one cannot give what one does not hold, and needs the right to share.
            UnknownCube: there is no such cube in this scope.
            BadInput: nobody, nothing or no right was named, or both a cube and a label, or a time
                that has passed.
        """
        with self._act("grant", Right.SHARE, **whose) as act, self._changing(act):
            if id is not None and label is not None:
                message = f"a grant is on cube {shown(id)}, or on label {shown(label)}, not on both"
                raise BadInput(message, hint="choose one of them")
            require_flags(everything=everything)
            named = Principal.read(principal)
            wanted = _several(rights)
            scope = self._target(act, id, everything=everything, **whose)
            for right in wanted:
                self._require_held(act, right, id, scope)
            grants = tuple(
                Grant(
                    principal=str(named),
                    right=right,
                    granted_by=str(act.principal),
                    at=act.at,
                    cube_id=id,
                    scope=EVERYBODY if id is not None else scope,
                    label=None if label is None else checked_label(label),
                    expires_at=read_expiry(None, expires_at, act.at),
                )
                for right in wanted
            )
            before = {grant.number for grant in self._parts.ledger.grants(str(named))}
            self._parts.catalog.commit(
                Change(audit=act.audit([id] if id is not None else []), also=grants)
            )
            there = self._parts.ledger.grants(str(named))
            return [grant for grant in there if grant.number not in before]

    def revoke(self, number: int) -> Grant:
        """Take a grant back; it ends at once.

        Raises:
            BadInput: that is no number.
            NotFound: there is no such grant that one may see.
            Forbidden: one neither gave it nor may share what it is on.
        """
        with self._act("revoke", Right.SHARE) as act, self._changing(act):
            require_whole(number, "the number of the grant")
            found = [one for one in self._visible_grants(act) if one.number == number]
            if not found:
                raise NotFound(f"there is no grant {shown(number)}", hint="memos grants lists them")
            if not self._may_revoke(act, found[0]):
                raise Forbidden(f"grant {number} is not {act.principal}'s to take back")
            self._parts.catalog.commit(Change(audit=act.audit(), also=(Revocation(number),)))
            return found[0]

    def grants(self, principal: Principal | str | None = None) -> list[Grant]:
        """The grants that one was given or gave, and those on what one may share."""
        with self._act("grants", Right.READ) as act:
            named = None if principal is None else str(Principal.read(principal))
            return [one for one in self._visible_grants(act) if named in {None, one.principal}]

    def _target(
        self, act: Act, cube_id: str | None, *, everything: bool, **whose: Unpack[Whose]
    ) -> Scope:
        asked = narrowed(act.scope, checked_scope(**whose))
        if cube_id is not None:
            self._held(cube_id, act)
        elif not asked.named() and not everything:
            hint = "name a cube, a user, an agent or a session, or say everything=True"
            raise BadInput("a grant without a target would be on the whole store", hint=hint)
        else:
            self._gate.require(act, asked)
        return asked

    def _require_held(self, act: Act, right: Right, cube_id: str | None, scope: Scope) -> None:
        reach = act.reach(right)
        if cube_id is None:
            held = reach.covers(scope)
        else:
            cube = self._parts.catalog.find(cube_id)
            held = cube is not None and reach.holds(cube)
        if not held:
            message = f"{act.principal} does not hold the right to {right} this"
            raise Forbidden(message, hint="one can give only what one holds")

    def _visible_grants(self, act: Act) -> list[Grant]:
        me = str(act.principal)
        return [
            one
            for one in self._parts.ledger.grants()
            if (me == one.principal and act.principal != ROOT) or self._may_revoke(act, one)
        ]

    def _may_revoke(self, act: Act, grant: Grant) -> bool:
        # The application gives for all its users: what it gave for one is not another's to see.
        if grant.granted_by == str(act.principal) and act.principal != ROOT:
            return True
        if grant.cube_id is None:
            return act.reach(Right.SHARE).covers(grant.scope)
        cube = self._parts.catalog.find(grant.cube_id)
        return cube is not None and act.reach(Right.SHARE).holds(cube)


def _several(rights: Right | str | Sequence[Right | str]) -> list[Right]:
    listed = [rights] if isinstance(rights, str) else rights
    if not listed or not isinstance(listed, Sequence):
        raise BadInput("no right was named", hint=f"there are: {', '.join(Right)}")
    return list(dict.fromkeys(read_right(one) for one in listed))
