"""What a kernel is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.steps.steps import plain_steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from memos.governance.redaction import Redaction
    from memos.life.schooling import Schooling
    from memos.ports.aside import Aside
    from memos.ports.backup import Manifest
    from memos.ports.blobs import Blobs
    from memos.ports.catalog import Catalog
    from memos.ports.clock import Clock
    from memos.ports.embedder import Embedder
    from memos.ports.graph import Graph
    from memos.ports.imprints import Imprints
    from memos.ports.journal import Journal
    from memos.ports.kv import Kv
    from memos.ports.ledger import Ledger
    from memos.ports.outlines import Outlines
    from memos.ports.privacy import Privacy
    from memos.ports.progress import Progress
    from memos.ports.repairs import Repairs
    from memos.ports.runtime import Runtime
    from memos.ports.traces import Traces
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words
    from memos.retrieval.scratch import OpenScratch
    from memos.steps.steps import Steps


@dataclass(frozen=True, slots=True)
class Parts:
    """What a kernel is built from: one backend for each port."""

    catalog: Catalog
    ledger: Ledger
    journal: Journal
    repairs: Repairs
    blobs: Blobs
    words: Words
    imprints: Imprints
    graph: Graph
    outlines: Outlines
    embedder: Embedder
    runtime: Runtime
    kv: Kv
    """The blocks of attention state that the runtime reads and keeps."""
    clock: Clock
    open_vectors: Callable[[str, int], Vectors]
    """Opens the vector index of an embedding model, by the model's name and dimension."""
    open_scratch: OpenScratch
    """Opens indexes for one search in what was known once."""
    schooling: Schooling
    traces: Traces
    redaction: Redaction
    """How sensitive memories are shown to those who may not see them whole."""
    audit_reads: bool = True
    """Whether calls that change nothing leave a row in the journal, too."""
    supersede: str = "auto"
    """Whether a new memory ends the time of what it supersedes: ``auto`` or ``never``."""
    archive: Blobs | None = None
    """Where blobs go that are seldom read; None where they all stay in ``blobs``."""
    aside: Aside | None = None
    """Where damaged files go; None where nothing lies on disk."""
    back_up: Callable[[Path, datetime, Progress], Manifest] | None = None
    """Copies the store to a folder; None where nothing lies on disk."""
    grounds: tuple[Path, ...] = ()
    """The folders in which the store's files lie: nothing else is written there."""
    crashed: bool = False
    """Whether the last process that had the store did not come to its end."""
    open_steps: Callable[[Runtime], Steps] = plain_steps
    """Opens the optional steps; by default those that need no language model."""
    privacy: Privacy | None = None
    """The files on disk; None where nothing lies there."""
    release: Callable[[], None] = lambda: None
    """Called last when the kernel is closed; lets go of the folder."""
