"""The system calls that make a cube of other versions and other cubes: restore, fork, merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from memos.cube import Right
from memos.errors import BadInput, Forbidden, UnknownCube, shown
from memos.governance.scope import joint, narrowed
from memos.kernel.arguments import read_ids, require_count
from memos.kernel.kinds import KindCalls
from memos.kinds.drafts import (
    Draft,
    checked_labels,
    checked_metadata,
    checked_scope,
    checked_text,
)
from memos.kinds.times import read_time
from memos.life.expectation import require_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from memos.cube import MemCube, Scope
    from memos.kernel.handle import Whose

_LARGEST = 2**31 - 1


class BranchCalls(KindCalls):
    """Go back to an old version, go two ways, or make one of many."""

    def restore(
        self,
        id: str,  # noqa: A002 - the name every user expects
        version: int,
        *,
        if_version: int | None = None,
        idempotency_key: str | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Revise a plaintext cube to what it held at an old version; a new version is written.

        Text, labels, metadata and the time of which it tells come back; its state and the rules
        it is under stay. What was derived from that content is current again, what was derived
        from another is stale.

        Raises:
            UnknownCube: there is none in this scope, or not in this version.
            WrongKind: it is not plaintext.
            VersionConflict: it is not at ``if_version``.
            FrozenCube: it is frozen.
            ExpiredCube: its time is over.
        """
        with self._act("restore", Right.WRITE, **whose) as act:
            require_count(version, "version", largest=_LARGEST)
            with self._changing(act):
                once = self._once(idempotency_key, act, ["restore", id, version, if_version])
                cube = self._held(id, act)
                if once.answer is None:
                    require_version(cube, if_version)
                old = self._parts.catalog.find(id, version)
                if old is None:
                    raise UnknownCube(f"cube {id} has no version {version}", hint="memos history")
                restored = self._brancher.restore(cube, old, once, act=act)
                return act.shown([restored])[0]

    def fork(
        self,
        id: str,  # noqa: A002
        *,
        into: Whose | None = None,
        idempotency_key: str | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """A new plaintext cube with the same text, which goes its own way from here.

        Revising the one leaves the other as it is. Forgetting the original takes its forks
        along, for they hold its text.

        Args:
            id: the original; it may be frozen.
            into: whose the fork is, such as ``{"user_id": "alice"}``; by default the original's.
            idempotency_key: the same key and arguments again return the same cube.
            whose: within this scope lie the original and the fork.

        Raises:
            UnknownCube: there is none in this scope.
            WrongKind: it is not plaintext.
            ExpiredCube: its time is over.
            Forbidden: without the right to write where the fork goes, or to see all of the text.
        """
        with self._act("fork", Right.WRITE, **whose) as act, self._changing(act):
            target = None if into is None else narrowed(act.scope, _read_target(into))
            named = None if target is None else target.named()
            once = self._once(idempotency_key, act, ["fork", id, named])
            cube = self._seen(id, act)
            act.require_whole([cube])
            scope = cube.scope if target is None else target
            if target is None and not act.reach().covers(scope):
                message = f"{act.principal} may not {act.right} in {scope}, where the original is"
                raise Forbidden(message, hint="say whose the fork is to be, such as one's own")
            self._gate.require(act, scope)
            return self._brancher.fork(cube, scope, once, act=act)

    def merge(
        self,
        ids: Sequence[str],
        text: str,
        *,
        timestamp: datetime | str | float | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        labels: Sequence[str] = (),
        idempotency_key: str | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """A new plaintext cube in the place of several, which become merged.

        What is merged is found no more, and stays readable; ``activate`` takes it back. Forgetting
        one of them takes the new cube along.

        Args:
            ids: two plaintext cubes or more, of one user.
            text: what stands in their place.
            timestamp: when it was true.
            metadata: of the new cube.
            labels: of the new cube.
            idempotency_key: the same key and arguments again return the same cube.
            whose: within this scope the cubes are looked for.

        Raises:
            UnknownCube: one of the cubes is not there.
            WrongKind: one of them is not plaintext.
            IllegalTransition: one of them is not active.
            FrozenCube: one of them is frozen.
            BadInput: fewer than two, or of different users.
            Forbidden: without the right to write them all.
        """
        with self._act("merge", Right.WRITE, **whose) as act:
            named = read_ids(ids)
            draft = Draft(
                text=checked_text(text),
                said_at=None if timestamp is None else read_time(timestamp),
                metadata=checked_metadata(metadata or {}),
                labels=checked_labels(labels),
            )
            arguments = ["merge", list(ids), repr(draft)]
            with self._changing(act):
                once = self._once(idempotency_key, act, arguments)
                cubes = [self._held(one, act) for one in named]
                if cubes:
                    self._gate.require(act, joint(cubes))
                return act.shown([self._brancher.merge(cubes, draft, once, act=act)])[0]


def _read_target(into: object) -> Scope:
    if not isinstance(into, Mapping) or not all(isinstance(name, str) for name in into):
        raise BadInput(f"into is {shown(into)}", hint='pass ids, such as {"user_id": "alice"}')
    return checked_scope(**into)
