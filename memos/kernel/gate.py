"""The one way into the store: every system call passes here, and leaves a row in the journal."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from memos.cube import Right
from memos.errors import BackendError, BadInput, Forbidden, MemosError
from memos.governance.act import Act, Rules
from memos.governance.scope import narrowed
from memos.kinds.drafts import checked_reason, checked_scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memos.cube import Principal, Scope
    from memos.kernel.parts import Parts

_UNTAKEN = (OverflowError, RecursionError, UnicodeEncodeError)
"""What Python says of a value that it can hold, and neither we nor a database can write down."""


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
        self._rules = Rules(
            partial(parts.ledger.grants, str(principal)),
            parts.redaction,
            parts.catalog.sensitivities,
            parts.catalog.ids,
        )

    @contextmanager
    def act(
        self, call: str, right: Right, whose: Mapping[str, object], *, reason: object = None
    ) -> Iterator[Act]:
        """One call, from its beginning to its end.

        Raises:
            BadInput: an id or the reason cannot be one, or something that was passed is nested
                too deeply, too large, or no valid Unicode.
            Forbidden: it names somebody else than the handle is bound to.
        """
        act = self._act(call, right)
        try:
            scope = narrowed(self.bound, checked_scope(**whose))
            why = self._reason if reason is None else checked_reason(reason)
            act.scope, act.reason = scope, why
            yield act
        except MemosError as error:
            self._tell(act, error.code)
            raise
        except _UNTAKEN as error:
            self._tell(act, BadInput.__name__)
            message = f"{call} was passed what cannot be taken: {type(error).__name__}"
            hint = "pass valid Unicode, numbers of 64 bits, and nothing nested hundreds deep"
            raise BadInput(message, hint=hint) from error
        except Exception as error:
            self._tell(act, type(error).__name__)
            raise
        if self._parts.audit_reads and not act.recorded:
            self._parts.journal.append(act.audit())

    def imagined(self, call: str, right: Right) -> Act:
        """A call that is not made: to ask what the principal could do, or see."""
        return self._act(call, right)

    def require(self, act: Act, scope: Scope) -> None:
        """Refuse unless the principal may do this in all of ``scope``.

        Raises:
            Forbidden: it may not.
        """
        if not act.reach().covers(scope):
            where, hint = f"in {scope}", "ask its owner for a grant: memos grant"
            if not scope.named() and act.right is Right.WRITE:
                where = "what is nobody's in particular"
                hint = "name a user, an agent or a session, or ask for a grant: memos grant"
            elif not scope.named():
                where = "the whole store"
            raise Forbidden(f"{self.principal} may not {act.right} {where}", hint=hint)

    def _act(self, call: str, right: Right) -> Act:
        return Act(
            call,
            right,
            principal=self.principal,
            scope=self.bound,
            at=self._parts.clock.now(),
            reason=self._reason,
            rules=self._rules,
        )

    def _tell(self, act: Act, outcome: str) -> None:
        # The call fails anyway; that its row cannot be written must not hide why.
        with suppress(BackendError):
            self._parts.journal.append(act.audit(outcome=outcome))
