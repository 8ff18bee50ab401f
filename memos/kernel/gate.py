"""The one way into the store: every system call passes here, and leaves a row in the journal."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

from memos.cube import ROOT
from memos.errors import BackendError, Forbidden, MemosError
from memos.governance.access import Reach, reach
from memos.governance.act import Act, Rules
from memos.governance.scope import narrowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memos.cube import Principal, Right, Scope
    from memos.kernel.parts import Parts
    from memos.ports.ledger import Grant


class Gate:
    """Says who acts through a handle, what they may touch, and writes down what they did.

    A call that changes something commits its row with the change. The row of any other, refused
    and failed calls included, is written when it ends; where it cannot be written, the call fails.

    Args:
        principal: who acts.
        bound: the scope that the handle is bound to.
        reason: the purpose that is written into every row.
        parts: the ledger, which knows the grants; the journal, which takes the rows; the clock,
            which never goes back; and how sensitive memories are shown.
    """

    def __init__(self, principal: Principal, bound: Scope, *, reason: str, parts: Parts) -> None:
        self.principal = principal
        self.bound = bound
        self._reason = reason
        self._parts = parts

    @contextmanager
    def act(
        self, call: str, right: Right, asked: Scope, *, reason: str | None = None
    ) -> Iterator[Act]:
        """One call, from its beginning to its end.

        Raises:
            Forbidden: it names somebody else than the handle is bound to.
        """
        act = self._act(call, right, self.bound, reason)
        try:
            scope = narrowed(self.bound, asked)
            act = self._act(call, right, scope, reason)
            yield act
        except MemosError as error:
            self._tell(act, error.code)
            raise
        except Exception as error:
            self._tell(act, type(error).__name__)
            raise
        if self._parts.audit_reads and not act.recorded:
            self._parts.journal.append(act.audit())

    def require(self, act: Act, scope: Scope) -> None:
        """Refuse unless the principal may do this in all of ``scope``.

        Raises:
            Forbidden: it may not.
        """
        if not act.reach().covers(scope):
            where = f"in {scope}" if scope.named() else "the whole store"
            message = f"{self.principal} may not {act.right} {where}"
            raise Forbidden(message, hint="ask its owner for a grant: memos grant")

    def _act(self, call: str, right: Right, scope: Scope, reason: str | None) -> Act:
        now = self._parts.clock.now()

        @cache
        def grants() -> list[Grant]:
            return self._parts.ledger.grants(str(self.principal))

        def reach_of(wanted: Right) -> Reach:
            held = grants() if self.principal != ROOT else []
            return reach(self.principal, wanted, grants=held, asked=scope, now=now)

        return Act(
            call,
            right,
            principal=self.principal,
            scope=scope,
            at=now,
            reason=self._reason if reason is None else reason,
            rules=Rules(
                reach_of,
                self._parts.redaction,
                self._parts.catalog.sensitivities,
                self._parts.catalog.ids,
            ),
        )

    def _tell(self, act: Act, outcome: str) -> None:
        # The call fails anyway; that its row cannot be written must not hide why.
        with suppress(BackendError):
            self._parts.journal.append(act.audit(outcome=outcome))
