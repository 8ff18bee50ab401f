"""Cubes leave and arrive as one file.

manifest.json   format, code, digests of the other members
cubes.jsonl     one version of a cube a line; the versions of a cube in ascending order
edges.jsonl     turn order among the cubes: [source, target] a line
blobs/<sha256>  what activation and parametric cubes refer to
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.cube.wire import from_json, to_json
from memos.errors import BackendError, BadInput, CorruptionError, Forbidden, VersionConflict
from memos.kinds.entities import entity_edges
from memos.life.report import Imported
from memos.ports.catalog import Change, Errand
from memos.ports.graph import Edge, Relation
from memos.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.life.index import Index
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock

FORMAT = 1
LARGEST = 8 << 30
"""Bytes that a bundle may unpack to; more is refused before anything is read."""


class Bundles:
    """Writes and reads bundles; an import is verified first and then applied whole."""

    def __init__(self, *, catalog: Catalog, blobs: Blobs, index: Index, clock: Clock) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._index = index
        self._clock = clock

    def write(self, cubes: Sequence[MemCube], path: Path) -> int:
        """Write all versions of the cubes, and what they were derived from; how many cubes."""
        ids = self._with_parents(cubes)
        histories = [self._catalog.history(cube_id) for cube_id in ids]
        lines = [to_json(version) for history in histories for version in history]
        turns = self._catalog.edges_of(ids, [Relation.NEXT])
        there = set(ids)
        pairs = [[edge.source, edge.target] for edge in turns
                 if edge.source in there and edge.target in there]  # fmt: skip
        digests = sorted({d for history in histories for one in history for d in one.blobs})
        members = {
            "cubes.jsonl": "".join(f"{line}\n" for line in lines).encode(),
            "edges.jsonl": "".join(f"{json.dumps(pair)}\n" for pair in pairs).encode(),
        }
        self._pack(path, members, digests)
        return len(ids)

    def read(self, path: Path, act: Act) -> Imported:
        """Import a bundle.

        Raises:
            BadInput: it is no bundle, or of another format.
            CorruptionError: a member is not what the manifest says.
            VersionConflict: a cube of the same id with other content is there already.
            Forbidden: a cube lies outside the scope of this handle.
        """
        scope = act.scope
        versions, turns, blobs = _unpacked(path)
        for cube in versions:
            if not scope.covers(cube.scope):
                message = f"cube {cube.id} belongs to {cube.scope}, outside of {scope}"
                raise Forbidden(message, hint="import it with a handle of that scope")
        _require_complete(versions, blobs)
        known = self._known(versions)
        fresh = [cube for cube in versions if cube.id not in known]
        if fresh:
            self._apply(fresh, turns, {d: blobs[d] for cube in fresh for d in cube.blobs}, act)
        current = {cube.id: cube for cube in fresh}
        return Imported(cubes=tuple(current.values()), skipped=tuple(sorted(known)))

    def _apply(
        self,
        fresh: Sequence[MemCube],
        turns: Sequence[Edge],
        blobs: dict[str, bytes],
        act: Act,
    ) -> None:
        for content in blobs.values():
            self._blobs.put(content)
        ids = tuple(dict.fromkeys(cube.id for cube in fresh))
        current = {cube.id: cube for cube in fresh}
        derived = [
            Edge(cube.id, Relation.DERIVED, parent.id, parent.version)
            for cube in fresh
            for parent in cube.provenance.parents
        ]
        new_turns = [edge for edge in turns if edge.source in current and edge.target in current]
        names = [edge for cube in current.values() for edge in entity_edges(cube)]
        edges = tuple(dict.fromkeys([*derived, *new_turns, *names]))
        try:
            self._catalog.commit(Change(audit=act.audit(ids), put=tuple(fresh), edges=edges))
        except VersionConflict:
            self._catalog.owe([(Errand.SWEEP, digest) for digest in blobs])
            raise
        self._index.drain()

    def _known(self, versions: Sequence[MemCube]) -> set[str]:
        """The ids that are there already, with the same content."""
        arriving: dict[str, list[str]] = {}
        for cube in versions:
            arriving.setdefault(cube.id, []).append(to_json(cube))
        there = self._catalog.versions(arriving)
        for cube_id in there:
            if [to_json(one) for one in self._catalog.history(cube_id)] != arriving[cube_id]:
                message = f"cube {cube_id} is there already, with other content"
                raise VersionConflict(message, hint="nothing was imported; forget one of the two")
        return set(there)

    def _with_parents(self, cubes: Sequence[MemCube]) -> list[str]:
        found = {cube.id: cube for cube in cubes}
        frontier = list(cubes)
        while frontier:
            parents = [p.id for cube in frontier for p in cube.provenance.parents]
            frontier = self._catalog.find_all([one for one in parents if one not in found])
            found.update((cube.id, cube) for cube in frontier)
        return sorted(found)

    def _pack(self, path: Path, members: dict[str, bytes], digests: Sequence[str]) -> None:
        manifest = {
            "format": FORMAT,
            "code": f"agent-memos {VERSION}",
            "members": {name: digest_of(content) for name, content in members.items()},
            "blobs": list(digests),
        }
        partial = path.with_name(f".{path.name}.partial")
        try:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
                partial.chmod(0o600)
                bundle.writestr("manifest.json", json.dumps(manifest, indent=1))
                for name, content in members.items():
                    bundle.writestr(name, content)
                for digest in digests:
                    bundle.writestr(f"blobs/{digest}", self._blobs.get(digest))
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.rename(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            message = f"cannot write the bundle {path}: {error.strerror}"
            raise BackendError(message, hint="choose another place") from error


def _unpacked(path: Path) -> tuple[list[MemCube], list[Edge], dict[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as bundle:
            return _members(bundle, path)
    except FileNotFoundError as error:
        raise BadInput(f"there is no file {path}", hint="memos export writes one") from error
    except (zipfile.BadZipFile, IsADirectoryError, NotImplementedError) as error:
        raise BadInput(f"{path} is no bundle: {error}", hint="memos export writes one") from error
    except (EOFError, OSError, zipfile.LargeZipFile) as error:
        raise CorruptionError(f"{path} cannot be read whole: {error}") from error


def _members(
    bundle: zipfile.ZipFile, path: Path
) -> tuple[list[MemCube], list[Edge], dict[str, bytes]]:
    size = sum(member.file_size for member in bundle.infolist())
    if size > LARGEST:
        raise BadInput(f"{path} unpacks to {size:,} bytes, more than {LARGEST:,}")
    manifest = _manifest(_member(bundle, "manifest.json"), path)
    contents = {}
    for name, digest in manifest["members"].items():
        contents[name] = _verified(bundle, name, digest)
    blobs = {digest: _verified(bundle, f"blobs/{digest}", digest) for digest in manifest["blobs"]}
    cubes = [from_json(line) for line in contents["cubes.jsonl"].splitlines() if line]
    turns = [_turn(line) for line in contents["edges.jsonl"].splitlines() if line]
    return cubes, turns, blobs


def _manifest(content: bytes, path: Path) -> dict[str, dict[str, str]]:
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise BadInput(f"{path}: the manifest is not JSON") from error
    shaped = (
        isinstance(manifest, dict)
        and isinstance(manifest.get("members"), dict)
        and {"cubes.jsonl", "edges.jsonl"} == set(manifest["members"])
        and isinstance(manifest.get("blobs"), list)
        and all(isinstance(digest, str) for digest in manifest["blobs"])
    )
    if not shaped:
        raise BadInput(f"{path}: the manifest is not one of ours")
    if manifest.get("format") != FORMAT:
        message = f"{path} has bundle format {manifest.get('format')!r}"
        raise BadInput(message, hint=f"this version reads {FORMAT}")
    checked: dict[str, dict[str, str]] = manifest
    return checked


def _member(bundle: zipfile.ZipFile, name: str) -> bytes:
    try:
        return bundle.read(name)
    except KeyError as error:
        raise BadInput(f"the bundle has no {name}", hint="memos export writes one") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise CorruptionError(f"{name} in the bundle cannot be read: {error}") from error


def _verified(bundle: zipfile.ZipFile, name: str, digest: str) -> bytes:
    content = _member(bundle, name)
    if digest_of(content) != digest:
        message = f"{name} in the bundle does not have the digest that the manifest names"
        raise CorruptionError(message, hint="get the bundle again; nothing was imported")
    return content


def _turn(line: bytes) -> Edge:
    try:
        pair = json.loads(line)
    except ValueError:
        pair = None
    if not isinstance(pair, list) or [type(end) for end in pair] != [str, str]:
        raise BadInput(f"edges.jsonl has {line[:60]!r}, not [source, target]")
    return Edge(pair[0], Relation.NEXT, pair[1])


def _require_complete(versions: Sequence[MemCube], blobs: Collection[str]) -> None:
    there = {(cube.id, cube.version) for cube in versions}
    counted: dict[str, int] = {}
    for cube in versions:
        if cube.version != counted.get(cube.id, 0) + 1:
            message = f"cube {cube.id} comes with version {cube.version} out of order"
            raise BadInput(message, hint="nothing was imported")
        counted[cube.id] = cube.version
        missing = [f"blob {digest}" for digest in cube.blobs if digest not in blobs]
        missing += [p.id for p in cube.provenance.parents if (p.id, p.version) not in there]
        if missing:
            message = f"cube {cube.id} refers to {missing[0]}, which the bundle does not hold"
            raise CorruptionError(message, hint="nothing was imported")
