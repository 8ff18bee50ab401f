"""What a call tells of a training that is owed."""

from __future__ import annotations

from datetime import datetime

from memos.cube.frozen import Frozen
from memos.ports.ledger import Reason


class OwedTraining(Frozen):
    """Weights that are to be trained; ``retrain`` carries it out."""

    id: str
    """Of the adapter that it rebuilds, be it forgotten by now; its own, where it rebuilds none."""
    sources: tuple[str, ...]
    """The ids of what the weights would be made from now; none where all of it has expired."""
    reason: Reason
    method: str
    title: str | None
    """That whoever asked gave."""
    replaces: str | None
    """The adapter that is put away when the new one is there."""
    step: int | None
    """How many steps are made and kept, where it was interrupted; None for none."""
    steps: int | None
    """Training steps at most; None for as many as the examples need."""
    since: datetime
