"""Cubes of one kind are made from cubes of another, and remember from which."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.cube import (
    Activation,
    Header,
    Kind,
    Life,
    MemCube,
    Parametric,
    Parent,
    Payload,
    Provenance,
    State,
    Step,
)
from memos.cube.identity import canonical, digest_of
from memos.cube.wire import payload_digest
from memos.errors import BadInput, UnknownCube, VersionConflict, WrongKind
from memos.governance.scope import inherited, joint
from memos.kinds.examination import Demands
from memos.kinds.parametric import learn
from memos.kinds.plaintext import title_of
from memos.kinds.salt import salted
from memos.life.expectation import require_unexpired
from memos.life.writing import CODE
from memos.ports.catalog import Change, Errand
from memos.ports.graph import Edge, Relation
from memos.ports.ledger import Blocked
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.life.keeping import Keeper
    from memos.life.once import Once
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock
    from memos.ports.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Schooling:
    """What a parametric cube must reach to be used by default, and how it is trained."""

    demands: Demands = field(default_factory=Demands)
    seed: int = 0
    steps: int | None = None
    """Training steps at most; None for as many as the examples need."""


@dataclass(frozen=True, slots=True)
class _Made:
    payload: Payload
    step: Step
    state: State
    title: str
    blocks: tuple[str, ...] = ()


class Deriver:
    """Makes activation and parametric cubes from plaintext ones."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: Blobs,
        runtime: Runtime,
        clock: Clock,
        identities: Identities,
        schooling: Schooling,
        keeper: Keeper,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._runtime = runtime
        self._clock = clock
        self._identities = identities
        self._schooling = schooling
        self._keeper = keeper

    def derive(
        self,
        cubes: Sequence[MemCube],
        to: Kind,
        once: Once,
        *,
        act: Act,
        title: str | None = None,
        method: str = "lora",
        progress: Progress = silent,
    ) -> MemCube:
        """A new cube of kind ``to`` from plaintext cubes; see ``MemOS.transform``."""
        if once.answer is not None:
            return self.again(once)
        _require_plaintext(cubes, to)
        scope = joint(cubes)
        made = self._made(cubes, to, method, progress)
        now = self._clock.now()
        parents = tuple(Parent(id=cube.id, version=cube.version) for cube in cubes)
        header = Header(
            id=self._identities.new(now),
            kind=to,
            title=title or made.title,
            created_at=now,
            updated_at=now,
            digest=payload_digest(made.payload),
            scope=scope,
            governance=inherited([cube.header.governance for cube in cubes]),
            life=Life(state=made.state),
        )
        provenance = Provenance(actor=act.actor, time=now, step=made.step, parents=parents)
        cube = MemCube(header=header, payload=made.payload, provenance=provenance)
        self._commit(cube, made.blocks, once, act)
        return cube

    def _commit(self, cube: MemCube, blocks: Sequence[str], once: Once, act: Act) -> None:
        # Training takes minutes: whoever revised or forgot a source meanwhile wins.
        parents = cube.provenance.parents
        change = Change(
            audit=act.audit([cube.id, *(parent.id for parent in parents)]),
            put=(cube,),
            edges=tuple(
                Edge(cube.id, Relation.DERIVED, parent.id, parent.version) for parent in parents
            ),
            expects={parent.id: parent.version for parent in parents},
            receipt=once.receipt(cube.id),
            also=(Blocked(cube.id, tuple(blocks)),) if blocks else (),
        )
        try:
            self._catalog.commit(change)
        except VersionConflict:
            self._catalog.owe([(Errand.SWEEP, digest) for digest in cube.blobs])
            self._keeper.forsake(blocks)
            raise

    def _made(self, cubes: Sequence[MemCube], to: Kind, method: str, progress: Progress) -> _Made:
        if to is Kind.ACTIVATION:
            return self._read(cubes, progress)
        return self._learnt(cubes, method, progress)

    def _read(self, cubes: Sequence[MemCube], progress: Progress) -> _Made:
        tokens, made = self._keeper.read(cubes, joint(cubes), progress)
        payload = Activation(
            model=self._runtime.fingerprint,
            size_bytes=made.size_bytes,
            tokens=made.tokens,
            tokens_digest=digest_of(canonical(list(tokens))),
            layers=made.layers,
            prefill_seconds=made.seconds,
        )
        step = Step(operation="prefill", by=payload.model.name, parameters={"code": CODE})
        return _Made(payload, step, State.ACTIVATED, _title("KV", cubes), made.blocks)

    def _learnt(self, cubes: Sequence[MemCube], method: str, progress: Progress) -> _Made:
        learnt = learn(
            self._runtime,
            cubes,
            method=method,
            demands=self._schooling.demands,
            seed=self._schooling.seed,
            steps=self._schooling.steps,
            progress=progress,
        )
        content = salted(learnt.content, self._keeper.salt(joint(cubes)))
        payload = Parametric(
            model=self._runtime.fingerprint,
            blob=self._blobs.put(content),
            size_bytes=len(content),
            adapter=learnt.adapter,
            training=learnt.training,
            evaluation=learnt.evaluation,
            routing=learnt.routing,
        )
        state = State.ACTIVATED if learnt.evaluation.passed else State.GENERATED
        step = Step(operation="train", by=payload.model.name, parameters={"code": CODE})
        return _Made(payload, step, state, _title("LoRA", cubes))

    def again(self, once: Once) -> MemCube:
        """What a call with the same key made.

        Raises:
            UnknownCube: it was forgotten since.
        """
        cube = self._catalog.find(str(once.answer))
        if cube is None:
            message = f"the call with this key made cube {once.answer}, forgotten since"
            raise UnknownCube(message, hint="use a new key to make it anew")
        return cube


def _require_plaintext(cubes: Sequence[MemCube], to: Kind) -> None:
    if not cubes:
        raise BadInput("there is nothing to transform", hint="name at least one cube")
    for cube in cubes:
        if cube.kind is not Kind.PLAINTEXT:
            message = f"cube {cube.id} is {cube.kind}; only plaintext is transformed to {to}"
            raise WrongKind(message, hint="name the cubes it was made from: memos lineage")
        require_unexpired(cube)


def _title(what: str, cubes: Sequence[MemCube]) -> str:
    count = "1 memory" if len(cubes) == 1 else f"{len(cubes)} memories"
    return title_of(f"{what} of {count}: {cubes[0].text}")
