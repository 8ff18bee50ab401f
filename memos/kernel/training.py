"""The system calls on trainings that are owed: which there are, and to carry them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memos.cube import Principal, Right
from memos.errors import BadInput, VersionConflict
from memos.kernel.arguments import require_count
from memos.kernel.kinds import KindCalls
from memos.ports.ledger import Reason
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from memos.cube import MemCube
    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.life.owed import OwedTraining
    from memos.ports.ledger import Training


class TrainingCalls(KindCalls):
    """Train what is owed: what was interrupted, and what has lost a source or outlived one."""

    def owed_trainings(self, **whose: Unpack[Whose]) -> tuple[OwedTraining, ...]:
        """The trainings that are owed, oldest first, as far as the principal may carry them out.

        They are: trainings that did not come to their end, such as those of a process that was
        killed; adapters that went when a source was forgotten, from the sources that are left; and
        adapters in use of which a source was revised, unless the same sources were learnt anew.
        """
        with self._act("owed_trainings", Right.WRITE, **whose) as act:
            found = self._rebuilder.owed(act)
            act.touch(parent.id for one in found for parent in one.parents)
            return tuple(self._rebuilder.told(one, self._learnable(one)) for one in found)

    def retrain(
        self, *, progress: Progress = silent, limit: int | None = None, **whose: Unpack[Whose]
    ) -> tuple[MemCube, ...]:
        """Carry out the trainings that are owed, oldest first.

        Each makes a new parametric cube from its sources as they are now, less those that have
        expired; in the same commit the cube that it replaces is archived. Each is durable by
        itself, and leaves a row of its own in the journal. Where nothing is left to learn, the
        training is owed no more, and the journal says so; where a source is changed meanwhile, it
        is owed further.

        Args:
            progress: told of every step.
            limit: carry out at most so many.
            whose: only what would be these ids'.

        Returns:
            The new cubes; one that failed its evaluation is among them, as *generated*.

        Raises:
            BadInput: the limit is no number of trainings.
        """
        with self._act("retrain", Right.WRITE, **whose) as act:
            if limit is not None:
                require_count(limit, "limit")
            owed = [one.id for one in self._rebuilder.owed(act)[:limit]]
            made = [self._retrained(one, progress, **whose) for one in owed]
            act.touch(cube.id for cube in made if cube is not None)
            return tuple(cube for cube in made if cube is not None)

    def _retrained(
        self, training_id: str, progress: Progress, **whose: Unpack[Whose]
    ) -> MemCube | None:
        """Carry out one training, if it is owed still; None where it came to nothing."""
        with self._act("retrain", Right.WRITE, **whose) as act:
            owed = {one.id: one for one in self._rebuilder.owed(act)}
            training = owed.get(training_id)
            if training is None:
                return None
            made = self._carried_out(training, act, progress)
            self._settle()
            return made

    def _carried_out(self, training: Training, act: Act, progress: Progress) -> MemCube | None:
        sources = self._learnable(training)
        away = training.replaces is not None and not self._deriver.put_away(training, act)
        if away or not sources:
            self._give_up(training, act, "put away" if away else "nothing to learn")
            return None
        once = self._once(None, act, [])
        try:
            training = self._trainings.begun(sources, act, owed=training)
            return self._deriver.train(training, sources, once, act=act, progress=progress)
        except BadInput:
            self._give_up(training, act, "nothing to learn")
        except VersionConflict:  # it is owed further, and the journal tells why
            act.recorded, act.outcome = False, VersionConflict.__name__
        return None

    def _give_up(self, training: Training, act: Act, outcome: str) -> None:
        act.at = self._parts.clock.now()
        put = self._deriver.put_away(training, act)
        self._trainings.drop(training, act, outcome, put=put)

    def _learnable(self, training: Training) -> list[MemCube]:
        """What is to be learnt; of what somebody asked for, only what they may still read."""
        sources = self._rebuilder.sources(training)
        if training.reason is not Reason.ASKED:
            return sources
        asker = self._made_gate(Principal.read(training.asked_by), self._gate.bound, "")
        asked = asker.imagined("retrain", Right.WRITE)
        return [cube for cube in sources if asked.reads_whole(cube)]
