"""Processes are killed with SIGKILL at random moments; what they acknowledged is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from memos import MemOS

if TYPE_CHECKING:
    from pathlib import Path

WORK = """
import itertools, sys
from memos import MemOS
mem = MemOS.open(sys.argv[1], embedder="hash")
for number in itertools.count():
    cubes = mem.add([{"content": f"{sys.argv[2]} {number} {turn}"} for turn in range(3)])
    print("added", *[cube.id for cube in cubes], flush=True)
    if number % 2:
        mem.update(cubes[0].id, f"{sys.argv[2]} {number} revised")
        print("updated", cubes[0].id, flush=True)
        mem.delete(cubes[1].id)
        print("deleted", cubes[1].id, flush=True)
"""


@pytest.mark.slow
def test_whatever_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    chance = random.Random(3)  # noqa: S311
    store = tmp_path / "store"
    added: set[str] = set()
    updated: set[str] = set()
    deleted: set[str] = set()
    for round_ in range(6):
        command = [sys.executable, "-c", WORK, str(store), f"round{round_}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = [process.stdout.readline()]
            time.sleep(chance.uniform(0.05, 1.0))
            process.kill()
            said += process.stdout.readlines()
        for line in said:
            what, *ids = line.split() if line.endswith("\n") else ["", ""]
            {"added": added, "updated": updated, "deleted": deleted}.get(what, set()).update(ids)
    assert added
    with MemOS.open(store, embedder="hash") as mem:
        there = {cube.id: cube for cube in mem.get_all()}
        missing = added - deleted - set(there)
        assert len(missing) <= 6  # at most one unacknowledged delete a round
        assert not deleted & set(there)
        assert all(there[one].version == 2 for one in updated)
        assert mem.check().problems == ()
        assert mem.stats().pending == 0
        hits = mem.search("revised", k=1000)
        assert {hit.cube.id for hit in hits} >= {
            cube.id for cube in there.values() if cube.version == 2
        }
