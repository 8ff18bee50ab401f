"""How much each feature counts, by the form of the candidate; benchmarks/ranking.py fits them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "turn": {"vectors": 1.0, "kin": 1.0},
    "message": {"vectors": 1.0, "kin": 1.0},
    "passage": {"vectors": 1.0, "kin": 1.0},
    "note": {"vectors": 1.0, "kin": 1.0},
}
