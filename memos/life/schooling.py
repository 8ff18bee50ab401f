"""How weights are trained, and what they must reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from memos.kinds.examination import Demands


@dataclass(frozen=True, slots=True)
class Schooling:
    """What a parametric cube must reach to be used by default, and how it is trained."""

    demands: Demands = field(default_factory=Demands)
    seed: int = 0
    steps: int | None = None
    """Training steps at most; None for as many as the examples need."""
