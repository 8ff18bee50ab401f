"""The system calls on the whole store: stats, check, export, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import EVERYBODY, Right
from memos.kernel.cubes import CubeCalls
from memos.life.checkup import Checkup
from memos.life.report import CheckReport, Imported, Stats
from memos.ports.progress import Progress, silent
from memos.retrieval.filters import read_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memos.kernel.handle import Whose


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

    def export_to(
        self,
        path: str | Path,
        *,
        filters: Mapping[str, Any] | None = None,
        **whose: Unpack[Whose],
    ) -> int:
        """Write cubes, with all versions and what they were derived from, as one file.

        Returns:
            How many cubes were written.
        """
        with self._act("export", Right.SHARE, **whose) as act, self._lock:
            cubes = self._chosen(act, read_filter(filters))
            act.require_whole(cubes)
            act.touch(cube.id for cube in cubes)
            return self._bundles.write(cubes, Path(path))

    def import_from(self, path: str | Path) -> Imported:
        """Read a file that :meth:`export_to` wrote; it is verified first, and applied whole.

        Raises:
            BadInput: it is no bundle.
            CorruptionError: its contents are not what its manifest says.
            VersionConflict: a cube of the same id with other content is there already.
            Forbidden: a cube lies outside the scope of this handle.
        """
        with self._act("import", Right.WRITE) as act, self._changing(act):
            self._gate.require(act, act.scope)
            return self._bundles.read(Path(path), act)
