"""Versions that change what is known about a cube, and not what it holds.

    version 1       version 2        version 3
    add             freeze           update           <- the call, in the provenance
    content 1       content 1        content 3        <- the version that brought the content

A KV cube that was made from version 1 still speaks for version 2, and no more for version 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memos.cube import Governance, Header, Life, MemCube, Parametric, Provenance, State, Step
from memos.errors import UnfitCube
from memos.governance.states import require_transition
from memos.life.expectation import require_changeable, require_version
from memos.life.writing import CODE
from memos.ports.catalog import Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.governance.act import Act
    from memos.life.index import Index
    from memos.ports.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Amendment:
    """What changes in a header; what is not named stays as it was."""

    call: str
    """What the version's provenance names as its step."""
    state: State | None = None
    governance: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`memos.cube.Governance`."""
    labels: tuple[str, ...] | None = None
    header: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of :class:`memos.cube.Header`, such as ``valid_to``."""
    on_frozen: bool = False
    """Whether it may be done to a frozen cube."""


class Amender:
    """Writes header-only versions: catalog first, then the indexes, where a state asks for it."""

    def __init__(self, *, catalog: Catalog, index: Index) -> None:
        self._catalog = catalog
        self._index = index

    def amend(
        self,
        cubes: Sequence[MemCube],
        amendment: Amendment,
        *,
        act: Act,
        if_version: int | None = None,
    ) -> list[MemCube]:
        """A new version of each cube, all in one transaction.

        Raises:
            IllegalTransition: the state of a cube does not lead to the one asked for.
            FrozenCube: a cube is frozen.
            UnfitCube: a parametric cube that failed its evaluation would be activated.
            VersionConflict: a cube is not at ``if_version``.
        """
        for cube in cubes:
            require_version(cube, if_version)
        put = tuple(amended(cube, amendment, act) for cube in cubes)
        if put:
            self._catalog.commit(Change(audit=act.audit(cube.id for cube in put), put=put))
            self._index.drain(put)
        return list(put)


def amended(cube: MemCube, amendment: Amendment, act: Act) -> MemCube:
    """The next version of a cube, with the same content.

    Raises:
        IllegalTransition: its state does not lead to the one asked for.
        FrozenCube: it is frozen.
        UnfitCube: it failed its evaluation, and would be activated.
    """
    if not amendment.on_frozen:
        require_changeable(cube)
    if amendment.state is not None:
        require_transition(cube, amendment.state, amendment.call)
        _require_fit(cube, amendment.state)
    old = cube.header
    header = Header(
        **{
            **dict(old),
            **amendment.header,
            "labels": old.labels if amendment.labels is None else amendment.labels,
            "updated_at": act.at,
            "governance": Governance(**{**dict(old.governance), **amendment.governance}),
            "life": Life(
                state=amendment.state or cube.state,
                version=cube.version + 1,
                previous=cube.version,
                content=cube.content_version,
            ),
        }
    )
    provenance = Provenance(
        actor=act.actor,
        time=act.at,
        step=Step(operation=amendment.call, by=CODE),
        source=cube.provenance.source,
        parents=cube.provenance.parents,
    )
    return MemCube(header=header, payload=cube.payload, provenance=provenance)


def _require_fit(cube: MemCube, state: State) -> None:
    if state is not State.ACTIVATED or not isinstance(cube.payload, Parametric):
        return
    evaluation = cube.payload.evaluation
    if not evaluation.passed:
        message = f"parametric cube {cube.id} is {evaluation.verdict} and cannot be activated"
        raise UnfitCube(message, hint="use its sources, or chat with allow_unfit=True")
