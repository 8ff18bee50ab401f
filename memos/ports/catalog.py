"""The one truth: which cubes exist, whose, in which versions, and what is still to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from memos.cube.scope import EVERYBODY, Scope
from memos.ports.filters import EVERYTHING, Filter
from memos.ports.graph import Edge, Edges

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from memos.cube import Kind, MemCube
    from memos.ports.journal import Audit
    from memos.ports.ledger import Entry


class Errand(StrEnum):
    """What the outbox still owes the derived stores."""

    INDEX = "index"
    """put the current version of a cube into vectors and words"""
    WORDS = "words"
    """put it into words alone, where vectors have it"""
    DROP = "drop"
    """remove a cube from vectors and words"""
    SWEEP = "sweep"
    """remove a blob that neither a cube nor a training refers to"""
    BLOCK = "block"
    """remove a block of attention state that no cube refers to"""
    PURGE = "purge"
    """leave no byte of what was dropped in any file"""


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the outbox."""

    number: int
    errand: Errand
    subject: str
    """A cube's id; for SWEEP a blob's digest, for BLOCK a block's name; empty for
    PURGE."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a call with an idempotency key was, and what it answered."""

    key: str
    scope: Scope
    fingerprint: str
    """A digest of the call and its arguments."""
    answer: JsonValue


@dataclass(frozen=True, slots=True)
class Change:
    """All that one system call writes; applied whole or not at all."""

    audit: Audit
    put: tuple[MemCube, ...] = ()
    """New versions: version 1 makes a cube, version n+1 revises the one at version n.

    Several versions of one cube stand in ascending order.
    """
    forget: tuple[str, ...] = ()
    """Ids that go, with all their versions and edges."""
    edges: tuple[Edge, ...] = ()
    replaces: tuple[str, ...] = ()
    """Ids whose MENTIONS and TITLED edges go before ``edges`` are written, and those that tell with
    which cubes their texts agree or not: DUPLICATES and CONTRADICTS, either way round."""
    expects: Mapping[str, int] = field(default_factory=dict)
    """Compare-and-swap: the version each of these ids must be at; 0 for absent."""
    receipt: Receipt | None = None
    also: tuple[Entry, ...] = ()
    """What is written beside cubes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cubes, in which order: by id, which is the order they were made in."""

    scope: Scope = EVERYBODY
    where: Filter = EVERYTHING
    kinds: tuple[Kind, ...] = ()
    """Empty for any."""
    after: str | None = None
    """Only ids beyond this one, in the direction of reading."""
    newest_first: bool = False
    latest_first: bool = False
    """By when they began to hold instead; those of which that is not known last, by id."""
    limit: int | None = None
    unchanged_since: datetime | None = None
    """Only cubes whose current version was current then, already."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is, for people."""

    cubes: Mapping[str, int]
    """By kind."""
    versions: int
    users: int
    edges: int
    audit_rows: int
    pending: int


class Catalog(Edges, Protocol):
    """Which cubes exist. Whatever has been committed survives a kill at any later point."""

    def commit(self, change: Change) -> None:
        """Apply a change in one transaction, and owe the derived stores what follows from it.

        Plaintext cubes in ``put`` owe INDEX where they can be found and what the indexes hold of
        them is no more right, or DROP where they can't; ids in ``forget`` owe DROP, and blobs that
        no version refers to any more owe SWEEP, blocks that no cube is kept in BLOCK; whatever is
        forgotten owes one PURGE.

        A version counts as known from the time of the change on, or its own if that is later:
        what comes from elsewhere was not known here before.

        Raises:
            VersionConflict: an expectation, or the version before a put, does not hold.
            KeyReused: the receipt's key is there already in that scope.
        """
        ...

    def find(self, cube_id: str, version: int | None = None) -> MemCube | None:
        """The cube at a version, by default its current one; None where there is none."""
        ...

    def find_all(self, ids: Sequence[str]) -> list[MemCube]:
        """The current versions, in the order of ``ids``; absent ids are left out."""
        ...

    def select(self, selection: Selection) -> list[MemCube]:
        """Current versions that the selection admits.

        Raises:
            BadInput: the filter names a field that does not exist.
        """
        ...

    def ids(self, selection: Selection) -> list[str]:
        """The ids of what :meth:`select` would return."""
        ...

    def then(self, selection: Selection, at: datetime) -> list[MemCube]:
        """The versions that were current at a time, of cubes that have changed since.

        The selection says what the cubes are like *now*; those that were forgotten since, or not
        known yet, are left out.
        """
        ...

    def next_expiry(self) -> datetime | None:
        """A time before which nothing expires; None where nothing will. It is kept at hand."""
        ...

    def due(self, now: datetime, limit: int) -> list[MemCube]:
        """Cubes whose time is over by ``now`` and whose state does not say so yet."""
        ...

    def history(self, cube_id: str) -> list[MemCube]:
        """Every version, oldest first; empty where there is no such cube."""
        ...

    def versions(self, ids: Collection[str]) -> dict[str, int]:
        """The current version of each id that exists."""
        ...

    def contents(self, ids: Collection[str]) -> dict[str, int]:
        """The version that brought the current content, of each id that exists."""
        ...

    def sensitivities(self, ids: Collection[str]) -> dict[str, str]:
        """How sensitive each of the cubes is now; absent ids are left out."""
        ...

    def blobs(self) -> set[str]:
        """Every digest that some version, or some training, refers to."""
        ...

    def pending(self, limit: int) -> list[Task]:
        """The oldest tasks of the outbox."""
        ...

    def settle(self, tasks: Collection[Task]) -> None:
        """Take done tasks off the outbox."""
        ...

    def owe(self, tasks: Sequence[tuple[Errand, str]]) -> None:
        """Put tasks on the outbox, for repairs."""
        ...

    def receipt(self, key: str, scope: Scope) -> Receipt | None:
        """What a call with this key answered."""
        ...

    def note(self, name: str, value: str | None = None) -> str | None:
        """Read a named note of the store; with ``value``, write it first."""
        ...

    def counts(self) -> Counts:
        """How much there is."""
        ...

    def problems(self) -> list[str]:
        """What the database itself finds wrong with its file; empty when nothing."""
        ...

    def purge(self) -> None:
        """Erase: what was forgotten or settled leaves no byte behind in any file.

        What still stands in a row stays, of course: the audit keeps the ids of what was
        forgotten. Slow: meant to be called once after many forgets. After a crash at any point
        every row is there, and purging again finishes it.

        Raises:
            BackendError: it could not be done; bytes may be left.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
