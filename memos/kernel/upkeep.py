"""The system calls on the whole store: stats, check."""

from __future__ import annotations

from memos.cube import EVERYBODY, Right
from memos.kernel.cubes import CubeCalls
from memos.life.checkup import Checkup
from memos.life.report import CheckReport, Stats
from memos.ports.progress import Progress, silent


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
            embedder=indexed_by or "",
        )

    def check(self, *, repair: bool = False, progress: Progress = silent) -> CheckReport:
        """Compare the catalog with all that is derived from it; with ``repair``, mend that.

        Raises:
            Forbidden: without the right to administer the store.
        """
        parts = self._parts
        checkup = Checkup(
            catalog=parts.catalog, blobs=parts.blobs, index=self._index, privacy=parts.privacy
        )
        with self._act("check", Right.ADMINISTER) as act, self._lock:
            self._gate.require(act, EVERYBODY)
            return checkup.run(repair=repair, progress=progress)
