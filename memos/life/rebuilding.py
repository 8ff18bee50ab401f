"""Weights that are to be trained anew, since something that they were made from has changed.

a source is forgotten ──> the adapter goes with it; that it is owed without it is written down
a source is revised ────> the adapter is stale, and owed: that follows, and is written nowhere
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Kind, Parametric, State
from memos.life.owed import OwedTraining
from memos.life.report import Tie
from memos.ports.catalog import Selection
from memos.ports.filters import Condition, Every, Operator
from memos.ports.ledger import Reason, Training

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from memos.cube import MemCube, Parent
    from memos.governance.act import Act
    from memos.life.currency import Currency
    from memos.life.doom import Doom
    from memos.life.lineage import Lineage
    from memos.ports.catalog import Catalog
    from memos.ports.ledger import Ledger

_KEPT = (State.GENERATED, State.ACTIVATED, State.FROZEN)
"""The states of adapters that nobody has put away."""


class Rebuilder:
    """Knows which trainings are owed: those that are written down, and those that follow."""

    def __init__(self, *, catalog: Catalog, ledger: Ledger, currency: Currency) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._currency = currency

    def owed(self, act: Act) -> list[Training]:
        """What the principal may carry out of all that is owed within the call's scope.

        It may write where the weights go, and read whole all of what they are made from that is
        there.
        """
        written = self._ledger.trainings()
        known = {one.id for one in written}
        following = [one for one in self._stale(act) if one.id not in known]
        found = sorted([*written, *following], key=lambda one: (one.at, one.id))
        return [one for one in found if self._may(one, act)]

    def sources(self, training: Training) -> list[MemCube]:
        """What the weights would be made from now, in the order of the training.

        Left out is what is gone or has expired, and what was itself made from what has changed.
        """
        there = self._catalog.find_all([parent.id for parent in training.parents])
        return [
            cube
            for cube in there
            if cube.kind is Kind.PLAINTEXT and self._currency.speaks_still(cube)
        ]

    def told(self, training: Training, sources: Sequence[MemCube]) -> OwedTraining:
        """A training as whoever may carry it out is told of it."""
        return OwedTraining(
            id=training.id,
            sources=tuple(cube.id for cube in sources),
            reason=training.reason,
            method=training.method,
            title=training.title,
            replaces=training.replaces,
            step=training.step if training.checkpoint else None,
            steps=training.steps,
            since=training.at,
        )

    def _may(self, training: Training, act: Act) -> bool:
        if not (act.scope.covers(training.scope) and act.reach().covers(training.scope)):
            return False
        there = self._catalog.find_all([parent.id for parent in training.parents])
        return all(act.reads_whole(cube) for cube in there)

    def _stale(self, act: Act) -> Iterator[Training]:
        """Adapters in use of which a source was revised, and that nobody has made anew."""
        states = Condition("state", Operator.IN, [str(state) for state in _KEPT])
        where = Every((states, act.visible()))
        kinds = (Kind.PARAMETRIC,)
        selection = Selection(scope=act.scope, where=where, kinds=kinds)
        lineages = [self._currency.lineage(cube) for cube in self._catalog.select(selection)]
        learnt = {_sources_of(one.cube) for one in lineages if not one.stale}
        for lineage in lineages:
            cube = lineage.cube
            used = cube.state is State.ACTIVATED and act.reach().holds(cube)
            if used and lineage.stale and _sources_of(cube) not in learnt:
                yield self._of_revised(lineage, act)

    def _of_revised(self, lineage: Lineage, act: Act) -> Training:
        cube = lineage.cube
        newest = self._catalog.find_all([parent.id for parent in lineage.stale])
        return Training(
            id=cube.id,
            key="",
            scope=cube.scope,
            asked_by=act.actor,
            parents=cube.provenance.parents,
            at=min((one.header.updated_at for one in newest), default=act.at),
            reason=Reason.REVISED,
            method=_method_of(cube),
            replaces=cube.id,
        )


def owed_without(
    doomed: Sequence[Doom], gone: Collection[str], there: Collection[str], act: Act
) -> tuple[Training, ...]:
    """The trainings that are owed when adapters go for what they were made from.

    One that somebody asked to forget is owed to nobody, nor is one that had been put away.

    Args:
        doomed: the cubes that go.
        gone: the ids of all that goes, and does not come back.
        there: the ids of the cubes' parents that exist.
        act: the call.
    """
    found = []
    for cube, tie, _ in doomed:
        wanted = cube.kind is Kind.PARAMETRIC and cube.state in _KEPT
        parents = tuple(
            one for one in cube.provenance.parents if one.id in there and one.id not in gone
        )
        if wanted and tie is Tie.DERIVED and cube.id in gone and parents:
            found.append(_of_forgotten(cube, parents, act))
    return tuple(found)


def _of_forgotten(cube: MemCube, parents: tuple[Parent, ...], act: Act) -> Training:
    return Training(
        id=cube.id,
        key="",
        scope=cube.scope,
        asked_by=cube.provenance.actor,
        parents=parents,
        at=act.at,
        reason=Reason.FORGOTTEN,
        method=_method_of(cube),
    )


def _method_of(cube: MemCube) -> str:
    assert isinstance(cube.payload, Parametric)  # noqa: S101 - it was selected by its kind
    return cube.payload.adapter.method


def _sources_of(cube: MemCube) -> frozenset[str]:
    return frozenset(parent.id for parent in cube.provenance.parents)
