"""The system calls on the journal: what was done, whether its chain holds, a copy of it."""

from __future__ import annotations

import json
import re
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from memos.cube import EVERYBODY, Principal, Right
from memos.errors import BackendError, BadInput, shown
from memos.kernel.arguments import read_outlet, require_count
from memos.kernel.cubes import CubeCalls
from memos.kinds.drafts import checked_text
from memos.life.aside import aside
from memos.life.report import AuditReport, AuditRow

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.journal import Journal, Sealed

_MOST = 100_000
"""Rows that are read at once; a journal with more of them is exported."""
_NUMBERS = 2**63
"""A database counts no further."""
_SEAL = re.compile("[0-9a-f]{64}")


class AuditCalls(CubeCalls):
    """Read the journal; nobody writes to it but the gate."""

    def audit(
        self,
        *,
        limit: int = 20,
        after: int | None = None,
        call: str | None = None,
        actor: Principal | str | None = None,
    ) -> list[AuditRow]:
        """Rows of the journal, oldest first.

        Args:
            limit: at most so many.
            after: rows beyond this number; None for the newest rows.
            call: only those of this system call, such as ``search``.
            actor: only what this principal did.

        Raises:
            Forbidden: without the right to administer the store.
            BadInput: limit or after is out of range, or the principal cannot be read.
        """
        with self._act("audit", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            require_count(limit, "limit", largest=_MOST)
            if after is not None and not (type(after) is int and 0 <= after < _NUMBERS):
                raise BadInput(f"after is {shown(after)}", hint="0 for all rows")
            if call is not None:
                checked_text(call, "the name of the call")
            who = None if actor is None else str(Principal.read(actor))
            journal = self._parts.journal
            if (after, call, who) == (None, None, None):
                return [_row(one) for one in reversed(journal.newest(limit))]
            rows = (
                one
                for one in journal.rows(after=after or 0)
                if call in {None, one.audit.call} and who in {None, one.audit.actor}
            )
            found = deque(rows, maxlen=limit) if after is None else islice(rows, limit)
            return [_row(one) for one in found]

    def verify_audit(self, *, head: str | None = None) -> AuditReport:
        """Whether the chain of seals holds from the first row to the last.

        Args:
            head: a seal that was kept elsewhere, as an earlier report named it; it must be among
                the seals, or rows have been cut off and written anew since.

        Raises:
            Forbidden: without the right to administer the store.
            BadInput: the head is no seal.
        """
        with self._act("verify_audit", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            _require_seal(head)
            journal = self._parts.journal
            problems = _wrong(journal)
            rows, seal, known = 0, "", head is None
            for one in journal.rows():
                rows, seal = rows + 1, one.seal
                known = known or one.seal == head
            if not known:
                problems.append(f"no row has the seal {head}, which was kept elsewhere")
            return AuditReport(rows=rows, head=seal, problems=tuple(problems))

    def export_audit(self, path: str | Path) -> AuditReport:
        """Write the whole journal to a file, one JSON object a line, and verify it.

        It is for its owner only, and there whole or not at all; a file that is there is replaced.

        Raises:
            BadInput: that is no place for a file, or lies in a store or a backup.
            BackendError: the file cannot be written.
            Forbidden: without the right to administer the store.
        """
        with self._act("export_audit", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            place, rows, seal = read_outlet(path, self._parts.grounds), 0, ""
            try:
                with aside(place) as partial, partial.open("w", encoding="utf-8") as file:
                    for one in self._parts.journal.rows():
                        file.write(json.dumps(_row(one).model_dump(mode="json")) + "\n")
                        rows, seal = rows + 1, one.seal
            except OSError as error:
                message = f"cannot write the journal to {place}: {error.strerror}"
                raise BackendError(message, hint="choose another place") from error
            problems = tuple(_wrong(self._parts.journal))
            return AuditReport(rows=rows, head=seal, problems=problems)


def _wrong(journal: Journal) -> list[str]:
    gone = [f"the trigger {name} is not there, or is another" for name in journal.unguarded()]
    return [*journal.broken(), *gone]


def _require_seal(head: object) -> None:
    if head is not None and not (isinstance(head, str) and _SEAL.fullmatch(head)):
        raise BadInput(f"{shown(head)} is no seal", hint="it has 64 hexadecimal digits")


def _row(one: Sealed) -> AuditRow:
    done = one.audit
    return AuditRow(
        number=one.number,
        at=done.at,
        actor=done.actor,
        call=done.call,
        scope=done.scope,
        subjects=done.subjects,
        outcome=done.outcome,
        reason=done.reason,
        basis=done.basis,
        seal=one.seal,
    )
