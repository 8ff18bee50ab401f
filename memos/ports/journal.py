"""Who did what, when, why and with which outcome: rows that are added and never changed.

    row 1            row 2            row 3
    seal = H(0…0,1)  seal = H(s1,2)   seal = H(s2,3)    <- the head; whoever keeps it elsewhere
                                                           can tell whether rows were cut off

Each row's seal is the SHA-256 (with a key: the HMAC) over the seal before it and the row itself:
a row that is changed, removed or put in breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from memos.cube.identity import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from memos.cube.scope import Scope

FIRST = "0" * 64
"""What stands for the seal before the first row."""


@dataclass(frozen=True, slots=True)
class Audit:
    """One call; no content of any memory."""

    at: datetime
    actor: str
    """The principal, such as ``user:alice``."""
    call: str
    scope: Scope
    subjects: tuple[str, ...]
    """Ids of cubes, and what binds entries of the ledger to the row: see ``bond_of``."""
    outcome: str = "ok"
    """``ok``, ``dry run``, or the name of the error."""
    reason: str = ""
    """What the caller gave as the purpose."""
    basis: str = ""
    """What the right rested on: ``root``, ``owner``, ``grants``; empty where it was refused."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A row of the journal."""

    number: int
    audit: Audit
    seal: str


REVOKED = "revoked"
"""Stands for the digest of a grant that was taken back."""


def bond_of(kind: str, name: str | int, digest: str) -> str:
    """What binds an entry of the ledger to the row of the change that wrote it.

    Args:
        kind: ``grant`` or ``certificate``.
        name: its number or id.
        digest: of how it lies in the ledger, or :data:`REVOKED`.
    """
    return f"{kind}:{name}:{digest}"


def bound(audit: Audit, bonds: Iterable[str]) -> Audit:
    """The row, which binds entries as well."""
    return replace(audit, subjects=(*audit.subjects, *bonds))


def bonds_of(audit: Audit) -> Iterator[tuple[str, str, str]]:
    """Kind, name and digest of every entry that a row binds; ids of cubes have no colon."""
    for subject in audit.subjects:
        kind, _, rest = subject.partition(":")
        name, _, digest = rest.rpartition(":")
        if name:
            yield kind, name, digest


def seal_of(previous: str, number: int, audit: Audit, key: bytes | None = None) -> str:
    """The seal of row ``number``, which follows one sealed ``previous``; 64 hexadecimal digits."""
    told = canonical(
        [
            previous,
            number,
            audit.at.isoformat(),
            audit.actor,
            audit.call,
            audit.scope.named(),
            audit.subjects,
            audit.outcome,
            audit.reason,
            audit.basis,
        ]
    )
    if key is not None:
        return hmac.new(key, told, hashlib.sha256).hexdigest()
    return hashlib.sha256(told).hexdigest()


class Journal(Protocol):
    """An append-only list of calls. Changes are recorded by the catalog, with the change itself."""

    def append(self, audit: Audit) -> None:
        """Record a call that changed nothing. It survives a kill; a power cut may take the last."""
        ...

    def rows(self, *, after: int = 0, limit: int | None = None) -> Iterator[Sealed]:
        """Rows with a number greater than ``after``, oldest first."""
        ...

    def newest(self, limit: int) -> list[Sealed]:
        """The last rows, newest first."""
        ...

    def broken(self) -> list[str]:
        """Where the chain does not hold, in words; empty when it does.

        A row that is missing is missing for ever, however many follow: what is appended where
        the newest row is not the one that should be there leaves a gap in the numbers.
        """
        ...

    def unguarded(self) -> list[str]:
        """What the storage itself should have against changed rows and does not, by name."""
        ...

    def guard(self) -> None:
        """Put that in place again."""
        ...
