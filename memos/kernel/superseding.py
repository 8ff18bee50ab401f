"""The system call that says of a memory that another holds in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memos.cube import Right
from memos.cube.identity import is_cube_id
from memos.errors import BadInput
from memos.kernel.cubes import CubeCalls
from memos.kinds.drafts import Draft, checked_labels, checked_metadata, checked_text
from memos.kinds.times import read_time
from memos.life.expectation import require_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from memos.cube import MemCube
    from memos.kernel.handle import Whose


class SupersedeCalls(CubeCalls):
    """Say what holds now in the place of something else."""

    def supersede(
        self,
        id: str,  # noqa: A002 - the name every user expects
        new: str,
        *,
        timestamp: datetime | str | float | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        labels: Sequence[str] = (),
        if_version: int | None = None,
        idempotency_key: str | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Let a new memory hold in the place of an older one, from some time on.

        The older one is closed, not changed: a search finds it only for an earlier ``as_of``, or
        with ``include_superseded``. To correct a memory that was never right, :meth:`update` it.

        Args:
            id: the older memory.
            new: the newer one, by its id, or a text, which is remembered in the older one's scope.
            timestamp: since when the newer one holds; by default since it became true, or else
                since it was recorded.
            metadata: of a new text.
            labels: of a new text.
            if_version: only if the older one is at this version.
            idempotency_key: the same key and arguments again return the same cube.
            whose: within this scope.

        Returns:
            The newer cube.

        Raises:
            UnknownCube: there is none in this scope.
            WrongKind: one of them is not plaintext.
            BadInput: they are one, or of different users, or the older one begins no earlier.
            Conflict: the older one's time is over already, or it supersedes the newer one.
            FrozenCube: the older one is frozen.
            VersionConflict: the older one is not at ``if_version``.
            KeyReused: the key came before with other arguments.
        """
        with self._act("supersede", Right.WRITE, **whose) as act:
            said_at = None if timestamp is None else read_time(timestamp)
            draft = Draft(
                text=checked_text(new, "the new memory"),
                said_at=said_at,
                metadata=checked_metadata(metadata or {}),
                labels=checked_labels(labels),
            )
            with self._changing(act):
                arguments = ["supersede", id, repr(draft), if_version]
                once = self._once(idempotency_key, act, arguments)
                old = self._held(id, act)
                require_version(old, None if once.answer is not None else if_version)
                if is_cube_id(draft.text):
                    _require_bare(draft)
                    named = self._seen(draft.text, act)
                    newer = self._superseder.link(old, named, once, act=act, until=said_at)
                else:
                    self._gate.require(act, old.scope)
                    newer = self._superseder.write(old, draft, once, act=act)
                return act.shown([newer])[0]


def _require_bare(draft: Draft) -> None:
    """Refuse what would be said of a memory that is there, and has its own.

    Raises:
        BadInput: there are labels or metadata.
    """
    if draft.labels or draft.metadata:
        message = f"{draft.text} is a memory that is there, and takes no labels or metadata"
        raise BadInput(message, hint="memos relabel gives it others")
