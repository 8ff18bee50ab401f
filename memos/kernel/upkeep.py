"""The system calls on the whole store: stats, check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import EVERYBODY, Right
from memos.errors import Conflict, NotFound, NotSupported
from memos.kernel.arguments import read_path, require_flags, require_id
from memos.kernel.cubes import CubeCalls
from memos.life.checkup import Checkup, Subjects
from memos.life.quarantine import Asked
from memos.life.report import CheckReport, Stats
from memos.ports.grounds import require_outside
from memos.ports.kv import DISK, SHARED
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.backup import Manifest
    from memos.ports.kv import Usage
    from memos.ports.ledger import Quarantined


class UpkeepCalls(CubeCalls):
    """Look after the whole store."""

    def stats(self) -> Stats:
        """How much there is in the whole store.

        Raises:
            Forbidden: without the right to administer it.
        """
        with self._act("stats", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            return self._stats()

    def _stats(self) -> Stats:
        catalog, blobs = self._parts.catalog, self._parts.blobs
        counts = catalog.counts()
        indexed_by = self._index.indexed_by()
        digests = list(blobs.digests())
        lasting = self._lasting()
        return Stats(
            folder=self._folder,
            cubes=dict(counts.cubes),
            versions=counts.versions,
            users=counts.users,
            edges=counts.edges,
            audit_rows=counts.audit_rows,
            pending=counts.pending,
            words=len(self._parts.words.ids()),
            blobs=len(digests),
            blob_bytes=sum(blobs.size_bytes(digest) or 0 for digest in digests),
            blocks=sum(one.blocks for one in lasting),
            block_bytes=sum(one.used_bytes for one in lasting),
            embedder=indexed_by or "",
        )

    def _lasting(self) -> list[Usage]:
        """The place where blocks stay: the disk, or memory where the store lies there."""
        usage = [one for one in self._parts.kv.usage() if one.place != SHARED]
        return [one for one in usage if one.place == DISK] or usage[:1]

    def check(
        self, *, repair: bool = False, deep: bool = False, progress: Progress = silent
    ) -> CheckReport:
        """Compare the catalog with all that is derived from it; with ``repair``, mend that.

        What is derived is made anew. What cannot be mended goes into quarantine, see
        :meth:`quarantined`; a cube of which one version is damaged keeps the others. Of each
        problem, the answer says whether it was mended or its cube put into quarantine.

        Args:
            repair: whether to mend.
            deep: make every vector again, and compare.
            progress: told of what is looked at.

        Raises:
            Forbidden: without the right to administer the store.
        """
        parts = self._parts
        subjects = Subjects(
            catalog=parts.catalog,
            repairs=parts.repairs,
            ledger=parts.ledger,
            journal=parts.journal,
            shelves=self._shelves,
            index=self._index,
            privacy=parts.privacy,
            aside=parts.aside,
            kv=parts.kv,
        )
        with self._act("check", Right.ADMINISTER, expiring=False) as act, self._changing(act):
            self._gate.require(act, EVERYBODY)
            require_flags(repair=repair, deep=deep)
            return Checkup(subjects).run(act, repair=repair, deep=deep, progress=progress)

    def reindex(self, *, progress: Progress = silent) -> None:
        """Make the indexes of vectors, imprints and words anew, from the texts.

        Raises:
            Forbidden: without the right to administer the store.
        """
        with self._act("reindex", Right.ADMINISTER) as act, self._changing(act):
            self._gate.require(act, EVERYBODY)
            self._index.restart(progress)

    def backup(self, target: str | Path, *, progress: Progress = silent) -> Manifest:
        """Write a copy of the whole store to a folder that does not exist yet.

        It is the store of one moment, while others go on reading and writing. Vectors are left
        out: they are made anew when it is restored. What is forgotten later stays in a backup.

        Raises:
            Forbidden: without the right to administer the store.
            BadInput: ``target`` lies in a store or a backup.
            Conflict: there is something at ``target``.
            CorruptionError: the store is damaged; check it first.
            NotSupported: the store lies in memory.
        """
        with self._act("backup", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            if self._parts.back_up is None:
                message = "a store in memory has no backup"
                raise NotSupported(message, hint="export it: memos export")
            place = read_path(target).absolute()
            require_outside(place, self._parts.grounds)
            return self._parts.back_up(place, act.at, progress)

    def quarantined(self) -> list[Quarantined]:
        """What repairs have taken out of the catalog, oldest first.

        Raises:
            Forbidden: without the right to administer the store.
        """
        with self._act("quarantined", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            return self._parts.ledger.quarantined()

    def discard(self, id: str, *, even_held: bool = False) -> list[Quarantined]:  # noqa: A002
        """Erase what is in quarantine of a cube, and all that is left of it; there is no way back.

        It is a forgetting: it leaves a tombstone and a certificate.

        Args:
            id: the cube.
            even_held: also where a damaged version says that it is under legal hold; the journal
                tells of it.

        Returns:
            What was in quarantine.

        Raises:
            LegalHold: a damaged version says that it is under legal hold; nothing was erased.
            NotFound: there is nothing of that cube.
            Conflict: the cube itself is there; forgetting it erases this as well.
            Forbidden: without the right to administer the store.
        """
        with self._act("discard", Right.ADMINISTER) as act, self._changing(act):
            self._gate.require(act, EVERYBODY)
            require_id(id)
            require_flags(even_held=even_held)
            there = [one for one in self._parts.ledger.quarantined() if one.cube_id == id]
            if not there:
                raise NotFound(f"nothing of {id} is in quarantine", hint="memos quarantine")
            if self._parts.catalog.versions([id]):
                message = f"cube {id} is there, in the versions that are sound"
                raise Conflict(message, hint="forget it: that erases the damaged ones as well")
            left = self._quarantine.of(id, act)
            asked = Asked((), left, discarding=True, even_held=even_held)
            self._forgetter.forget(asked, self._once(None, act, []), act=act, dry_run=False)
            return there
