"""Compares the catalog with everything derived from it, and mends what can be mended.

rows ─> their blobs and sources ─> edges, ledger, journal        looked at
                        │
     one commit: versions into quarantine, columns and edges anew      with repair
                        │
      vectors and words ─> blobs that nobody refers to ─> file modes   looked at and mended

What cannot be read is a problem in the report; it never stops the check. Nothing is called an
orphan unless everything that could refer to it was read.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from memos.errors import BackendError, CorruptionError
from memos.life.checkup.blocks import examine_blocks, examine_kept
from memos.life.checkup.census import Census, census
from memos.life.checkup.derived import examine_blobs, examine_sources
from memos.life.checkup.findings import Findings
from memos.life.checkup.indexes import IndexExam
from memos.life.checkup.records import (
    examine_edges,
    examine_journal,
    examine_ledger,
    examine_receipts,
)
from memos.life.checkup.trainings import examine_trainings
from memos.life.checkup.trust import examine_trust
from memos.life.report import CheckReport
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from memos.governance.act import Act
    from memos.life.checkup.subjects import Subjects

_DISTRIBUTION = "agent-memos"


class Checkup:
    """Looks at every cube, index row, blob and record."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    def run(
        self, act: Act, *, repair: bool, deep: bool = False, progress: Progress = silent
    ) -> CheckReport:
        """Everything that is wrong; with ``repair``, mended where it can be.

        Args:
            act: the call; what is mended is written down as its doing.
            repair: whether to mend.
            deep: whether to make every vector again and compare.
            progress: told of what is looked at.
        """
        findings = Findings(act.at)
        self._database(findings, repair=repair)
        _name_clash(findings)
        with findings.reading("catalog"):
            there = census(
                self._subjects.repairs, self._subjects.catalog, findings, progress
            )  # fmt: skip
            self._rest(there, findings, act, repair=repair, deep=deep, progress=progress)
        self._modes(findings, repair=repair)
        return CheckReport(problems=findings.problems(), checked=findings.checked)

    def _rest(
        self,
        there: Census,
        findings: Findings,
        act: Act,
        *,
        repair: bool,
        deep: bool,
        progress: Progress,
    ) -> None:
        subjects = self._subjects
        self._records(there, findings, progress, repair=repair)
        if repair and findings.is_planned:
            self._mend(findings, act)
            there = self._relinked(act)
        exam = IndexExam(subjects.catalog, subjects.index, deep=deep)
        with findings.reading("indexes"):
            exam.run(there, findings, repair=repair, progress=progress)
        if findings.readable:
            with findings.reading("blobs"):
                self._strays(there, findings, repair=repair)
            with findings.reading("blocks"):
                examine_blocks(subjects, findings, progress, repair=repair)

    def _database(self, findings: Findings, *, repair: bool) -> None:
        with findings.reading("database"):
            wrong = self._subjects.catalog.problems()
            left = set(wrong)
            if wrong and repair:
                # Where only the database's own indexes are wrong, its tables are enough.
                self._subjects.repairs.reindex()
                left = set(self._subjects.catalog.problems())
            for message in wrong:
                mended = message not in left
                findings.tell("damaged-database", "catalog", message, repaired=mended)

    def _records(
        self, there: Census, findings: Findings, progress: Progress, *, repair: bool
    ) -> None:
        subjects = self._subjects
        with findings.reading("blobs"):
            examine_blobs(there, subjects.shelves, findings, progress)
        examine_sources(there, findings)
        with findings.reading("edges"):
            examine_edges(there, subjects.repairs, findings)
        with findings.reading("receipts"):
            examine_receipts(subjects.repairs, findings)
        with findings.reading("ledger"):
            referred = {digest for cube, _ in there.derived.values() for digest in cube.blobs}
            examine_ledger(there, subjects.ledger, referred, findings)
            examine_kept(there, subjects.ledger, findings)
            examine_trainings(there, subjects.ledger, subjects.shelves, findings)
        with findings.reading("journal"):
            examine_journal(subjects.journal, findings, repair=repair)
        with findings.reading("grants and certificates"):
            examine_trust(subjects, there.ids, findings)

    def _mend(self, findings: Findings, act: Act) -> None:
        subjects = self._subjects
        ids = sorted({one for one, _ in findings.lost} | set(findings.rewrite))
        try:
            subjects.repairs.mend(findings.mending(act.audit(ids)))
            self._set_aside(findings)
            subjects.index.drain()
        except (CorruptionError, BackendError) as error:
            findings.tell("unreadable", "repair", error.message)
            return
        findings.mended()

    def _relinked(self, act: Act) -> Census:
        """What there is after mending; versions that are current again get their edges back."""
        subjects, again = self._subjects, Findings(act.at)
        there = census(subjects.repairs, subjects.catalog, again)
        examine_edges(there, subjects.repairs, again)
        if again.link or again.unlink or again.drop_edges:
            edges = Findings(
                act.at, link=again.link, unlink=again.unlink, drop_edges=again.drop_edges
            )
            subjects.repairs.mend(edges.mending(act.audit()))
        return there

    def _set_aside(self, findings: Findings) -> None:
        """Take the bytes of what went into quarantine out of the way, unless others use them."""
        gone = findings.aside - self._subjects.catalog.blobs()
        if self._subjects.aside is not None:
            for digest in sorted(gone):
                self._subjects.aside.blob(digest)

    def _strays(self, there: Census, findings: Findings, *, repair: bool) -> None:
        referred = {digest for cube, _ in there.derived.values() for digest in cube.blobs}
        trainings = self._subjects.ledger.trainings()
        referred.update(one.checkpoint for one in trainings if one.checkpoint is not None)
        shelves = self._subjects.shelves
        for place, digest in shelves.strays(referred, self._subjects.ledger.places()):
            if repair:
                shelves.drop_at(place, digest)
            message = f"neither a cube nor a training refers to blob {digest} in {place}"
            findings.tell("orphan-blob", digest, message, repaired=repair)

    def _modes(self, findings: Findings, *, repair: bool) -> None:
        privacy = self._subjects.privacy
        if privacy is None:
            return
        found = privacy.loose()
        mended = set(privacy.tighten()) if repair else set()
        for path in found:
            message = f"others than its owner have a right to {path}"
            findings.tell("loose-permissions", path, message, repaired=path in mended)


@cache
def _namesakes(_path: tuple[str, ...]) -> list[str]:
    """Other distributions with a package called memos, among all that are on the path."""
    return sorted(set(packages_distributions().get("memos", [])) - {_DISTRIBUTION})


def _name_clash(findings: Findings) -> None:
    for name in _namesakes(tuple(sys.path)):
        message = f"the distribution {name} installs a package called memos as well"
        findings.tell("name-clash", name, message)
