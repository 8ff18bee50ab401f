"""A cube of somebody else's becomes one of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.cube import (
    ROOT,
    Governance,
    Header,
    Life,
    MemCube,
    Parametric,
    Parent,
    Provenance,
    Scope,
    Source,
    State,
    Step,
)
from memos.cube.identity import canonical, id_within
from memos.life.writing import CODE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from memos.life.contents import Contents

OPERATION = "install"
"""The step, in a provenance, that brought a cube from a bundle."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a bundle goes, and in whose name."""

    namespace: str
    scope: Scope
    owner: str | None
    """Of cubes in a scope without a user."""
    actor: str
    at: datetime
    given: Mapping[str, str] = field(default_factory=dict)
    """The ids here that an earlier version of the bundle was given, by those in the bundle."""

    @property
    def whose(self) -> str:
        """The principal that owns all of it, and has the namespace for itself."""
        user = self.scope.user_id
        return (self.owner or str(ROOT)) if user is None else f"user:{user}"

    def id_of(self, origin: str) -> str:
        """The id here of a cube that has the id ``origin`` in the bundle."""
        within = canonical([self.namespace, self.whose, self.scope.named()]).decode()
        return self.given.get(origin) or id_within(within, origin)


def adopted(
    cube: MemCube,
    contents: Contents,
    home: Home,
    *,
    parents: Sequence[Parent] = (),
    before: MemCube | None = None,
) -> MemCube:
    """A cube of a bundle as one of ours: our id, our scope, our time, and no claims on us.

    Its own history, its times, its owner and its holds are its maker's; what they were is told in
    the provenance. Of what governs it, sensitivity, expiry and licence stay.

    Args:
        cube: as it is in the bundle.
        contents: the bundle.
        home: where it goes.
        parents: what it was made from, by ids and versions of this store.
        before: the version here that this one follows; None for the first.
    """
    old = cube.header
    header = Header(
        id=home.id_of(cube.id),
        kind=old.kind,
        title=old.title,
        labels=old.labels,
        metadata=old.metadata,
        created_at=home.at if before is None else before.created_at,
        updated_at=home.at,
        valid_from=old.valid_from,
        valid_to=old.valid_to,
        digest=old.digest,
        scope=home.scope,
        governance=Governance(
            owner=None if home.scope.user_id is not None else home.owner,
            sensitivity=old.governance.sensitivity,
            expires_at=old.governance.expires_at,
            licence=old.governance.licence or contents.manifest.licence,
        ),
        life=_life(cube, before),
    )
    provenance = Provenance(
        actor=home.actor,
        time=home.at,
        step=Step(operation=OPERATION, by=CODE, parameters=_origin(cube, contents)),
        source=Source(uri=f"bundle:{home.namespace}"),
        parents=tuple(parents),
    )
    return MemCube(header=header, payload=cube.payload, provenance=provenance)


def is_installed(cube: MemCube) -> bool:
    """Whether this version is one that a bundle brought, and nobody here has made."""
    return cube.provenance.step.operation == OPERATION


def essence(cube: MemCube) -> tuple[object, ...]:
    """What a bundle decides of an adopted cube, beside what it was made from; the rest is ours."""
    header, governance = cube.header, cube.header.governance
    return (
        header.digest,
        header.title,
        header.labels,
        header.metadata,
        header.valid_from,
        header.valid_to,
        header.life.state,
        governance.sensitivity,
        governance.expires_at,
        governance.licence,
    )


def content_of(cube: MemCube) -> tuple[object, ...]:
    """What a model is shown of a cube: KV and LoRA cubes of it are good for just that."""
    return (cube.header.digest, cube.header.valid_from)


def _life(cube: MemCube, before: MemCube | None) -> Life:
    if before is None:
        return Life(state=_state(cube))
    same = content_of(before) == content_of(cube)
    return Life(
        state=_state(cube),
        version=before.version + 1,
        previous=before.version,
        content=before.content_version if same else None,
    )


def _state(cube: MemCube) -> State:
    """A frozen cube could not be updated; a LoRA that failed its evaluation is not in use."""
    if cube.state not in {State.FROZEN, State.ACTIVATED}:
        return cube.state
    failed = isinstance(cube.payload, Parametric) and not cube.payload.evaluation.passed
    return State.GENERATED if failed else State.ACTIVATED


def _origin(cube: MemCube, contents: Contents) -> dict[str, str]:
    """Where a cube comes from, as its bundle tells."""
    was = cube.provenance
    told = {
        "bundle": contents.digest,
        "name": contents.manifest.name,
        "version": contents.manifest.version,
        "signer": contents.signer,
        "cube": f"{cube.id} v{cube.version}",
        "step": was.step.operation,
        "actor": was.actor,
        "time": was.time.isoformat(),
        "source": None if was.source is None else was.source.uri,
    }
    return {name: value for name, value in told.items() if value}
