"""Blocks of attention state: whether they are what was put, and whether a cube is kept in them.

That a block is missing is no problem: it is made anew when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Activation
from memos.ports.ledger import Blocked
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from memos.life.checkup.census import Census
    from memos.life.checkup.findings import Findings
    from memos.life.checkup.subjects import Subjects
    from memos.ports.ledger import Ledger


def examine_kept(census: Census, ledger: Ledger, findings: Findings) -> None:
    """Tell of blocks that belong to a cube which is not there, or is no KV cube."""
    states = {
        cube.id for cube, _ in census.derived.values() if isinstance(cube.payload, Activation)
    }
    for cube_id, names in sorted(ledger.blocks().items()):
        if cube_id not in states | census.unsure:
            message = f"{len(names)} blocks are said to be of {cube_id}, which is no KV cube"
            findings.plan("blocks-of-nothing", cube_id, message)
            findings.also.append(Blocked(cube_id, ()))


def examine_blocks(
    subjects: Subjects, findings: Findings, progress: Progress = silent, *, repair: bool
) -> None:
    """Tell of damaged blocks and of those that no cube is kept in; they are dropped."""
    kv = subjects.kv
    kept = {name for names in subjects.ledger.blocks().values() for name in names}
    there = kv.names()
    findings.checked["blocks"] = len(there)
    damaged = set(kv.verify(progress=progress))
    stray = there - kept
    for name in sorted(damaged - stray):
        message = f"block {name} is not what was put there; it is not served"
        findings.tell("damaged-block", name, message, repaired=repair)
    for name in sorted(stray):
        message = f"no cube is kept in block {name}"
        findings.tell("stray-block", name, message, repaired=repair)
    if repair:
        kv.drop(damaged | stray)
