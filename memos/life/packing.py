"""Cubes leave as one file; what is written here can be read there."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.cube.wire import to_json
from memos.errors import BackendError, BadInput
from memos.life.aside import aside
from memos.life.manifest import (
    BLOBS,
    CUBES,
    EDGES,
    FORMAT,
    MANIFEST,
    SIGNATURE,
    Counts,
    Label,
    Manifest,
    Signature,
)
from memos.life.unpacking import LIMITS
from memos.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from memos.cube import MemCube
    from memos.life.signing import SigningKey
    from memos.ports.blobs import Blobs
    from memos.ports.graph import Edge


@dataclass(frozen=True, slots=True)
class Load:
    """What goes into a bundle."""

    histories: Sequence[Sequence[MemCube]]
    """All versions of each cube, oldest first."""
    turns: Sequence[Edge]
    label: Label
    at: datetime
    key: SigningKey | None = None

    @property
    def digests(self) -> list[str]:
        """Of the blobs, in ascending order."""
        return sorted({d for versions in self.histories for cube in versions for d in cube.blobs})


def pack(load: Load, blobs: Blobs, path: Path) -> None:
    """Write a bundle; the file is there whole, or not at all.

    Raises:
        BadInput: it would be too large to be read again.
        BackendError: the file cannot be written.
        CorruptionError: a blob is not what was stored.
    """
    versions = (cube for history in load.histories for cube in history)
    pairs = (json.dumps([edge.source, edge.target]) for edge in load.turns)
    texts: dict[str, bytes] = {
        CUBES: _lines(to_json(cube) for cube in versions),
        EDGES: _lines(pairs),
    }
    for name, content in texts.items():
        if len(content) > LIMITS.text:
            message = f"{name} would have {len(content):,} bytes, more than {LIMITS.text:,}"
            raise BadInput(message, hint="export the users, or the years, one by one")
    manifest = _manifest(load, texts)
    try:
        with aside(path) as partial, zipfile.ZipFile(partial, "w") as bundle:
            for name, content in _members(load, manifest, texts):
                bundle.writestr(name, content, _method(content))
            for digest in load.digests:
                bundle.writestr(f"{BLOBS}{digest}", blobs.get(digest), zipfile.ZIP_STORED)
    except OSError as error:
        message = f"cannot write the bundle {path}: {error.strerror}"
        raise BackendError(message, hint="choose another place") from error


def _manifest(load: Load, texts: dict[str, bytes]) -> bytes:
    digests = load.digests
    manifest = Manifest(
        **dict(load.label),
        format=FORMAT,
        code=f"agent-memos {VERSION}",
        created_at=load.at,
        members={CUBES: digest_of(texts[CUBES]), EDGES: digest_of(texts[EDGES])},
        blobs=tuple(digests),
        counts=Counts(
            cubes=len(load.histories),
            versions=sum(len(versions) for versions in load.histories),
            edges=len(load.turns),
            blobs=len(digests),
        ),
    )
    return manifest.model_dump_json(indent=1).encode()


def _members(load: Load, manifest: bytes, texts: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    yield MANIFEST, manifest
    if load.key is not None:
        yield SIGNATURE, Signature.of(manifest, load.key).model_dump_json().encode()
    yield from texts.items()


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _method(content: bytes) -> int:
    """How to pack a text: what shrinks so far that it looks like a bomb is left as it is."""
    if len(content) > LIMITS.small:
        packed = len(zlib.compress(content, 1))  # the zip will do better, hence the quarter
        if len(content) > packed * LIMITS.ratio / 4:
            return zipfile.ZIP_STORED
    return zipfile.ZIP_DEFLATED
