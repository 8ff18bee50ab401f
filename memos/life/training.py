"""A training is written down before it begins, and goes on from where it was after a kill.

begun ─> row ─> training ── save: blob ─> row names it ─> the blob before it goes
                   │              └─ crash: a blob that no row names, which is swept
                   └─> one commit: the cube comes, the row goes
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from secrets import token_bytes
from typing import TYPE_CHECKING

from memos.cube import Parent
from memos.cube.identity import canonical, digest_of
from memos.errors import BackendError, CorruptionError, VersionConflict
from memos.governance.scope import joint
from memos.life.writing import CODE
from memos.ports.catalog import Change, Errand
from memos.ports.ledger import Checkpointed, Training, TrainingEnded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube
    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.life.schooling import Schooling
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock
    from memos.ports.journal import Audit
    from memos.ports.ledger import Ledger
    from memos.ports.runtime import Runtime

_EVERY = timedelta(seconds=30)
"""How much of its work a training may lose to a kill; saving takes a fraction of a second."""
_NONCE = 32
"""Random bytes before each state. So no two checkpoints are one blob: none tells a tenant that
another has learnt the same, and none is swept that another training has just written."""


class Trainings:
    """Knows which trainings have begun, and where each of them keeps what it reaches."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        ledger: Ledger,
        blobs: Blobs,
        runtime: Runtime,
        identities: Identities,
        schooling: Schooling,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._blobs = blobs
        self._runtime = runtime
        self._identities = identities
        self._schooling = schooling
        self._clock = clock

    def begun(
        self,
        cubes: Sequence[MemCube],
        act: Act,
        *,
        method: str = "lora",
        title: str | None = None,
        owed: Training | None = None,
    ) -> Training:
        """The training of these cubes, as it is written down when this returns.

        It is the one that is ``owed``, or else one of the same cubes that did not come to its end.
        What that had reached counts as long as the same weights would come out.

        Raises:
            VersionConflict: one of the cubes was revised or forgotten meanwhile.
        """
        parents = tuple(Parent(id=cube.id, version=cube.version) for cube in cubes)
        wanted = method if owed is None else owed.method
        named = Training(
            id="",
            key=self._key(parents, wanted),
            scope=joint(cubes),
            asked_by=act.actor,
            parents=parents,
            at=act.at,
            method=wanted,
            title=title,
            steps=self._schooling.steps,
        )
        before = owed or self._unfinished(named)
        training = (
            replace(named, id=self._identities.new(act.at))
            if before is None
            else _again(before, named)
        )
        if training != before:
            change = Change(
                audit=_audited(act, training, "begun"), expects=_versions(parents), also=(training,)
            )
            self._catalog.commit(change)
        return training

    def checkpoints(self, training: Training, act: Act) -> Checkpoints:
        """Where this training keeps what it reaches."""
        return Checkpoints(
            training,
            act,
            catalog=self._catalog,
            ledger=self._ledger,
            blobs=self._blobs,
            clock=self._clock,
        )

    def drop(
        self, training: Training, act: Act, outcome: str, *, put: tuple[MemCube, ...] = ()
    ) -> None:
        """Write down that the training is owed no more, though nothing came of it.

        Args:
            training: as it was when it began; one that is another by now stays.
            act: the call.
            outcome: why, for the journal.
            put: versions of cubes that are written along.
        """
        audit = _audited(act, training, outcome)
        self._catalog.commit(Change(audit=audit, put=put, also=(ended(training),)))

    def _unfinished(self, named: Training) -> Training | None:
        """What is owed of the same cubes, be it at other versions."""
        ids = {parent.id for parent in named.parents}
        there = [
            one
            for one in self._ledger.trainings()
            if one.method == named.method and {parent.id for parent in one.parents} == ids
        ]
        return next((one for one in there if one.key == named.key), next(iter(there), None))

    def _key(self, parents: Sequence[Parent], method: str) -> str:
        """A digest of all that decides which weights come out."""
        return digest_of(
            canonical(
                {
                    "parents": [[parent.id, parent.version] for parent in parents],
                    "model": self._runtime.fingerprint.model_dump(mode="json", exclude={"name"}),
                    "method": method,
                    "schooling": asdict(self._schooling),
                    "code": CODE,
                }
            )
        )


class Checkpoints:
    """What one training has reached; see :class:`memos.ports.runtime.Saved`."""

    def __init__(
        self,
        training: Training,
        act: Act,
        *,
        catalog: Catalog,
        ledger: Ledger,
        blobs: Blobs,
        clock: Clock,
    ) -> None:
        self._training = training
        self._act = act
        self._catalog = catalog
        self._ledger = ledger
        self._blobs = blobs
        self._clock = clock
        self._last = clock.now()

    def load(self) -> bytes | None:
        """What was saved last; None where nothing was, or it is damaged: that costs time alone."""
        digest = self._saved()
        if digest is None:
            return None
        try:
            return self._blobs.get(digest)[_NONCE:]
        except CorruptionError:
            return None

    def due(self) -> bool:
        """Whether so much time has passed that a kill would cost more than saving does."""
        return self._clock.now() - self._last >= _EVERY

    def save(self, state: bytes, step: int) -> None:
        """Keep what goes on after ``step``, in the place of what was saved before.

        Raises:
            VersionConflict: a source was revised or forgotten meanwhile: it would be in vain.
            BackendError: it cannot be kept, such as where the disk is full.
        """
        before = self._saved()
        digest = self._blobs.put(token_bytes(_NONCE) + state)
        one = self._training
        entry = Checkpointed(one.id, one.key, digest, step)
        audit = _audited(self._act, one, "checkpoint")
        try:
            self._catalog.commit(Change(audit=audit, expects=_versions(one.parents), also=(entry,)))
        except VersionConflict:
            self._catalog.owe([(Errand.SWEEP, digest)])
            self._sweep({digest})
            raise
        self._sweep({each for each in (before, digest) if each} - {self._saved()})
        self._last = self._clock.now()

    def discard(self) -> bool:
        """Drop what was saved, since it cannot be gone on from; whether there was anything."""
        before = self._saved()
        if before is None:
            return False
        one = self._training
        audit = _audited(self._act, one, "begun anew")
        also = (Checkpointed(one.id, one.key, None, 0),)
        self._catalog.commit(Change(audit=audit, also=also))
        self._sweep({before})
        return True

    def _saved(self) -> str | None:
        found = (one for one in self._ledger.trainings() if one.id == self._training.id)
        return next((one.checkpoint for one in found if one.key == self._training.key), None)

    def _sweep(self, digests: set[str]) -> None:
        """Make room at once: the outbox, which is owed it, may be paid only after the training."""
        for digest in digests:
            with suppress(BackendError):
                self._blobs.drop(digest)


def ended(training: Training) -> TrainingEnded:
    """The entry by which a training is owed no more."""
    return TrainingEnded(training.id, training.key)


def _again(before: Training, named: Training) -> Training:
    """What was known of a training, of the cubes as they are now."""
    counts = before.key == named.key
    return replace(
        before,
        key=named.key,
        scope=named.scope,
        parents=named.parents,
        title=before.title if named.title is None else named.title,
        steps=named.steps,
        checkpoint=before.checkpoint if counts else None,
        step=before.step if counts else 0,
    )


def _versions(parents: Sequence[Parent]) -> dict[str, int]:
    return {parent.id: parent.version for parent in parents}


def _audited(act: Act, training: Training, outcome: str) -> Audit:
    subjects = [parent.id for parent in training.parents]
    return replace(act.audit(subjects), outcome=outcome)
