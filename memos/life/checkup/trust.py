"""Whether grants and certificates are still what the journal says was written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.errors import CorruptionError
from memos.ports.journal import bonds_of
from memos.ports.ledger import Certificate, Grant, Revocation

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from memos.life.checkup.findings import Findings
    from memos.life.checkup.subjects import Subjects
    from memos.ports.journal import Audit, Journal
    from memos.ports.repairs import Kept


@dataclass(slots=True)
class _Bonds:
    """What the journal binds."""

    newest: dict[tuple[str, str], str] = field(default_factory=dict)
    """By kind and name, the digest that was written last."""
    before: set[tuple[str, datetime]] = field(default_factory=set)
    """Kinds and times of what rows that bind nothing tell of, as earlier versions wrote them."""
    readable: bool = True
    """Whether the journal could be read; without it, nothing is judged that can be read itself."""

    def expect(self, kept: Kept) -> bool:
        """Whether an entry is what was written, as far as the journal tells."""
        if kept.entry is None or not self.readable:
            return kept.entry is not None
        known = self.newest.get((kept.kind, kept.name))
        if known is None:
            return (kept.kind, kept.entry.at) in self.before
        return known == kept.digest


def examine_trust(subjects: Subjects, ids: Collection[str], findings: Findings) -> None:
    """Tell of grants and certificates that are not what was written, or lead nowhere.

    A grant that no row gave gives nothing: a repair takes it back. Certificates are evidence.

    Raises:
        CorruptionError: a table cannot be read.
    """
    entries = list(subjects.repairs.kept())
    bonds = _bonds(subjects.journal, {one.entry.at for one in entries if one.entry is not None})
    for kept in entries:
        if not bonds.expect(kept):
            _tell(kept, findings)
        elif isinstance(kept.entry, Grant):
            _examine_target(kept.entry, ids, findings)
    there = {kept.name for kept in entries if kept.kind == "certificate"}
    _examine_missing(subjects, bonds, there, findings)


def _examine_missing(
    subjects: Subjects, bonds: _Bonds, there: set[str], findings: Findings
) -> None:
    named = Counter(stone.certificate for stone in subjects.ledger.tombstones())
    written = {name for kind, name in bonds.newest if kind == "certificate"}
    for gone in sorted((written | set(named)) - there):
        message = f"certificate {gone} is not there; tombstones that name it: {named[gone]}"
        findings.tell("missing-certificate", gone, message)


def _bonds(journal: Journal, dates: Collection[datetime]) -> _Bonds:
    bonds = _Bonds()
    try:
        for row in journal.rows():
            _note(row.audit, dates, bonds)
    except CorruptionError:
        bonds.readable = False  # which is told where the chain of its rows is looked at
    return bonds


def _note(done: Audit, dates: Collection[datetime], bonds: _Bonds) -> None:
    bound = {(kind, name): digest for kind, name, digest in bonds_of(done)}
    bonds.newest.update(bound)
    if not bound and done.outcome == "ok" and done.at in dates:
        bonds.before.add(("grant" if done.call == "grant" else "certificate", done.at))


def _tell(kept: Kept, findings: Findings) -> None:
    if kept.kind == "grant":
        said = f"it says now: {_said(kept.entry)}" if isinstance(kept.entry, Grant) else kept.damage
        message = f"grant {kept.name} is not what was given; {said}"
        findings.plan("altered-grant", kept.name, message)
        findings.also.append(Revocation(int(kept.name)))
        return
    message = f"certificate {kept.name} is not what was written"
    said = "" if isinstance(kept.entry, Certificate) else f": {kept.damage}"
    findings.tell("altered-certificate", kept.name, message + said)


def _examine_target(grant: Grant, ids: Collection[str], findings: Findings) -> None:
    if grant.cube_id is not None and grant.cube_id not in ids:
        message = f"grant {grant.number} is on cube {grant.cube_id}, which is not there"
        findings.plan("grant-on-nothing", str(grant.number), message)
        findings.also.append(Revocation(grant.number))


def _said(grant: Grant) -> str:
    what = f"cube {grant.cube_id}" if grant.cube_id is not None else str(grant.scope)
    label = "" if grant.label is None else f", label {grant.label!r}"
    until = "" if grant.expires_at is None else f", until {grant.expires_at}"
    return f"{grant.principal!r} may {grant.right} {what}{label}{until}"
