"""What is asked of weights that are trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Demands:
    """What a parametric cube must reach to be used by default, and how it is trained."""

    required_recall: float = 0.6
    allowed_drift: float = 0.2
    seed: int = 0
    steps: int | None = None
    """Training steps at most; None for as many as the examples need."""
