"""The system calls on a cube's life: its state, its time, and the rules it is under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import EVERYBODY, Right, State
from memos.errors import Forbidden
from memos.governance.sensitivity import LEVELS, checked_sensitivity
from memos.kernel.cubes import CubeCalls
from memos.kinds.drafts import checked_labels
from memos.life.amending import Amendment
from memos.life.expiry import read_expiry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.kernel.handle import Whose


class LifeCalls(CubeCalls):
    """Change a cube's state and its rules; each change is a version with the same content.

    ``memos.governance.states`` draws which state leads to which. Every call returns the new
    version, and takes ``if_version``: only if the cube is at that version.
    """

    def archive(
        self,
        id: str,  # noqa: A002 - the name every user expects
        *,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Put a cube away: it is found no more, and stays readable by its id.

        Raises:
            UnknownCube: there is none in this scope.
            IllegalTransition: its state does not lead there.
            FrozenCube: it is frozen.
        """
        return self._become("archive", State.ARCHIVED, id, if_version, **whose)

    def activate(
        self,
        id: str,  # noqa: A002
        *,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Take a cube back into use that was archived or merged; it is found again.

        Raises:
            UnknownCube: there is none in this scope.
            IllegalTransition: its state does not lead there.
            FrozenCube: it is frozen: thaw it.
            UnfitCube: it is parametric, and failed its evaluation.
        """
        return self._become("activate", State.ACTIVATED, id, if_version, **whose)

    def freeze(
        self,
        id: str,  # noqa: A002
        *,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Keep a cube as it is: it is found and used, and every change of it is refused.

        It can be forgotten all the same, and its time still runs; a legal hold prevents the first.

        Raises:
            UnknownCube: there is none in this scope.
            IllegalTransition: its state does not lead there.
            FrozenCube: it is frozen.
        """
        return self._become("freeze", State.FROZEN, id, if_version, **whose)

    def thaw(
        self,
        id: str,  # noqa: A002
        *,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Let a frozen cube be changed again.

        Raises:
            UnknownCube: there is none in this scope.
            IllegalTransition: it is not frozen.
        """
        thawed = Amendment("thaw", State.ACTIVATED, on_frozen=True)
        return self._amended(thawed, Right.WRITE, id, if_version, **whose)

    def expire(
        self,
        id: str,  # noqa: A002
        *,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """End a cube's time now: it is neither found nor used, and stays readable by its id.

        Raises:
            UnknownCube: there is none in this scope.
            IllegalTransition: it has expired.
            FrozenCube: it is frozen.
        """
        with self._act("expire", Right.WRITE, **whose) as act, self._changing(act):
            over = Amendment("expire", State.EXPIRED, {"expires_at": act.at})
            return self._amend(over, id, if_version, act)

    def set_expiry(
        self,
        id: str,  # noqa: A002
        *,
        ttl_seconds: float | None = None,
        expires_at: datetime | str | float | None = None,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Say how long a cube counts, or until when; neither: for ever.

        A cube that has expired is activated by it.

        Raises:
            UnknownCube: there is none in this scope.
            BadInput: the time cannot be read, or has passed.
            FrozenCube: it is frozen.
        """
        with self._act("set_expiry", Right.WRITE, **whose) as act, self._changing(act):
            time = read_expiry(ttl_seconds, expires_at, act.at)
            expired = self._held(id, act).state is State.EXPIRED
            renewed = State.ACTIVATED if expired else None
            until = Amendment("set_expiry", renewed, {"expires_at": time})
            return self._amend(until, id, if_version, act)

    def hold(
        self,
        id: str,  # noqa: A002
        *,
        reason: str | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Put a cube under legal hold: until it is released, nobody can forget it.

        Args:
            id: the cube; it may be frozen.
            reason: why, for the journal.
            whose: within this scope.

        Raises:
            UnknownCube: there is none in this scope.
            Forbidden: without the right to administer it.
        """
        held = Amendment("hold", governance={"legal_hold": True}, on_frozen=True)
        return self._amended(held, Right.ADMINISTER, id, None, reason=reason, **whose)

    def release(
        self,
        id: str,  # noqa: A002
        *,
        reason: str | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Release a cube from legal hold.

        Raises:
            UnknownCube: there is none in this scope.
            Forbidden: without the right to administer it.
        """
        free = Amendment("release", governance={"legal_hold": False}, on_frozen=True)
        return self._amended(free, Right.ADMINISTER, id, None, reason=reason, **whose)

    def classify(
        self,
        id: str,  # noqa: A002
        sensitivity: str,
        *,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Say how sensitive a cube is: ``public``, ``normal``, ``confidential`` or ``secret``.

        Raises:
            UnknownCube: there is none in this scope.
            BadInput: there is no such level.
            Forbidden: to lower it takes its owner, or the right to administer it; whoever sees a
                cube redacted could otherwise take the redaction away.
            FrozenCube: it is frozen.
        """
        with self._act("classify", Right.WRITE, **whose) as act, self._changing(act):
            level = checked_sensitivity(sensitivity)
            cube = self._held(id, act)
            lower = LEVELS.index(level) < LEVELS.index(cube.header.governance.sensitivity)
            if lower and not act.sees_whole(cube):
                message = f"{act.principal} may not make cube {id} less sensitive"
                raise Forbidden(message, hint="ask its owner")
            classified = Amendment("classify", governance={"sensitivity": level})
            return self._amend(classified, id, if_version, act)

    def relabel(
        self,
        id: str,  # noqa: A002
        labels: Sequence[str],
        *,
        if_version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Give a cube these labels, in the place of those it has.

        Raises:
            UnknownCube: there is none in this scope.
            BadInput: they are no labels.
            FrozenCube: it is frozen.
        """
        with self._act("relabel", Right.WRITE, **whose) as act, self._changing(act):
            labelled = Amendment("relabel", labels=checked_labels(labels))
            return self._amend(labelled, id, if_version, act)

    def sweep(self, *, dry_run: bool = False) -> list[MemCube]:
        """Expire everything that is due, in the whole store; with ``dry_run``, only say what is.

        Nobody needs to call it: whatever is due expires before any other call.

        Raises:
            Forbidden: without the right to administer the store.
        """
        with self._act("sweep", Right.ADMINISTER, expiring=False) as act:
            self._gate.require(act, EVERYBODY)
            if dry_run:
                act.outcome = "dry run"
                found = self._expirer.due(act.at)
            else:
                found = self._expire()
            act.touch(cube.id for cube in found)
            return act.shown(found)

    def _become(
        self,
        call: str,
        state: State,
        cube_id: str,
        if_version: int | None,
        **whose: Any,
    ) -> MemCube:
        return self._amended(Amendment(call, state), Right.WRITE, cube_id, if_version, **whose)

    def _amended(
        self,
        amendment: Amendment,
        right: Right,
        cube_id: str,
        if_version: int | None,
        **more: Any,
    ) -> MemCube:
        with self._act(amendment.call, right, **more) as act, self._changing(act):
            return self._amend(amendment, cube_id, if_version, act)

    def _amend(
        self,
        amendment: Amendment,
        cube_id: str,
        if_version: int | None,
        act: Act,
    ) -> MemCube:
        cube = self._held(cube_id, act)
        amended = self._amender.amend([cube], amendment, act=act, if_version=if_version)
        return act.shown(amended)[0]
