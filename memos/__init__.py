"""MemOS: an operating system for the memory of LLM agents.

>>> from memos import MemOS
>>> with MemOS.open(None, embedder="hash") as mem:
...     cubes = mem.add("Alice moved to Lisbon in May 2024.", user_id="alice")
...     [hit.cube.text for hit in mem.search("where did alice move?", user_id="alice")]
['Alice moved to Lisbon in May 2024.']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from memos.errors import MemosError
from memos.version import VERSION

if TYPE_CHECKING:
    from memos.boot import MemOS
    from memos.cube import Kind, MemCube, Principal, Right, Scope, State
    from memos.ingest.report import Ingested
    from memos.kernel.view import View
    from memos.kinds.answer import Answer, Reply
    from memos.kinds.recital import Held, Lost, Recital
    from memos.kinds.routing import Route
    from memos.life.kv_report import Cooled, DamagedBlock, KvCube, KvPlace, Standing, Warmed
    from memos.life.lineage import Ancestor, Lineage
    from memos.life.lora_report import LoraCube
    from memos.life.owed import OwedTraining
    from memos.life.report import (
        AuditReport,
        AuditRow,
        BundleReport,
        CheckReport,
        Doomed,
        Extracted,
        Forgotten,
        Imported,
        Installation,
        Moved,
        Problem,
        Restored,
        Stats,
    )
    from memos.ports.ledger import Grant, Installed, Snapshot
    from memos.retrieval.context import Breakpoint, Context
    from memos.retrieval.hit import Hit

__version__ = VERSION

_HOMES = {
    "Ancestor": "memos.life.lineage",
    "Answer": "memos.kinds.answer",
    "AuditReport": "memos.life.report",
    "AuditRow": "memos.life.report",
    "Breakpoint": "memos.retrieval.context",
    "BundleReport": "memos.life.report",
    "CheckReport": "memos.life.report",
    "Context": "memos.retrieval.context",
    "Cooled": "memos.life.kv_report",
    "DamagedBlock": "memos.life.kv_report",
    "Doomed": "memos.life.report",
    "Extracted": "memos.life.report",
    "Forgotten": "memos.life.report",
    "Grant": "memos.ports.ledger",
    "Held": "memos.kinds.recital",
    "Hit": "memos.retrieval.hit",
    "Imported": "memos.life.report",
    "Ingested": "memos.ingest.report",
    "Installation": "memos.life.report",
    "Installed": "memos.ports.ledger",
    "Kind": "memos.cube",
    "KvCube": "memos.life.kv_report",
    "KvPlace": "memos.life.kv_report",
    "Lineage": "memos.life.lineage",
    "LoraCube": "memos.life.lora_report",
    "Lost": "memos.kinds.recital",
    "MemCube": "memos.cube",
    "MemOS": "memos.boot",
    "Moved": "memos.life.report",
    "OwedTraining": "memos.life.owed",
    "Principal": "memos.cube",
    "Problem": "memos.life.report",
    "Recital": "memos.kinds.recital",
    "Reply": "memos.kinds.answer",
    "Restored": "memos.life.report",
    "Right": "memos.cube",
    "Route": "memos.kinds.routing",
    "Scope": "memos.cube",
    "Snapshot": "memos.ports.ledger",
    "Standing": "memos.life.kv_report",
    "State": "memos.cube",
    "Stats": "memos.life.report",
    "View": "memos.kernel.view",
    "Warmed": "memos.life.kv_report",
}
"""Where the public names live: each is imported when it is first asked for."""

__all__ = [
    "Ancestor",
    "Answer",
    "AuditReport",
    "AuditRow",
    "Breakpoint",
    "BundleReport",
    "CheckReport",
    "Context",
    "Cooled",
    "DamagedBlock",
    "Doomed",
    "Extracted",
    "Forgotten",
    "Grant",
    "Held",
    "Hit",
    "Imported",
    "Ingested",
    "Installation",
    "Installed",
    "Kind",
    "KvCube",
    "KvPlace",
    "Lineage",
    "LoraCube",
    "Lost",
    "MemCube",
    "MemOS",
    "MemosError",
    "Moved",
    "OwedTraining",
    "Principal",
    "Problem",
    "Recital",
    "Reply",
    "Restored",
    "Right",
    "Route",
    "Scope",
    "Snapshot",
    "Standing",
    "State",
    "Stats",
    "View",
    "Warmed",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'memos' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
