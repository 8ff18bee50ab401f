"""One call as the rules see it: who, what, in which scope, with which reach, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import ROOT, MemCube, Principal, Right, Scope
from memos.errors import Forbidden
from memos.ports.journal import Audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from memos.governance.access import Reach
    from memos.governance.redaction import Redaction
    from memos.ports.filters import Filter


class Act:
    """Made by the gate for each call; whatever is written names it.

    Args:
        call: the name of the system call.
        right: what the call does to memories.
        principal: who acts.
        scope: the scope that the call names, within the handle's.
        at: when it began; no earlier than any recorded time before it.
        reason: the purpose that the caller gave.
        reach_of: what the principal may touch by a right, in this scope.
        redaction: how sensitive memories are shown to those who may not see them whole.
    """

    def __init__(
        self,
        call: str,
        right: Right,
        *,
        principal: Principal,
        scope: Scope,
        at: datetime,
        reason: str,
        reach_of: Callable[[Right], Reach],
        redaction: Redaction,
    ) -> None:
        self.call = call
        self.right = right
        self.principal = principal
        self.scope = scope
        self.at = at
        self.reason = reason
        self.recorded = False
        self.outcome = "ok"
        self._reach_of = reach_of
        self._redaction = redaction
        self._reaches: dict[Right, Reach] = {}
        self._subjects: dict[str, None] = {}

    @property
    def actor(self) -> str:
        """Who is named in the provenance of what this call makes."""
        if self.principal == ROOT:
            return str(self.scope.agent_id or self.scope.user_id or ROOT.name)
        return str(self.principal)

    @property
    def owner(self) -> str | None:
        """Whose a cube is that this call makes in nobody's scope; None for the application's."""
        return None if self.principal == ROOT else str(self.principal)

    def reach(self, right: Right | None = None) -> Reach:
        """What the principal may touch, by the call's own right or by another."""
        wanted = self.right if right is None else right
        if wanted not in self._reaches:
            self._reaches[wanted] = self._reach_of(wanted)
        return self._reaches[wanted]

    def sees_whole(self, cube: MemCube) -> bool:
        """Whether the principal sees the cube unredacted: it is its own, or it administers it."""
        own = self.principal == ROOT or cube.owner == str(self.principal)
        return own or self.reach(Right.ADMINISTER).holds(cube)

    def shown(self, cubes: Sequence[MemCube]) -> list[MemCube]:
        """The cubes as the principal may see them: whole, or redacted."""
        return self._redaction.view(cubes, self.sees_whole)

    def require_whole(self, cubes: Iterable[MemCube]) -> None:
        """Refuse what would carry a sensitive memory past its redaction, as KV, weights or a file.

        Raises:
            Forbidden: the principal would see one of the cubes redacted.
        """
        for cube in cubes:
            if self._redaction.hides(cube, sees_whole=self.sees_whole(cube)):
                level = cube.header.governance.sensitivity
                message = f"{self.principal} may see the {level} cube {cube.id} only redacted"
                raise Forbidden(message, hint="ask for the right to administer it: memos grant")

    def visible(self) -> Filter:
        """What storage adds to the conditions of a reading call."""
        return self.reach(Right.READ).filter(self.scope)

    def touch(self, ids: Iterable[str]) -> None:
        """Note the cubes that the call is about."""
        self._subjects.update(dict.fromkeys(ids))

    def audit(self, subjects: Iterable[str] = (), outcome: str | None = None) -> Audit:
        """The call's row in the journal; whoever asks for it writes it."""
        self.recorded = True
        self.touch(subjects)
        return Audit(
            at=self.at,
            actor=str(self.principal),
            call=self.call,
            scope=self.scope,
            subjects=tuple(self._subjects),
            outcome=self.outcome if outcome is None else outcome,
            reason=self.reason,
            basis=self.reach().basis,
        )
