"""A bundle that was read: nothing of it is believed before all of it has been looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from memos.cube import Plaintext
from memos.cube.identity import digest_of
from memos.cube.wire import from_json
from memos.errors import BadInput, CorruptionError
from memos.kinds.drafts import holds_nul
from memos.kinds.tensors import Told, require_tensors, told
from memos.life.manifest import (
    BLOBS,
    CUBES,
    EDGES,
    MANIFEST,
    SIGNATURE,
    Counts,
    Manifest,
    Text,
    read_manifest,
    read_signer,
)
from memos.life.scrutiny import TOLERANCE, parents_first, require_history, require_sound
from memos.ports.graph import Edge, Relation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memos.cube import MemCube
    from memos.life.unpacking import Archive

_MANIFEST_LIMIT = 16 << 20
_SIGNATURE_LIMIT = 4 << 10
_PAIR = TypeAdapter(tuple[str, str])


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle holds, all of it verified; only the blobs are still in the file."""

    manifest: Manifest
    digest: str
    """The SHA-256 of the manifest: of everything."""
    signer: str | None
    """The public key that signed it; None where nobody did."""
    histories: Mapping[str, tuple[MemCube, ...]]
    """All versions of each cube, oldest first; parents before what was made from them."""
    turns: tuple[Edge, ...]

    @property
    def current(self) -> list[MemCube]:
        """Each cube as it is now."""
        return [versions[-1] for versions in self.histories.values()]


def read_contents(archive: Archive, *, now: datetime | None) -> Contents:
    """Read and verify everything.

    Args:
        archive: an open bundle.
        now: a bundle that was made later is refused, and cubes that were recorded later are; None
            accepts any time.

    Raises:
        BadInput: it is no bundle, of another format, or holds what no bundle of ours would.
        CorruptionError: a member is not what the manifest says, or the manifest is not what was
            signed.
    """
    content = archive.read(MANIFEST, limit=_MANIFEST_LIMIT)
    manifest = read_manifest(content)
    signer = None
    if SIGNATURE in archive.names and manifest.format > 1:
        signer = read_signer(archive.read(SIGNATURE, limit=_SIGNATURE_LIMIT), content)
    _require_told(manifest, now)
    _require_members(archive, manifest, signed=signer is not None)
    histories = _histories(_lines(archive, manifest, CUBES), now)
    turns = tuple(_turn(line, histories) for line in _lines(archive, manifest, EDGES))
    _require_counts(manifest, histories, turns)
    _require_blobs(archive, manifest, histories)
    return Contents(manifest, digest_of(content), signer, histories, turns)


def blob_of(archive: Archive, digest: str) -> bytes:
    """The bytes of one blob.

    Raises:
        CorruptionError: they are not what the digest says.
    """
    return archive.verified(f"{BLOBS}{digest}", digest)


def _require_told(manifest: Manifest, now: datetime | None) -> None:
    """Refuse what no bundle of ours says of itself: parts of it go into each installed cube."""
    if holds_nul(manifest.model_dump()):
        raise BadInput("a text in the manifest holds a NUL", hint="nothing was imported")
    made = manifest.created_at
    if now is not None and made is not None and made > now + TOLERANCE:
        message = f"the bundle was made at {made}, which is yet to come"
        raise BadInput(message, hint="set the clocks right: what comes later must be newer")


def _require_members(archive: Archive, manifest: Manifest, *, signed: bool) -> None:
    expected = {MANIFEST, *([SIGNATURE] if signed else []), *manifest.names}
    odd = sorted(archive.names ^ expected)
    if odd:
        what = "has" if odd[0] in archive.names else "does not have"
        message = f"the bundle {what} {odd[0]!r:.100}, unlike its manifest"
        raise BadInput(message, hint="get it again; nothing was imported")


def _lines(archive: Archive, manifest: Manifest, name: Text) -> list[bytes]:
    content = archive.verified(name, manifest.members[name], limit=archive.limits.text)
    return [line for line in content.split(b"\n") if line]


def _histories(lines: list[bytes], now: datetime | None) -> Mapping[str, tuple[MemCube, ...]]:
    found: dict[str, list[MemCube]] = {}
    for line in lines:
        cube = from_json(line)
        require_sound(cube, now)
        found.setdefault(cube.id, []).append(cube)
    for versions in found.values():
        require_history(versions)
    return {cube_id: tuple(found[cube_id]) for cube_id in parents_first(found)}


def _turn(line: bytes, histories: Mapping[str, tuple[MemCube, ...]]) -> Edge:
    try:
        source, target = _PAIR.validate_json(line)
    except ValidationError as error:
        shown = line[:60].decode(errors="replace")
        raise BadInput(f"edges.jsonl has {shown!r}, not [source, target]") from error
    for end in (source, target):
        versions = histories.get(end)
        if versions is None or not isinstance(versions[0].payload, Plaintext):
            raise BadInput(f"edges.jsonl names {end!r:.60}, which is no text of this bundle")
    if source == target:
        raise BadInput(f"edges.jsonl lets {source} follow itself")
    return Edge(source, Relation.NEXT, target)


def _require_counts(
    manifest: Manifest, histories: Mapping[str, tuple[MemCube, ...]], turns: tuple[Edge, ...]
) -> None:
    found = Counts(
        cubes=len(histories),
        versions=sum(len(versions) for versions in histories.values()),
        edges=len(turns),
        blobs=len(manifest.blobs),
    )
    if manifest.counts is not None and manifest.counts != found:
        message = f"the bundle holds {found!r}, but its manifest names {manifest.counts!r}"
        raise CorruptionError(message, hint="get it again; nothing was imported")


def _require_blobs(
    archive: Archive, manifest: Manifest, histories: Mapping[str, tuple[MemCube, ...]]
) -> None:
    """Look into every blob; each is named by a cube, and there is one wherever a cube names it."""
    claims: dict[str, set[Told]] = {}
    for cube in (one for versions in histories.values() for one in versions):
        if isinstance(cube.payload, Plaintext):
            continue
        for digest in cube.blobs:
            claims.setdefault(digest, set()).add(told(cube.payload))
    odd = sorted(set(claims) ^ set(manifest.blobs))
    if odd:
        message = f"blob {odd[0]} is not both in the bundle and in one of its cubes"
        raise CorruptionError(message, hint="nothing was imported")
    for digest, made in claims.items():
        content = blob_of(archive, digest)
        for claim in made:
            require_tensors(claim, content)
