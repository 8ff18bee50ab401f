"""A handle on a store: bound to a scope, wired to its parts, open until it is closed."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from memos.cube import EVERYBODY, ROOT, MemCube, Principal, Right, Scope
from memos.cube.identity import Identities
from memos.errors import BackendError, CorruptionError, Forbidden, StoreClosed
from memos.governance.scope import narrowed, unknown
from memos.kernel.arguments import require_id
from memos.kernel.gate import Gate
from memos.kinds.answering import Answerer
from memos.kinds.drafts import checked_reason, checked_scope
from memos.life.amending import Amender
from memos.life.branching import Brancher
from memos.life.bundles import Bundles
from memos.life.currency import Currency
from memos.life.deriving import Deriver
from memos.life.examining import Examiner
from memos.life.expiry import Expirer
from memos.life.extracting import FactWriter
from memos.life.forgetting import Forgetter
from memos.life.forward import ForwardClock
from memos.life.index import Index
from memos.life.installing import Installer
from memos.life.keeping import Keeper
from memos.life.keys_at_hand import KeysAtHand
from memos.life.moving import Mover
from memos.life.proving import Prover
from memos.life.quarantine import Quarantine
from memos.life.rebuilding import Rebuilder
from memos.life.reciting import Reciter
from memos.life.relating import Relater
from memos.life.routing import Router
from memos.life.shelves import Shelves
from memos.life.superseding import Superseder
from memos.life.sweeping import sweep_strays
from memos.life.training import Trainings
from memos.life.writing import Writer
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator
from memos.retrieval.finding import Finder
from memos.retrieval.finding_past import PastFinder
from memos.retrieval.past import Past
from memos.retrieval.recent_contexts import RecentContexts
from memos.steps.tutor import Tutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from types import TracebackType

    from memos.governance.act import Act
    from memos.kernel.parts import Parts
    from memos.ports.journal import Journal


_RECENT = 1000
"""How many rows of the journal are looked at for the latest recorded time."""


class Whose(TypedDict, total=False):
    """The ids that every call takes; one that is left out, or None, says nothing."""

    user_id: str | None
    agent_id: str | None
    session_id: str | None


class Handle:
    """What all system calls share."""

    def __init__(
        self,
        parts: Parts,
        *,
        scope: Scope = EVERYBODY,
        principal: Principal = ROOT,
        reason: str = "",
        folder: str | None = None,
    ) -> None:
        clock = ForwardClock(parts.clock, _latest(parts.journal))
        self._shelves = Shelves(parts.blobs, parts.archive, parts.aside)
        parts = replace(parts, clock=clock, blobs=self._shelves)
        self._parts = parts
        self._folder = folder
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._gate = self._made_gate(principal, scope, reason)
        self._own_gate = self._made_gate(ROOT, EVERYBODY, "")
        catalog, blobs = parts.catalog, parts.blobs
        identities = Identities()
        self._keeper = Keeper(
            catalog=catalog, ledger=parts.ledger, runtime=parts.runtime, kv=parts.kv
        )
        self._index = Index(
            catalog=catalog,
            blobs=blobs,
            words=parts.words,
            imprints=parts.imprints,
            embedder=parts.embedder,
            open_vectors=parts.open_vectors,
            aside=parts.aside,
            ledger=parts.ledger,
            drop_blocks=self._keeper.abandon,
        )
        self._writer = Writer(
            catalog=catalog, index=self._index, clock=clock, identities=identities
        )
        self._relater = Relater(catalog=catalog, index=self._index)
        self._superseder = Superseder(catalog=catalog, index=self._index, writer=self._writer)
        self._amender = Amender(catalog=catalog, index=self._index)
        self._brancher = Brancher(catalog=catalog, index=self._index, identities=identities)
        self._expirer = Expirer(catalog=catalog, amender=self._amender)
        self._quarantine = Quarantine(catalog=catalog, ledger=parts.ledger)
        self._keys = KeysAtHand(blobs)
        self._forgetter = Forgetter(
            catalog=catalog,
            ledger=parts.ledger,
            graph=parts.graph,
            index=self._index,
            runtime=parts.runtime,
            identities=identities,
            quarantine=self._quarantine,
            keys=self._keys,
            prover=Prover(catalog=catalog, index=self._index, traces=parts.traces, clock=clock),
        )
        self._wire_training(parts, identities)
        self._wire_finding(parts)
        self._fact_writer = FactWriter(catalog=catalog, index=self._index, identities=identities)
        self._wire_asking(parts, identities)
        self._bundles = Bundles(
            catalog=catalog, ledger=parts.ledger, blobs=blobs, index=self._index
        )
        self._installer = Installer(
            catalog=catalog,
            ledger=parts.ledger,
            bundles=self._bundles,
            forgetter=self._forgetter,
        )
        self._mover = Mover(
            catalog=catalog,
            ledger=parts.ledger,
            shelves=self._shelves,
            kv=parts.kv,
            keeper=self._keeper,
            currency=self._currency,
        )
        self._recover()

    def _wire_training(self, parts: Parts, identities: Identities) -> None:
        """What makes one kind of another; the teacher of what is trained is one of the steps."""
        self._steps = parts.open_steps(parts.runtime)
        self._schooling = replace(
            parts.schooling, teacher=Tutor(self._steps), taught=self._steps.usual.teacher
        )
        self._trainings = Trainings(
            catalog=parts.catalog,
            ledger=parts.ledger,
            blobs=parts.blobs,
            runtime=parts.runtime,
            identities=identities,
            schooling=self._schooling,
            clock=self._parts.clock,
        )
        self._deriver = Deriver(
            catalog=parts.catalog,
            blobs=parts.blobs,
            runtime=parts.runtime,
            clock=self._parts.clock,
            identities=identities,
            schooling=self._schooling,
            keeper=self._keeper,
            trainings=self._trainings,
        )

    def _wire_finding(self, parts: Parts) -> None:
        """What reads, and never writes."""
        catalog = parts.catalog
        self._finder = Finder(
            catalog=catalog,
            outlines=parts.outlines,
            words=parts.words,
            imprints=parts.imprints,
            embedder=parts.embedder,
        )
        self._recent = RecentContexts()
        self._past = Past(catalog=catalog)
        self._past_finder = PastFinder(
            catalog=catalog,
            outlines=parts.outlines,
            words=parts.words,
            imprints=parts.imprints,
            embedder=parts.embedder,
            open_scratch=parts.open_scratch,
        )
        self._currency = Currency(catalog=catalog, graph=parts.graph)
        self._rebuilder = Rebuilder(catalog=catalog, ledger=parts.ledger, currency=self._currency)
        self._router = Router(
            catalog=catalog,
            graph=parts.graph,
            currency=self._currency,
            runtime=parts.runtime,
            keys=self._keys,
        )

    def _wire_asking(self, parts: Parts, identities: Identities) -> None:
        """What asks the model."""
        catalog, runtime = parts.catalog, parts.runtime
        self._answerer = Answerer(runtime=runtime, blobs=parts.blobs)
        self._reciter = Reciter(
            catalog=catalog, index=self._index, runtime=runtime, identities=identities
        )
        self._examiner = Examiner(catalog=catalog, runtime=runtime, demands=parts.schooling.demands)

    def _recover(self) -> None:
        """Finish what another process began; damage that is met keeps nobody from a check."""
        with suppress(CorruptionError, BackendError):
            self._index.drain(insist=False)
        if self._parts.crashed:
            with suppress(CorruptionError, BackendError):
                sweep_strays(self._parts.repairs, self._parts.ledger, self._shelves)
                self._keeper.sweep()

    def close(self) -> None:
        """Let go of the store; closing twice is no error."""
        with self._lock:
            if not self._closed.is_set():
                self._closed.set()
                self._steps.close()
                self._index.close()
                self._parts.kv.close()
                self._parts.catalog.close()
                self._parts.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def acting(
        self, principal: Principal | str, *, reason: str = "", **bound: Unpack[Whose]
    ) -> Self:
        """This store, in the hands of somebody else: a handle with that principal's rights.

        It shares everything with this one, and is closed with it.

        Args:
            principal: such as ``user:alice`` or ``agent:planner``.
            reason: the purpose, for the journal; 2,000 characters at most.
            bound: narrows the scope further.

        Raises:
            BadInput: the principal or the reason cannot be read.
            Forbidden: this handle is itself in somebody's hands, or bound to another scope.
        """
        named = Principal.read(principal)
        if named != self._gate.principal != ROOT:
            message = f"a handle of {self._gate.principal} cannot act as {named}"
            raise Forbidden(message, hint="only the application that opened the store can")
        other = copy(self)
        scope, why = narrowed(self._gate.bound, checked_scope(**bound)), checked_reason(reason)
        other._gate = self._made_gate(named, scope, why)  # noqa: SLF001 - it is our own copy
        return other

    def _made_gate(self, principal: Principal, scope: Scope, reason: str) -> Gate:
        return Gate(principal, scope, reason=reason, parts=self._parts)

    @contextmanager
    def _act(
        self,
        call: str,
        right: Right,
        *,
        reason: str | None = None,
        expiring: bool = True,
        **whose: Unpack[Whose],
    ) -> Iterator[Act]:
        """The one way in: who, by which right, within which scope; see :class:`Gate`.

        What is due expires before anybody can come across it, unless not ``expiring``.
        """
        if self._closed.is_set():
            raise StoreClosed("the store is closed", hint="open it again with MemOS.open()")
        if expiring and self._expirer.is_due(self._parts.clock.now()):
            self._expire()
        with self._gate.act(call, right, whose, reason=reason) as act:
            yield act

    @contextmanager
    def _changing(self, act: Act) -> Iterator[None]:
        """One writer at a time, whose time is read when its turn has come.

        So recorded times grow in the order of the commits: whoever has waited for the writers
        before it knows all that was ever known up to its own time.
        """
        with self._lock:
            act.at = self._parts.clock.now()
            yield

    def _expire(self) -> list[MemCube]:
        """Everything that is due, as the application's own doing."""
        expired: list[MemCube] = []
        with self._lock:
            while due := self._expirer.due(self._parts.clock.now()):
                with self._own_gate.act("expire", Right.WRITE, {}) as act:
                    expired += self._expirer.expire(due, act)
        return expired

    def _seen(self, cube_id: str, act: Act) -> MemCube:
        """The cube, if there is one that the principal may read.

        Raises:
            BadInput: that is no id.
            UnknownCube: there is none, or it may not read it; the two cannot be told apart, for
                both are an empty answer to the same question.
        """
        require_id(cube_id)
        act.touch([cube_id])
        named = Condition("id", Operator.EQ, cube_id)
        selection = Selection(scope=act.scope, where=Every((named, act.visible())))
        found = self._parts.catalog.select(selection)
        if not found:
            raise unknown(cube_id, act.scope)
        return found[0]

    def _held(self, cube_id: str, act: Act) -> MemCube:
        """The cube, if the principal may read it, and do to it what the call does.

        Raises:
            UnknownCube: there is none that it may read.
            Forbidden: it may read it, and no more.
        """
        cube = self._seen(cube_id, act)
        if not act.reach().holds(cube):
            message = f"{act.principal} may not {act.right} cube {cube_id}"
            raise Forbidden(message, hint="ask its owner for a grant: memos grant")
        return cube


def _latest(journal: Journal) -> datetime | None:
    """The latest recorded time; where the rows are damaged, None: a check finds them."""
    try:
        newest = journal.newest(_RECENT)
    except CorruptionError:
        return None
    # A call's row may come after those of calls that began later: hence not the last alone.
    return max((row.audit.at for row in newest), default=None)
