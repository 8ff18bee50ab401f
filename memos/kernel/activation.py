"""The system calls on KV cubes and their blocks: what there is, warm, cool, verify."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Unpack

from memos.cube import EVERYBODY, Activation, Kind, Parametric, Right
from memos.errors import MemosError, WrongKind
from memos.kernel.arguments import read_ids, require_flags
from memos.kernel.kinds import KindCalls
from memos.kinds.answering import require_model
from memos.life.kv_report import Cooled, DamagedBlock, KvCube, KvPlace, Standing, Warmed
from memos.ports.catalog import Selection
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import Fingerprint, MemCube
    from memos.governance.act import Act
    from memos.kernel.handle import Whose


class ActivationCalls(KindCalls):
    """Look after attention state: it is kept in blocks, which may come and go."""

    def kv_cubes(self, **whose: Unpack[Whose]) -> list[KvCube]:
        """Every KV cube, oldest first: whether it can be resumed from, and where its blocks lie.

        The model's weights are not loaded for it.
        """
        with self._act("kv_cubes", Right.READ, **whose) as act:
            selection = Selection(scope=act.scope, kinds=(Kind.ACTIVATION,), where=act.visible())
            cubes = self._parts.catalog.select(selection)
            act.touch(cube.id for cube in cubes)
            model = self._model() if cubes else None
            kept = self._keeper.names(cubes)
            there = self._parts.kv.where({name for names in kept.values() for name in names})
            return [
                _told(
                    cube.model_copy(update={"header": seen.header}),
                    self._standing(cube, model),
                    [there.get(name, ()) for name in kept[cube.id]],
                )
                for cube, seen in zip(cubes, act.shown(cubes, current=True), strict=True)
            ]

    def kv_places(self) -> tuple[KvPlace, ...]:
        """The places that blocks lie in, fastest first, and what each did since the opening.

        Raises:
            Forbidden: without the right to administer the store.
        """
        with self._act("kv_places", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            return tuple(KvPlace.model_validate(asdict(one)) for one in self._parts.kv.usage())

    def warm(
        self, ids: Sequence[str], *, progress: Progress = silent, **whose: Unpack[Whose]
    ) -> list[Warmed]:
        """Make the blocks of KV cubes that are missing, and bring all of them into memory.

        Nobody needs to call it: what is missing is made when a cube is used. It only takes that
        time in advance.

        Raises:
            UnknownCube: one of the cubes is not there.
            WrongKind: one of them is no KV cube.
            StaleCube: a source of one has been revised since.
            ExpiredCube: the time of one, or of a source of it, is over.
            ModelMismatch: one was made for another model.
            OutOfSpace: the disk has no room for the blocks.
        """
        with self._act("warm", Right.READ, **whose) as act:
            states = [_state(self._seen(one, act)) for one in read_ids(ids)]
            act.require_whole(states)
            sources = [self._sources(state) for state in states]
            for state in states:
                require_model(state, self._parts.runtime)
            return [
                self._warmed(state, texts, act, progress)
                for state, texts in zip(states, sources, strict=True)
            ]

    def cool(self, ids: Sequence[str], *, dry_run: bool = False, **whose: Unpack[Whose]) -> Cooled:
        """Drop the blocks of KV cubes from every place; the cubes stay, and nothing is lost.

        Blocks that other cubes are kept in, too, stay. What was dropped is made anew when one of
        the cubes is used.

        Args:
            ids: KV cubes; they may be frozen, or under legal hold.
            dry_run: only say what would be dropped.
            whose: within this scope.

        Raises:
            UnknownCube: one of the cubes is not there.
            WrongKind: one of them is no KV cube.
            Forbidden: one may be read, and not be written.
        """
        with self._act("cool", Right.WRITE, **whose) as act, self._changing(act):
            require_flags(dry_run=dry_run)
            states = [_state(self._held(one, act)) for one in read_ids(ids)]
            act.outcome = "dry run" if dry_run else act.outcome
            cooled = self._keeper.cool(states, dry_run=dry_run)
            if not dry_run:  # its row is written, whether reading leaves any or not
                self._parts.journal.append(act.audit())
            return cooled

    def verify_kv(self, *, progress: Progress = silent) -> list[DamagedBlock]:
        """Blocks on disk that are not what was put there; nothing is changed.

        None of them would be served: a block is verified whenever it is read. ``check`` with
        ``repair`` drops them.

        Raises:
            Forbidden: without the right to administer the store.
        """
        with self._act("verify_kv", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            return self._keeper.damaged(progress)

    def _warmed(
        self, state: MemCube, texts: Sequence[MemCube], act: Act, progress: Progress
    ) -> Warmed:
        made = self._keeper.warm(state, texts, act=act, progress=progress)
        return Warmed(
            id=state.id,
            blocks=len(made.blocks),
            tokens=made.tokens,
            reused_tokens=made.reused_tokens,
            seconds=made.seconds,
        )

    def _model(self) -> Fingerprint | None:
        """The configured model; None where it cannot be looked at: the rest is told even so."""
        try:
            return self._parts.runtime.fingerprint
        except MemosError:
            return None

    def _standing(self, state: MemCube, model: Fingerprint | None) -> Standing:
        standing = self._currency.standing(state)
        payload = state.payload
        if standing is not Standing.CURRENT or not isinstance(payload, Activation | Parametric):
            return standing
        if model is None:
            return Standing.UNKNOWN
        return Standing.OTHER_MODEL if payload.model.differs(model) else standing


def _told(cube: MemCube, standing: Standing, lying: Sequence[tuple[str, ...]]) -> KvCube:
    """A KV cube, as the one who asks may see it, each of whose blocks lies in these places."""
    payload = cube.payload
    assert isinstance(payload, Activation)  # noqa: S101 - it was selected by its kind
    return KvCube(
        id=cube.id,
        title=cube.header.title,
        model=payload.model.name,
        tokens=payload.tokens,
        size_bytes=payload.size_bytes,
        standing=standing,
        blocks=len(lying),
        places=Counter(place for places in lying for place in places),
        nowhere=sum(not places for places in lying),
    )


def _state(cube: MemCube) -> MemCube:
    """The cube, if it is a KV cube.

    Raises:
        WrongKind: it is none.
    """
    if cube.kind is not Kind.ACTIVATION:
        message = f"cube {cube.id} is {cube.kind}, and has no blocks"
        raise WrongKind(message, hint="name KV cubes: memos kv ls")
    return cube
