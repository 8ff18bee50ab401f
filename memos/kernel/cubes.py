"""The system calls on cubes: remember, find, read, revise, forget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import ROOT, Governance, Party, Right
from memos.errors import BadInput, Forbidden, UnknownCube
from memos.governance.scope import narrowed
from memos.governance.sensitivity import checked_sensitivity
from memos.kernel.arguments import (
    read_policy,
    read_source,
    require_flags,
    require_id,
    require_whole,
)
from memos.kernel.handle import Handle, Whose
from memos.kinds.drafts import Draft, checked_labels, checked_metadata, checked_text, read_drafts
from memos.kinds.times import read_time
from memos.life.expectation import require_version
from memos.life.expiry import read_expiry
from memos.life.once import Once
from memos.life.quarantine import Asked
from memos.life.report import Forgotten
from memos.life.writing import Revision
from memos.ports.catalog import Selection
from memos.ports.filters import Every
from memos.ports.progress import Progress, silent
from memos.retrieval.filters import read_filter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from memos.cube import MemCube, Scope
    from memos.governance.act import Act
    from memos.ports.filters import Filter

_LARGEST_K = 1000
_NAMED = 1000
"""How many of the cubes that a listing returned its row in the journal names."""


class CubeCalls(Handle):
    """Remember, find, read, revise, forget."""

    def add(  # noqa: PLR0913 - each of them is part of the contract
        self,
        content: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        timestamp: datetime | str | float | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        labels: Sequence[str] = (),
        source: str | None = None,
        source_start: int = 0,
        ttl_seconds: float | None = None,
        expires_at: datetime | str | float | None = None,
        sensitivity: str = "normal",
        licence: str | None = None,
        id: str | None = None,  # noqa: A002 - the name every user expects
        if_version: int | None = None,
        idempotency_key: str | None = None,
        supersede: str | None = None,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> list[MemCube]:
        """Remember a text, a message, or a conversation.

        Args:
            content: a text, a message, or messages; ``memos.kinds.drafts`` says what a message
                may hold. One cube a message; turns are linked in order, and continue what the
                session holds so far.
            timestamp: when it was said, or was true; a message may name its own.
            metadata: anything in JSON; can be filtered by.
            labels: short names, of 512 characters at most; can be filtered by.
            source: where it was read, such as a file's name.
            source_start: which entry of the source the first message is, from 0.
            ttl_seconds: how long it counts; then it expires: it is not found any more.
            expires_at: or until when.
            sensitivity: ``public``, ``normal``, ``confidential`` or ``secret``.
            licence: under which licence it may be used, such as ``CC-BY-4.0``.
            id: a UUID of the application's own, for a single cube.
            if_version: 0 says that the cube must be new, which it must be anyway.
            idempotency_key: the same key and arguments again return the same cubes.
            supersede: ``auto`` compares with the older memories of the same user and agent: what
                a new one says anew ends the time of the older, and what says the same or
                contradicts it is linked. ``never`` compares nothing. By default as the settings
                say.
            progress: told of embedding.
            whose: whose memory it is, and in which conversation; a message may name its own.

        Returns:
            The new cubes, in order; they are durable and can be found.

        Raises:
            BadInput: what was passed cannot be taken; nothing is stored.
            VersionConflict: a cube with this id exists.
            KeyReused: the key came before with other arguments.
            Forbidden: outside the scope of this handle, or an id that is not the principal's to
                choose: only the application does.
        """
        with self._act("add", Right.WRITE, **whose) as act:
            rules = Governance(
                sensitivity=checked_sensitivity(sensitivity),
                expires_at=read_expiry(ttl_seconds, expires_at, act.at),
                licence=None if licence is None else checked_text(licence, "the licence"),
            )
            outline = Draft(
                scope=self._home(act),
                said_at=None if timestamp is None else read_time(timestamp),
                metadata=checked_metadata(metadata or {}),
                labels=checked_labels(labels),
            )
            drafts = read_drafts(content, outline)
            for scope in dict.fromkeys(draft.scope for draft in drafts):
                self._gate.require(act, narrowed(act.scope, scope))
            drafted = [repr(one) for one in drafts]  # without the rules: a ttl counts from now
            arguments = ["add", drafted, source, source_start, id, if_version]
            asked = [ttl_seconds, str(expires_at), sensitivity, licence]
            asked += [] if supersede is None else [supersede]
            policy = read_policy(supersede, self._parts.supersede)
            _require_choice(id, act)
            place = None if source is None else read_source(source, source_start)
            with self._changing(act):
                made = self._writer.add(
                    [replace(draft, governance=rules) for draft in drafts],
                    self._once(idempotency_key, act, [*arguments, *asked]),
                    act=act,
                    source=place,
                    cube_id=id,
                    if_version=if_version,
                    relate=self._relater.related if policy == "auto" else None,
                    progress=progress,
                )
            return act.made(made)

    def get(
        self,
        id: str,  # noqa: A002
        *,
        version: int | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """One cube, by default at its current version.

        Raises:
            UnknownCube: there is none in this scope, or not in this version.
        """
        with self._act("get", Right.READ, **whose) as act:
            if version is not None:
                require_whole(version, "the version")
            cube = self._seen(id, act)
            if version is not None and version != cube.version:
                found = self._parts.catalog.find(id, version)
                if found is None:
                    raise UnknownCube(f"cube {id} has no version {version}", hint="memos history")
                cube = found
            return act.shown([cube])[0]

    def history(
        self,
        id: str,  # noqa: A002
        **whose: Unpack[Whose],
    ) -> list[MemCube]:
        """Every version of a cube, oldest first.

        Raises:
            UnknownCube: there is none in this scope.
        """
        with self._act("history", Right.READ, **whose) as act:
            self._seen(id, act)
            return act.shown(self._parts.catalog.history(id))

    def update(
        self,
        id: str,  # noqa: A002
        text: str,
        *,
        timestamp: datetime | str | float | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        labels: Sequence[str] | None = None,
        if_version: int | None = None,
        idempotency_key: str | None = None,
        **whose: Unpack[Whose],
    ) -> MemCube:
        """Revise a plaintext cube: a new version, found from now on; the old stays readable.

        What was derived from the old version is stale from now on, and not served.

        Raises:
            UnknownCube: there is none in this scope.
            WrongKind: it is not plaintext.
            VersionConflict: it is not at ``if_version``.
            FrozenCube: it is frozen.
            ExpiredCube: its time is over.
            KeyReused: the key came before with other arguments.
        """
        with self._act("update", Right.WRITE, **whose) as act:
            revision = Revision(
                text=checked_text(text),
                said_at=None if timestamp is None else read_time(timestamp),
                metadata=None if metadata is None else checked_metadata(metadata),
                labels=None if labels is None else checked_labels(labels),
            )
            arguments = ["update", id, repr(revision), if_version]
            with self._changing(act):
                once = self._once(idempotency_key, act, arguments)
                cube = self._held(id, act)
                revised = self._writer.revise(cube, revision, once, act=act, if_version=if_version)
                return act.shown([revised])[0]

    def delete(
        self,
        id: str,  # noqa: A002
        *,
        if_version: int | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
        **whose: Unpack[Whose],
    ) -> Forgotten:
        """Forget a cube: all its versions, and everything derived from any of them.

        With ``dry_run``, only say what would go.

        Raises:
            UnknownCube: there is none in this scope.
            VersionConflict: it is not at ``if_version``.
            KeyReused: the key came before with other arguments.
        """
        with self._act("delete", Right.FORGET, **whose) as act, self._changing(act):
            require_flags(dry_run=dry_run)
            once = self._once(idempotency_key, act, ["delete", id, if_version])
            if once.answer is not None:
                return Forgotten.model_validate(once.answer)
            asked = self._asked([id], act)
            for cube in asked.cubes:
                require_version(cube, if_version)
            return self._forgetter.forget(asked, once, act=act, dry_run=dry_run)

    def delete_all(
        self,
        *,
        filters: Mapping[str, Any] | None = None,
        everything: bool = False,
        dry_run: bool = False,
        **whose: Unpack[Whose],
    ) -> Forgotten:
        """Forget every cube of a scope, or that a filter admits, with everything derived.

        Raises:
            BadInput: neither a scope nor a filter was given, and not ``everything=True``.
        """
        with self._act("delete_all", Right.FORGET, **whose) as act:
            require_flags(everything=everything, dry_run=dry_run)
            if not (act.scope.named() or filters or everything):
                hint = "name a user, agent or session, pass filters, or say everything=True"
                raise BadInput("delete_all() without a scope would forget everything", hint=hint)
            with self._changing(act):
                asked = self._asked_where(read_filter(filters), act)
                once = self._once(None, act, [])
                return self._forgetter.forget(asked, once, act=act, dry_run=dry_run)

    def _chosen(self, act: Act, where: Filter) -> list[MemCube]:
        """The cubes that the filter admits and the principal may read.

        Raises:
            Forbidden: there is one among them to which it may not do what the call does.
        """
        selection = Selection(scope=act.scope, where=Every((act.asked(where), act.visible())))
        cubes = self._parts.catalog.select(selection)
        kept = next((cube for cube in cubes if not act.reach().holds(cube)), None)
        if kept is not None:
            act.touch([kept.id])
            message = f"{act.principal} may not {act.right} cube {kept.id}, which is among these"
            raise Forbidden(message, hint="narrow the filter, or ask its owner for a grant")
        return cubes

    def _asked(self, ids: Sequence[str], act: Act) -> Asked:
        """What is there of the cubes, or, where nothing is, what is left of them in quarantine."""
        cubes, remains = [], []
        for cube_id in ids:
            require_id(cube_id)
            left = self._quarantine.of(cube_id, act)
            remains += left
            if not left:
                cubes.append(self._held(cube_id, act))
        return Asked(cubes, remains)

    def _asked_where(self, where: Filter, act: Act) -> Asked:
        """What the filter admits, there and in quarantine."""
        return Asked(self._chosen(act, where), *self._quarantine.admitted(act.asked(where), act))

    def _home(self, act: Act) -> Scope:
        """Where new cubes go: to the scope that is named, and a user's to that user."""
        principal = act.principal
        if principal.party is not Party.USER or act.scope.user_id is not None:
            return act.scope
        return act.scope.model_copy(update={"user_id": principal.name})

    def _once(self, key: str | None, act: Act, arguments: Sequence[object]) -> Once:
        """The call's idempotency; a key belongs to the principal who used it."""
        whose = "" if act.principal == ROOT else str(act.principal)
        return Once(self._parts.catalog, key, act.scope, list(arguments), whose=whose)


def _require_choice(cube_id: str | None, act: Act) -> None:
    """Refuse an id from anybody but the application: that it is taken would tell of another's."""
    if cube_id is not None and act.principal != ROOT:
        message = f"{act.principal} may not choose the id of a cube"
        raise Forbidden(message, hint="leave it out; to add once, pass an idempotency key")
