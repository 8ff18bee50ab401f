"""Cubes of one kind are made from cubes of another, and remember from which."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
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
from memos.errors import (
    BadInput,
    CorruptionError,
    UnknownCube,
    VersionConflict,
    WrongKind,
)
from memos.governance.scope import inherited, joint
from memos.kinds.parametric import learn
from memos.kinds.plaintext import title_of
from memos.kinds.salt import salted
from memos.life.amending import Amendment, amended
from memos.life.expectation import require_unexpired
from memos.life.training import ended
from memos.life.writing import CODE
from memos.ports.catalog import Change, Errand
from memos.ports.graph import Edge, Relation
from memos.ports.ledger import Blocked, Reason
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube.identity import Identities
    from memos.governance.act import Act
    from memos.kinds.schooling import Schooling
    from memos.life.keeping import Keeper
    from memos.life.once import Once
    from memos.life.training import Trainings
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock
    from memos.ports.ledger import Entry, Training
    from memos.ports.lessons import Lessons
    from memos.ports.runtime import Runtime, Saved

_PUT_AWAY = Amendment("archive", State.ARCHIVED)


@dataclass(frozen=True, slots=True)
class _Made:
    payload: Payload
    step: Step
    state: State
    what: str
    """How people call it."""
    blocks: tuple[str, ...] = ()
    title: str | None = None
    """Where one was given."""


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
        trainings: Trainings,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._runtime = runtime
        self._clock = clock
        self._identities = identities
        self._schooling = schooling
        self._keeper = keeper
        self._trainings = trainings

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
        if to is Kind.ACTIVATION:
            return self._kept(cubes, replace(self._read(cubes, progress), title=title), once, act)
        training = self._trainings.begun(cubes, act, title=title, method=method)
        try:
            return self.train(training, cubes, once, act=act, progress=progress)
        except BadInput:
            self._trainings.drop(training, act, BadInput.__name__)
            raise
        except VersionConflict:
            if training.reason is Reason.ASKED:  # whoever asked is told, and decides anew
                self._trainings.drop(training, act, VersionConflict.__name__)
            raise

    def train(
        self,
        training: Training,
        cubes: Sequence[MemCube],
        once: Once,
        *,
        act: Act,
        progress: Progress = silent,
    ) -> MemCube:
        """Carry out a training that has begun: the cube comes, and what it replaces is put away.

        Whatever ends it otherwise leaves it owed, with what it has reached.

        Raises:
            BadInput: the cubes hold nothing that can be learnt.
            VersionConflict: one of them was revised or forgotten meanwhile.
        """
        saved = self._trainings.checkpoints(training, act)
        progress("preparing lessons", 0, 1)
        material = self._schooling.teacher.lessons(cubes)
        progress("preparing lessons", 1, 1)
        learnt = partial(self._learnt, material=material, saved=saved, progress=progress)
        try:
            made = learnt(training, cubes)
        except CorruptionError:
            if not saved.discard():
                raise
            made = learnt(training, cubes)
        if material.by_rules:
            act.outcome = _left_to_rules(material, cubes)
        act.at = self._clock.now()
        put = self.put_away(training, act)
        return self._kept(
            cubes, replace(made, title=training.title), once, act, put=put, also=(ended(training),)
        )

    def put_away(self, training: Training, act: Act) -> tuple[MemCube, ...]:
        """The next version of the cube that the training replaces, if that is in use still."""
        cube = None if training.replaces is None else self._catalog.find(training.replaces)
        if cube is None or cube.state is not State.ACTIVATED:
            return ()
        return (amended(cube, _PUT_AWAY, act),)

    def _kept(
        self,
        cubes: Sequence[MemCube],
        made: _Made,
        once: Once,
        act: Act,
        *,
        put: tuple[MemCube, ...] = (),
        also: tuple[Entry, ...] = (),
    ) -> MemCube:
        """Write the cube that was made, in one commit with what follows from it."""
        now = self._clock.now()
        parents = tuple(Parent(id=cube.id, version=cube.version) for cube in cubes)
        header = Header(
            id=self._identities.new(now),
            kind=made.payload.kind,
            title=made.title or _title(made.what, cubes),
            created_at=now,
            updated_at=now,
            digest=payload_digest(made.payload),
            scope=joint(cubes),
            governance=inherited([cube.header.governance for cube in cubes]),
            life=Life(state=made.state),
        )
        provenance = Provenance(actor=act.actor, time=now, step=made.step, parents=parents)
        cube = MemCube(header=header, payload=made.payload, provenance=provenance)
        # Training takes minutes: whoever revised or forgot a source meanwhile wins.
        blocks = (Blocked(cube.id, made.blocks),) if made.blocks else ()
        change = Change(
            audit=act.audit(one.id for one in (cube, *put, *cubes)),
            put=(cube, *put),
            edges=tuple(
                Edge(cube.id, Relation.DERIVED, parent.id, parent.version) for parent in parents
            ),
            expects={parent.id: parent.version for parent in parents},
            receipt=once.receipt(cube.id),
            also=(*blocks, *also),
        )
        try:
            self._catalog.commit(change)
        except VersionConflict:
            self._catalog.owe([(Errand.SWEEP, digest) for digest in cube.blobs])
            self._keeper.forsake(made.blocks)
            raise
        return cube

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
        return _Made(payload, step, State.ACTIVATED, "KV", made.blocks)

    def _learnt(
        self,
        training: Training,
        cubes: Sequence[MemCube],
        *,
        material: Lessons,
        saved: Saved,
        progress: Progress,
    ) -> _Made:
        learnt = learn(
            self._runtime,
            cubes,
            schooling=self._schooling,
            method=training.method,
            material=material,
            saved=saved,
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
        told = {"code": CODE, **_told(self._schooling, material, cubes)}
        step = Step(operation="train", by=payload.model.name, parameters=told)
        return _Made(payload, step, state, "LoRA")

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


def _told(schooling: Schooling, material: Lessons, cubes: Sequence[MemCube]) -> dict[str, str]:
    """Who taught, and what of it a model had no part in; nothing that a text says."""
    told = {"teacher": schooling.taught}
    if schooling.teacher.by is not None:
        told["taught_by"] = schooling.teacher.by
    if material.by_rules:
        told["left_to_rules"] = _left_to_rules(material, cubes)
    if material.refused:
        whys = Counter(one.why for one in material.refused)
        told["refused"] = "; ".join(f"{count}: {why}" for why, count in sorted(whys.items()))
    return told


def _left_to_rules(material: Lessons, cubes: Sequence[MemCube]) -> str:
    return f"{len(material.by_rules)} of {len(cubes)} by rules"


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
