"""The system calls on time: the store as it was, and names for moments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import EVERYBODY, Right
from memos.errors import BadInput, Conflict, NotFound, shown
from memos.kernel.cubes import CubeCalls
from memos.kernel.view import View
from memos.kinds.drafts import checked_text
from memos.kinds.times import read_time
from memos.ports.catalog import Change
from memos.ports.ledger import Snapshot, SnapshotDropped

if TYPE_CHECKING:
    from datetime import datetime

    from memos.governance.act import Act
    from memos.retrieval.hit import Hit
    from memos.retrieval.past import Findable

_LONGEST = 256
"""Characters of a snapshot's name."""


class MomentCalls(CubeCalls):
    """Go back in time, to read."""

    def at(self, time: datetime | str | float) -> View:
        """Everything as it was known at a time, to be read and not to be changed.

        Args:
            time: a time, such as ``2024-05-01T12:00:00Z``, or the name of a snapshot of one's
                own. It may not lie in the future: what will be known then is not known.

        Raises:
            BadInput: that is no time, or one to come.
            NotFound: one has no snapshot of that name.
        """
        # The lock is waited for after the time was read: whoever is still writing has a time
        # before it, and will have finished. So a view shows the same whenever it is looked at.
        with self._act("at", Right.READ) as act, self._lock:
            moment = self._moment(time, act)
            if moment > act.at:
                message = f"{moment.isoformat()} lies in the future"
                raise BadInput(message, hint="name a time that has passed, or leave it out")
            return View(
                moment,
                act=self._act,
                past=self._past,
                recall=self._recalled,
            )

    def snapshot(self, name: str) -> Snapshot:
        """Give this moment a name: ``at(name)`` shows everything as it is known now.

        Nothing is copied; what is forgotten later is gone from it as well. Names are one's own:
        others may give the same, and do not see it.

        Raises:
            Conflict: one has given this name already.
            BadInput: the name is empty, too long, reads as a time, or has a blank at an end or a
                character that cannot be seen.
            Forbidden: without the right to administer the store.
        """
        with self._act("snapshot", Right.ADMINISTER) as act, self._changing(act):
            self._gate.require(act, EVERYBODY)
            checked = _checked_name(name)
            there = self._own(checked, act)
            if there is not None:
                message = f"there is a snapshot {checked!r} of {there.at.isoformat()} already"
                raise Conflict(message, hint="choose another name, or drop it: memos snapshot drop")
            taken = Snapshot(checked, act.at, str(act.principal))
            self._parts.catalog.commit(Change(audit=act.audit(), also=(taken,)))
            return taken

    def snapshots(self) -> list[Snapshot]:
        """The moments that one has given names, oldest first.

        Whoever administers the store sees those of everybody, each with its maker.
        """
        with self._act("snapshots", Right.READ) as act:
            if act.reach(Right.ADMINISTER).covers(EVERYBODY):
                return self._parts.ledger.snapshots()
            return [one for one in self._parts.ledger.snapshots() if _is_own(one, act)]

    def drop_snapshot(self, name: str) -> Snapshot:
        """Take a moment's name away; no memory is touched, and the moment can be named anew.

        Raises:
            NotFound: one has no snapshot of that name.
            Forbidden: without the right to administer the store.
        """
        with self._act("drop_snapshot", Right.ADMINISTER) as act, self._changing(act):
            self._gate.require(act, EVERYBODY)
            there = self._own(name, act)
            if there is None:
                message = f"{act.principal} has no snapshot {shown(name)}"
                raise NotFound(message, hint="memos snapshot ls lists them")
            dropped = SnapshotDropped(there.name, there.by)
            self._parts.catalog.commit(Change(audit=act.audit(), also=(dropped,)))
            return there

    def _own(self, name: object, act: Act) -> Snapshot | None:
        """The principal's own snapshot of that name, where this handle shows it."""
        found = self._parts.ledger.snapshot(str(name).strip(), str(act.principal))
        return found if found is not None and _is_own(found, act) else None

    def _moment(self, time: datetime | str | float, act: Act) -> datetime:
        snapshot = self._own(time, act) if isinstance(time, str) else None
        if snapshot is not None:
            return snapshot.at
        try:
            return read_time(time)
        except BadInput as error:
            if not isinstance(time, str):
                raise
            message = f"{shown(time)} is neither a time nor the name of a snapshot"
            hint = "write 2024-05-01T12:00:00Z; memos snapshot ls lists the names"
            raise NotFound(message, hint=hint) from error

    def _recalled(self, query: str, then: Findable, k: int) -> list[Hit]:
        with self._lock:
            vectors = self._index.vectors
        return self._past_finder.find(query, vectors, then, k=k)


def _is_own(snapshot: Snapshot, act: Act) -> bool:
    # The application binds handles to one user each; none shows what it did for another.
    return snapshot.by == str(act.principal) and act.scope == EVERYBODY


def _checked_name(name: object) -> str:
    checked = checked_text(name, "the name", most=_LONGEST)
    if checked != name or not checked.isprintable():
        message = f"the name {name!a:.80} has a blank at an end, or what cannot be seen"
        raise BadInput(message, hint="choose one that can be read and typed")
    if checked.lower() == "now" or _reads_as_time(checked):
        raise BadInput(f"the name {checked!r} reads as a time", hint="put a word before it")
    return checked


def _reads_as_time(text: str) -> bool:
    try:
        read_time(text)
    except BadInput:
        return False
    return True
