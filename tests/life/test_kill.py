"""Processes are killed with SIGKILL at random moments; what they acknowledged is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.config import VectorsSettings
from memos.testing.faults import Kills

if TYPE_CHECKING:
    from pathlib import Path

    from memos.config import Settings


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "kills"), [("exact", 9), ("chroma", 4)])
def test_whatever_was_acknowledged_survives_kill_9(
    tmp_path: Path, quick: Settings, backend: str, kills: int
) -> None:
    settings = quick.model_copy(update={"vectors": VectorsSettings(backend=backend)})
    with Kills(tmp_path / "store", settings, seed=3) as faults:
        rounds = 0
        # A kill may come before the first call has ended: then it is tried some times more.
        while rounds < kills or not (faults.outcome.acknowledged["add"] or rounds >= 6 * kills):
            faults.round()
            rounds += 1
            assert faults.outcome.problems == []
    assert sum(faults.outcome.kills.values()) == rounds
    assert faults.outcome.acknowledged["add"] > 0
