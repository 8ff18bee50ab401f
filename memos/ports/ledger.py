"""What is known about cubes beside the cubes: grants, names of moments, what has gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from memos.cube.scope import EVERYBODY, Scope

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from pydantic import JsonValue

    from memos.cube import Parent
    from memos.cube.principal import Right


@dataclass(frozen=True, slots=True)
class Grant:
    """A right that somebody was given, on one cube, or on a scope, or on a label within a scope."""

    principal: str
    right: Right
    granted_by: str
    at: datetime
    cube_id: str | None = None
    scope: Scope = EVERYBODY
    label: str | None = None
    expires_at: datetime | None = None
    number: int = 0
    """Given by the ledger."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """A grant is taken back."""

    number: int


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That a cube was forgotten; nothing of what it held."""

    cube_id: str
    kind: str
    at: datetime
    by: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """The record of one forgetting; its body names ids and counts, never content."""

    id: str
    at: datetime
    body: JsonValue


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A name for a moment; the names of each principal are its own."""

    name: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class SnapshotDropped:
    """The name is free again, for whoever gave it."""

    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Installed:
    """A bundle that was installed under a namespace, and the cubes that came with it.

    The namespace is one within a scope, and there of an owner: two may use the same name.
    """

    namespace: str
    owner: str
    """The principal whose the cubes are: the scope's user, or who installed them for nobody."""
    scope: Scope
    bundle: str
    """The SHA-256 of the bundle's manifest."""
    name: str
    version: str
    licence: str | None
    signer: str | None
    """The Ed25519 public key that signed it, as hexadecimal digits."""
    at: datetime
    by: str
    cubes: tuple[tuple[str, str], ...]
    """(id in this store, id in the bundle)."""


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The namespace is free again, for that owner in that scope."""

    namespace: str
    owner: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row of the catalog that cannot be read as a cube, kept for whoever can."""

    cube_id: str
    version: int
    at: datetime
    reason: str
    body: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a blob lies, where that is not the usual place."""

    digest: str
    place: str
    """``disk`` takes it back to the usual one."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The blocks of attention state that a KV cube is kept in, in the place of those before.

    Blocks that no cube is kept in any more owe BLOCK. Forgetting a cube takes its row along.
    """

    cube_id: str
    blocks: tuple[str, ...]
    """Their names, in the order of the text."""


class Reason(StrEnum):
    """Why weights are to be trained."""

    ASKED = "asked"
    """somebody asked for them, and it did not come to an end"""
    REVISED = "revised"
    """what an adapter was made from was revised"""
    FORGOTTEN = "forgotten"
    """something that they were, or would have been, made from is gone"""


@dataclass(frozen=True, slots=True)
class Training:
    """A training that has begun or is owed, in the place of what was known of it before.

    It holds no text of any memory. Forgetting a cube takes it out of the parents, and what had been
    reached with it goes; a training without parents goes as well, and so does the rebuilding of a
    cube that is forgotten itself. A blob that is the checkpoint of no training any more owes SWEEP.
    A backup has it without its checkpoint: where it is restored, it begins anew. A bundle has none.
    """

    id: str
    """That of the cube which it is to rebuild; its own, where it rebuilds none."""
    key: str
    """A digest of everything that decides which weights come out, by which a training that was
    interrupted is found again; empty where that is not decided yet."""
    scope: Scope
    """Whose the weights will be."""
    asked_by: str
    """The principal, such as ``user:alice``."""
    parents: tuple[Parent, ...]
    at: datetime
    """When it was first known."""
    reason: Reason = Reason.ASKED
    method: str = "lora"
    title: str | None = None
    """That whoever asked gave; one that is made would say what a memory says."""
    steps: int | None = None
    """Training steps at most; None for as many as the examples need."""
    replaces: str | None = None
    """The cube that is put away when the new one is there."""
    checkpoint: str | None = None
    """The digest of the blob that holds what has been reached; None for nothing."""
    step: int = 0
    """How many steps had been made by then."""


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """What a training has reached, in the place of what it had before.

    Where there is none of that id and key any more, nothing is changed, and the blob owes SWEEP.
    """

    training: str
    key: str
    checkpoint: str | None
    """The digest of a blob; None where nothing is left of it."""
    step: int


@dataclass(frozen=True, slots=True)
class TrainingEnded:
    """The training of that id and key is owed no more."""

    training: str
    key: str


Entry = (
    Grant
    | Revocation
    | Tombstone
    | Certificate
    | Snapshot
    | SnapshotDropped
    | Installed
    | Uninstalled
    | Quarantined
    | Placed
    | Blocked
    | Training
    | Checkpointed
    | TrainingEnded
)
"""What a change writes beside cubes."""


class Ledger(Protocol):
    """Reads what changes have written beside cubes. Forgetting a cube takes its grants along."""

    def grants(self, principal: str | None = None) -> list[Grant]:
        """All grants, or those of one principal, oldest first."""
        ...

    def tombstone(self, cube_id: str) -> Tombstone | None:
        """That the cube was forgotten; None where it was not."""
        ...

    def tombstones(self) -> list[Tombstone]:
        """All, oldest first."""
        ...

    def certificate(self, certificate_id: str) -> Certificate | None:
        """The certificate of that id."""
        ...

    def certificates(self) -> list[Certificate]:
        """All, oldest first."""
        ...

    def snapshot(self, name: str, by: str) -> Snapshot | None:
        """The moment to which the principal ``by`` gave that name."""
        ...

    def snapshots(self) -> list[Snapshot]:
        """All, of everybody, oldest moment first."""
        ...

    def installed(self, namespace: str | None = None) -> list[Installed]:
        """All installed bundles, or those under ``namespace``, by namespace and owner."""
        ...

    def quarantined(self) -> list[Quarantined]:
        """Everything in quarantine, oldest first."""
        ...

    def places(self) -> dict[str, str]:
        """By digest, where blobs lie that are not in the usual place."""
        ...

    def blocks(self, cube_ids: Collection[str] | None = None) -> dict[str, tuple[str, ...]]:
        """By cube id, the names of the blocks that each KV cube is kept in, in order.

        Of all cubes, or of these; one that is kept in none is left out.
        """
        ...

    def trainings(self) -> list[Training]:
        """All that have begun and not ended, or are owed, oldest first."""
        ...
