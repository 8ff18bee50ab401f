"""One call as the rules see it: who, what, in which scope, with which reach, and why."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from memos.cube import EVERYBODY, ROOT, MemCube, Principal, Right, Scope
from memos.errors import Forbidden
from memos.governance.access import Reach, reach
from memos.governance.marks import with_parents, without_place
from memos.governance.wording import reads_words, seen_whole
from memos.ports.catalog import Selection
from memos.ports.filters import EVERYTHING, Condition, Every, Operator
from memos.ports.journal import Audit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from memos.governance.redaction import Redaction
    from memos.ports.filters import Filter
    from memos.ports.ledger import Grant

_MANY = 500
"""Ids in one question to storage."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an act asks before it decides."""

    grants: Callable[[], Sequence[Grant]]
    """What the principal was granted by others, as it is now."""
    redaction: Redaction
    """How sensitive memories are shown to those who may not see them whole."""
    levels_of: Callable[[Collection[str]], dict[str, str]]
    """How sensitive cubes are now, by id."""
    ids_of: Callable[[Selection], list[str]]
    """The ids of the cubes that a selection admits now."""


class Act:
    """Made by the gate for each call; whatever is written names it.

    Args:
        call: the name of the system call.
        right: what the call does to memories.
        principal: who acts.
        scope: the scope of the handle; ``act.scope`` is what the call names within it.
        at: when it began; no earlier than any recorded time before it.
        reason: the purpose that the caller gave.
        rules: what decides what the principal may touch and see.
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
        rules: Rules,
    ) -> None:
        self.call = call
        self.right = right
        self.principal = principal
        self.scope = scope
        self._bound = scope
        self.at = at
        self.reason = reason
        self.recorded = False
        self.outcome = "ok"
        self._rules = rules
        self._began = at
        self._grants: Sequence[Grant] | None = None
        self._reaches: dict[Right, Reach] = {}
        self._subjects: dict[str, None] = {}

    def widened(self) -> Self:
        """The same act in all that its handle is bound to, whatever scope the call names.

        For what is told of cubes that come along from outside of that scope.
        """
        wide = copy(self)
        wide.scope = self._bound
        wide._reaches = {}  # noqa: SLF001 - it is our own copy
        return wide

    @property
    def actor(self) -> str:
        """Who is named in the provenance of what this call makes, and in the journal."""
        return str(self.principal)

    @property
    def owner(self) -> str | None:
        """Whose a cube is that this call makes in nobody's scope; None for the application's."""
        return None if self.principal == ROOT else str(self.principal)

    def reach(self, right: Right | None = None) -> Reach:
        """What the principal may touch, by the call's own right or by another."""
        wanted = self.right if right is None else right
        if wanted not in self._reaches:
            self._reaches[wanted] = reach(
                self.principal,
                wanted,
                grants=self._granted(),
                asked=self.scope,
                now=self._began,
            )
        return self._reaches[wanted]

    def _granted(self) -> Iterator[Grant]:
        # Asked when they are needed, and once: about all rights, a call decides by the same grants.
        if self._grants is None:
            self._grants = self._rules.grants()
        yield from self._grants

    def sees_whole(self, cube: MemCube) -> bool:
        """Whether the principal sees the cube unredacted: it is its own, or it administers it."""
        own = self.principal == ROOT or cube.owner == str(self.principal)
        return own or self.reach(Right.ADMINISTER).holds(cube)

    def shown(self, cubes: Sequence[MemCube], *, current: bool = False) -> list[MemCube]:
        """The cubes as the principal may see them: whole or redacted, naming what it may read.

        Where they are ``current``, how sensitive they are stands in their own headers.
        """
        today = {} if current else self._levels_now(cubes)
        views = self._rules.redaction.view(cubes, self.sees_whole, today)
        return self.untied(views)

    def untied(self, cubes: Sequence[MemCube]) -> list[MemCube]:
        """Cubes that name, of what they were made from, only what the principal may read."""
        there = self.readable({one.id for cube in cubes for one in cube.provenance.parents})
        return [with_parents(cube, there) for cube in cubes]

    def made(self, cubes: Sequence[MemCube]) -> list[MemCube]:
        """Cubes as their maker is told of them, which may perhaps write and not read."""
        reach = self.reach(Right.READ)
        return [cube if reach.holds(cube) else without_place(cube) for cube in cubes]

    def readable(self, ids: Collection[str]) -> set[str]:
        """Which of these cubes the principal may read, as they are now."""
        if self.principal == ROOT and self.scope == EVERYBODY:
            return set(ids)
        listed, found = sorted(ids), set[str]()
        for start in range(0, len(listed), _MANY):
            named = Condition("id", Operator.IN, list(listed[start : start + _MANY]))
            where = Every((named, self.visible()))
            found.update(self._rules.ids_of(Selection(scope=self.scope, where=where)))
        return found

    def require_whole(self, cubes: Sequence[MemCube]) -> None:
        """Refuse what would carry a sensitive memory past its redaction, as KV, weights or a file.

        Raises:
            Forbidden: the principal would see one of the cubes redacted.
        """
        today = self._levels_now(cubes)
        for cube in cubes:
            whole = self.sees_whole(cube)
            if self._rules.redaction.hides(cube, sees_whole=whole, today=today.get(cube.id)):
                level = cube.header.governance.sensitivity
                message = f"{self.principal} may see the {level} cube {cube.id} only redacted"
                raise Forbidden(message, hint="ask for the right to administer it: memos grant")

    def shows_whole(self, cubes: Sequence[MemCube]) -> bool:
        """Whether none of the cubes, as it is now, would be shown to the principal redacted."""
        today = self._levels_now(cubes)
        return not any(
            self._rules.redaction.hides(
                cube, sees_whole=self.sees_whole(cube), today=today.get(cube.id)
            )
            for cube in cubes
        )

    def reads_whole(self, cube: MemCube) -> bool:
        """Whether the principal may read the cube, and is shown it as it is."""
        if not self.reach(Right.READ).holds(cube):
            return False
        return not self._rules.redaction.hides(cube, sees_whole=self.sees_whole(cube))

    def _levels_now(self, cubes: Sequence[MemCube]) -> dict[str, str]:
        partly = {cube.id for cube in cubes if not self.sees_whole(cube)}
        return self._rules.levels_of(partly) if partly else {}

    def asked(self, where: Filter) -> Filter:
        """A filter as it counts for the principal: see :mod:`memos.governance.wording`."""
        return Every((where, self.open_to(where))) if reads_words(where) else where

    def open_to(self, where: Filter) -> Filter:
        """Which memories a filter may be asked of."""
        if not reads_words(where):
            return EVERYTHING
        administered = self.reach(Right.ADMINISTER).filter(self.scope)
        return seen_whole(self.principal, administered, self._rules.redaction.harmless)

    def visible(self) -> Filter:
        """What storage adds to the conditions of a reading call."""
        return self.reach(Right.READ).filter(self.scope)

    def touch(self, ids: Iterable[str]) -> None:
        """Note the cubes that the call is about."""
        self._subjects.update(dict.fromkeys(ids))

    def audit(self, subjects: Iterable[str] = (), outcome: str | None = None) -> Audit:
        """The call's row in the journal; whoever asks for it writes it.

        Args:
            subjects: ids of cubes, beside those that were touched.
            outcome: the error that it ended in; None where it did not.
        """
        self.recorded = True
        self.touch(subjects)
        return Audit(
            at=self.at,
            actor=self.actor,
            call=self.call,
            scope=self.scope,
            subjects=tuple(self._subjects),
            outcome=self.outcome if outcome is None else outcome,
            reason=self.reason,
            basis=self.reach().basis if outcome is None else "",
        )
