"""What calls about adapters answer with."""

from __future__ import annotations

from datetime import datetime

from memos.cube import Retention, State
from memos.cube.frozen import Frozen
from memos.life.kv_report import Standing


class LoraCube(Frozen):
    """A parametric cube: what was trained, how it did, and whether it may serve."""

    id: str
    title: str
    method: str
    """``lora``, ``prefix`` or ``side``."""
    model: str
    """The name of the model that it was trained for."""
    state: State
    standing: Standing
    fit: bool
    """Whether it passed its last examination."""
    verdict: str
    """That examination in a sentence."""
    routed: bool
    """Whether it says which questions it serves; else it serves only where it is named."""
    recall: float
    """The share of held-out questions that it answered."""
    reversed_recall: float | None
    leak: float | None
    drift: float
    parameters: int
    size_bytes: int
    sources: int
    """Of those that one may read."""
    created_at: datetime
    retention: tuple[Retention, ...]
    """What it answered later on, oldest first."""
