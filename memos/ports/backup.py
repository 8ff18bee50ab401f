"""What a backup says of itself."""

from __future__ import annotations

from pydantic import Field

from memos.cube.frozen import Frozen
from memos.cube.header import Time
from memos.cube.payload import Digest


class BackedUp(Frozen):
    """One file of a backup."""

    digest: Digest
    """SHA-256 of the file as it lies there."""
    size_bytes: int = Field(ge=0)


class Manifest(Frozen):
    """The contents of a backup, as its ``manifest.json`` has them."""

    format: int
    code: str
    """Which version of this library made it."""
    made_at: Time
    schema_revision: str
    cubes: int
    versions: int
    blobs: int
    audit_head: str
    """Number and seal of the newest row of the journal; empty where there is none."""
    files: dict[str, BackedUp]
    """By their names, relative to the backup."""
