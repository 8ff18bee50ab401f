"""Trainings that are owed: whether there is what they are of, and what they had reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memos.errors import CorruptionError
from memos.ports.ledger import Checkpointed, Reason, Training, TrainingEnded

if TYPE_CHECKING:
    from memos.life.checkup.census import Census
    from memos.life.checkup.findings import Findings
    from memos.ports.blobs import Blobs
    from memos.ports.ledger import Entry, Ledger


def examine_trainings(census: Census, ledger: Ledger, blobs: Blobs, findings: Findings) -> None:
    """Tell of trainings of cubes that are not there, and of checkpoints that cannot be read."""
    for training in ledger.trainings():
        named = [*(parent.id for parent in training.parents), training.replaces]
        gone = [one for one in named if one is not None and one not in census.ids]
        if gone:
            message = f"training {training.id} is of cube {gone[0]}, which is not there"
            findings.plan("training-of-nothing", training.id, message)
            findings.also.append(_without(training, census))
        elif training.checkpoint is not None and not _is_whole(training.checkpoint, blobs):
            message = f"what training {training.id} had reached is lost; it begins anew"
            findings.plan("damaged-checkpoint", training.checkpoint, message)
            findings.also.append(Checkpointed(training.id, training.key, None, 0))


def _without(training: Training, census: Census) -> Entry:
    """The training as it is owed without what is not there."""
    left = tuple(parent for parent in training.parents if parent.id in census.ids)
    if not left or training.replaces not in {None, *census.ids}:
        return TrainingEnded(training.id, training.key)
    return replace(
        training,
        key="",
        parents=left,
        reason=Reason.FORGOTTEN,
        title=None,
        checkpoint=None,
        step=0,
    )


def _is_whole(digest: str, blobs: Blobs) -> bool:
    try:
        blobs.get(digest)
    except CorruptionError:
        return False
    return True
