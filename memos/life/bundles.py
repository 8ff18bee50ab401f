"""One's own memories leave as a file and arrive from one, with their ids and their history."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from memos.cube import ROOT, Kind, MemCube, Right
from memos.cube.header import FINDABLE
from memos.cube.wire import to_json
from memos.errors import (
    BackendError,
    CorruptionError,
    Forbidden,
    ForgottenCube,
    MemosError,
    VersionConflict,
)
from memos.kinds.entities import entity_edges
from memos.life.contents import Contents, blob_of, read_contents
from memos.life.packing import Load, pack
from memos.life.renaming import with_own_ids
from memos.life.report import BundleReport, Imported
from memos.life.unpacking import Archive
from memos.ports.catalog import Change, Errand
from memos.ports.graph import Edge, Relation
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from memos.governance.act import Act
    from memos.life.index import Index
    from memos.life.manifest import Label
    from memos.life.signing import SigningKey
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog
    from memos.ports.ledger import Ledger


class Bundles:
    """Writes and reads bundles; an import is verified first and then applied whole."""

    def __init__(self, *, catalog: Catalog, ledger: Ledger, blobs: Blobs, index: Index) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._blobs = blobs
        self._index = index

    def write(
        self,
        cubes: Sequence[MemCube],
        path: Path,
        act: Act,
        *,
        label: Label,
        key: SigningKey | None = None,
    ) -> int:
        """Write all versions of the cubes, and what they were derived from; how many cubes.

        A text leaves as it is shown: without a word of a parent that the principal may not read.

        Raises:
            Forbidden: one was derived from what the principal may not share, or is KV or weights
                of what it may not read, whose bytes would carry that off; or it would see one
                redacted: in a file it would be whole.
        """
        found = self._with_parents(cubes, act)
        act.touch(found)
        turns = [
            edge
            for edge in self._catalog.edges_of(found, [Relation.NEXT])
            if edge.source in found and edge.target in found
        ]
        for versions in found.values():
            act.require_whole(versions)
        pack(Load(list(found.values()), turns, label, at=act.at, key=key), self._blobs, path)
        return len(found)

    def read(
        self, path: Path, act: Act, *, revive: bool = False, progress: Progress = silent
    ) -> Imported:
        """Import a bundle; see :mod:`memos.life.renaming` for the ids.

        Raises:
            BadInput: it is no bundle, or of another format.
            CorruptionError: a member is not what the manifest says.
            VersionConflict: a cube of the same id with other content is there already.
            ForgottenCube: a cube was forgotten here, and ``revive`` is not set.
            Forbidden: a cube lies outside of the scope that the call names, or where the principal
                may not write, or is somebody else's.
        """
        with Archive(path) as archive:
            contents = read_contents(archive, now=act.at)
            for cube in (one for versions in contents.histories.values() for one in versions):
                _require_own(cube, act)
            if act.principal != ROOT:
                contents = with_own_ids(contents, act.principal, self._own(contents, act))
            known = self._known(contents, act)
            fresh = [cube_id for cube_id in contents.histories if cube_id not in known]
            if not revive:
                self._require_unforgotten(fresh)
            if fresh:
                self._apply(archive, contents, fresh, act, progress=progress)
            else:
                act.touch(known)
        current = tuple(contents.histories[cube_id][-1] for cube_id in fresh)
        return Imported(cubes=current, skipped=tuple(sorted(known)))

    def _apply(
        self,
        archive: Archive,
        contents: Contents,
        fresh: Sequence[str],
        act: Act,
        *,
        progress: Progress,
    ) -> None:
        put = tuple(cube for cube_id in fresh for cube in contents.histories[cube_id])
        current = {cube_id: contents.histories[cube_id][-1] for cube_id in fresh}
        derived = [
            Edge(cube.id, Relation.DERIVED, parent.id, parent.version)
            for cube in put
            for parent in cube.provenance.parents
        ]
        turns = [one for one in contents.turns if one.source in current and one.target in current]
        names = [edge for cube in current.values() for edge in entity_edges(cube)]
        edges = tuple(dict.fromkeys([*derived, *turns, *names]))
        change = Change(
            audit=act.audit(fresh), put=put, edges=edges, expects=dict.fromkeys(fresh, 0)
        )
        self.commit(change, archive, progress)

    def commit(self, change: Change, archive: Archive, progress: Progress = silent) -> None:
        """Commit what comes from a bundle: its blobs first, and the indexes last.

        Raises:
            ModelMismatch: the store was indexed by another embedding model.
            VersionConflict: somebody was faster.
        """
        current = {cube.id: cube for cube in change.put}
        found = [
            cube
            for cube in current.values()
            if cube.kind is Kind.PLAINTEXT and cube.state in FINDABLE
        ]
        ready = self._index.embed(found, progress) if found else {}
        digests = dict.fromkeys(digest for cube in change.put for digest in cube.blobs)
        try:
            for digest in digests:
                self._blobs.put(blob_of(archive, digest))
            self._catalog.commit(change)
        except MemosError:
            with suppress(BackendError):  # why it failed must not be hidden
                self._catalog.owe([(Errand.SWEEP, digest) for digest in digests])
                self._index.drain()
            raise
        self._index.drain(list(current.values()), ready, progress)

    def _own(self, contents: Contents, act: Act) -> set[str]:
        """The ids of which the principal may know that they are there, or were."""
        graves = {one: self._ledger.tombstone(one) for one in contents.histories}
        gone = {one for one, grave in graves.items() if grave and grave.by == str(act.principal)}
        return gone | act.readable(list(contents.histories))

    def _known(self, contents: Contents, act: Act) -> set[str]:
        """The ids that are there already, with the same content as far as one may know it."""
        there = self._catalog.versions(contents.histories)
        for cube_id in there:
            arriving = [to_json(cube) for cube in contents.histories[cube_id]]
            known = act.untied(self._catalog.history(cube_id))
            if [to_json(one) for one in known] != arriving:
                message = f"cube {cube_id} is there already, with other content"
                raise VersionConflict(message, hint="nothing was imported; forget one of the two")
        return set(there)

    def _require_unforgotten(self, ids: Sequence[str]) -> None:
        for cube_id in ids:
            tombstone = self._ledger.tombstone(cube_id)
            if tombstone is not None:
                message = f"cube {cube_id} was forgotten here on {tombstone.at:%Y-%m-%d %H:%M}"
                hint = "nothing was imported; pass revive to bring it back"
                raise ForgottenCube(message, hint=hint)

    def _with_parents(self, cubes: Iterable[MemCube], act: Act) -> dict[str, list[MemCube]]:
        """All versions of the cubes, and of everything that any of them was derived from."""
        found: dict[str, list[MemCube]] = {}
        waiting = {cube.id for cube in cubes}
        while waiting:
            above: dict[str, str] = {}
            for cube_id in waiting:
                found[cube_id] = self._leaving(cube_id, act)
                named = [parent.id for one in found[cube_id] for parent in one.provenance.parents]
                above.update(dict.fromkeys(named, cube_id))
            waiting = set(above) - set(found)
            there = {cube.id: cube for cube in self._catalog.find_all(sorted(waiting))}
            for parent_id in waiting:
                _require_shareable(there.get(parent_id), above[parent_id], act)
        return dict(sorted(found.items()))

    def _leaving(self, cube_id: str, act: Act) -> list[MemCube]:
        """All versions of a cube, as they may leave.

        A text is its owner's, and where it has a parent that is hidden, so is that it has one. KV
        and weights keep their parents, for their bytes hold what those say.
        """
        versions = self._catalog.history(cube_id)
        return act.untied(versions) if versions[0].kind is Kind.PLAINTEXT else versions


def inspect(path: Path) -> BundleReport:
    """What a bundle holds and who signed it; verified as before an import, whatever its times.

    Raises:
        BadInput: it is no bundle, or of another format.
        CorruptionError: a member is not what the manifest says, or the manifest is not what was
            signed.
    """
    with Archive(path) as archive:
        contents = read_contents(archive, now=None)
    manifest, current = contents.manifest, contents.current
    scopes = dict.fromkeys(cube.scope for cube in current)
    return BundleReport(
        name=manifest.name,
        version=manifest.version,
        licence=manifest.licence,
        description=manifest.description,
        created_at=manifest.created_at,
        code=manifest.code,
        format=manifest.format,
        digest=contents.digest,
        signer=contents.signer,
        cubes=dict(Counter(str(cube.kind) for cube in current)),
        versions=sum(len(versions) for versions in contents.histories.values()),
        scopes=tuple(sorted(scopes, key=str)),
    )


def _require_shareable(parent: MemCube | None, child: str, act: Act) -> None:
    if parent is None:
        message = f"cube {child} was derived from a cube that is gone"
        raise CorruptionError(message, hint="memos check names what is wrong")
    if not all(act.reach(right).holds(parent) for right in (act.right, Right.READ)):
        message = f"cube {child} was derived from what {act.principal} may not {act.right}"
        raise Forbidden(message, hint="leave it out, or ask for a grant: memos grant")


def _require_own(cube: MemCube, act: Act) -> None:
    """Refuse what would go where one may not write, stand in another's name, or bind others."""
    if not act.scope.covers(cube.scope):
        message = f"cube {cube.id} belongs to {cube.scope}, outside of {act.scope}"
        raise Forbidden(message, hint="import it for whom it belongs to, or install it")
    if not act.reach().covers(cube.scope):
        message = f"cube {cube.id} belongs to {cube.scope}, where {act.principal} may not write"
        raise Forbidden(message, hint="install it under a namespace: memos install")
    governance = cube.header.governance
    if act.reach(Right.ADMINISTER).holds(cube):
        return
    if governance.owner not in {None, str(act.principal)} or governance.legal_hold:
        message = f"cube {cube.id} is {governance.owner}'s, or on legal hold"
        raise Forbidden(message, hint="install it under a namespace: memos install")
