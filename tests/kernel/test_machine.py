"""A whole kernel against a dict, with crashes between any two steps."""

from __future__ import annotations

import tempfile
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from memos.boot import open_scratch
from memos.governance.redaction import Redaction
from memos.kernel import Parts
from memos.life.schooling import Schooling
from memos.models.embedder_hash import HashEmbedder
from memos.models.kv_shelf import Shelf
from memos.models.kv_tiers import Budgets, Tiers
from memos.models.redactor_patterns import PatternRedactor
from memos.models.runtime_torch import TorchRuntime
from memos.scheduler.lru import Lru
from memos.stores.blobs_files import FileBlobs
from memos.stores.blocks_files import BlockFiles
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.graph_networkx import NetworkxGraph
from memos.stores.imprints_sql import SqlImprints
from memos.stores.journal_sql import SqlJournal
from memos.stores.ledger_sql import SqlLedger
from memos.stores.outlines_sql import SqlOutlines
from memos.stores.repairs_sql import SqlRepairs
from memos.stores.schema import upgrade
from memos.stores.traces_files import FileTraces
from memos.stores.vectors_exact import ExactVectors
from memos.stores.words_postings import PostingWords
from memos.testing.machine_trust import TrustMachine

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.ports.vectors import Vectors


def tiers(folder: Path) -> Tiers:
    """Blocks in memory and in a folder, as a new process would open them."""
    shelf = Shelf(lambda: BlockFiles(folder), budget_bytes=None, policy=Lru())
    return Tiers(Budgets(ram=8 << 20), policy=lambda _: Lru(), disk=shelf)


def reading(runtime: TorchRuntime, kv: Tiers) -> TorchRuntime:
    """The same model, which is not loaded again, on other blocks."""
    other = copy(runtime)
    other._kv = kv
    return other


def machine(runtime: TorchRuntime) -> type[TrustMachine]:
    class Machine(TrustMachine):
        def __init__(self) -> None:
            self.folder = tempfile.TemporaryDirectory()
            self.engines: list[Callable[[], None]] = []
            super().__init__()

        def folder_of_files(self) -> Path:
            return Path(self.folder.name)

        def parts(self) -> Parts:
            folder = Path(self.folder.name)
            engine = open_engine(folder / "catalog.db")
            self.engines.append(engine.dispose)
            upgrade(engine)
            catalog = SqlCatalog(engine)

            def open_vectors(model: str, dimension: int) -> Vectors:
                vectors = ExactVectors(folder / "vectors", collection=model, dimension=dimension)
                self.engines.append(vectors.close)
                return vectors

            kv = tiers(folder / "kv")
            return Parts(
                catalog=catalog,
                ledger=SqlLedger(engine),
                journal=SqlJournal(engine),
                repairs=SqlRepairs(engine),
                blobs=FileBlobs(folder / "blobs"),
                words=PostingWords(engine),
                imprints=SqlImprints(engine),
                graph=NetworkxGraph(catalog),
                outlines=SqlOutlines(engine),
                embedder=HashEmbedder(64),
                runtime=reading(runtime, kv),
                kv=kv,
                clock=self.clock,
                open_vectors=open_vectors,
                open_scratch=open_scratch,
                schooling=Schooling(),
                traces=FileTraces(folder),
                redaction=Redaction(PatternRedactor, levels=("confidential", "secret")),
            )

        def teardown(self) -> None:
            super().teardown()
            for dispose in self.engines:
                dispose()
            self.folder.cleanup()

    return Machine


@pytest.mark.slow
def test_a_kernel_is_a_dict_that_survives_crashes(tiny_model: Path, tmp_path: Path) -> None:
    runtime = TorchRuntime(str(tiny_model), cache_folder=tmp_path, device="cpu")
    run_state_machine_as_test(
        machine(runtime),
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
