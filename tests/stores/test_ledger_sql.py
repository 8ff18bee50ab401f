"""The SQL ledger keeps the port's promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.ledger_sql import SqlLedger
from memos.testing.ledger import LedgerSuite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.ports.catalog import Catalog
    from memos.ports.ledger import Ledger


class TestSqlLedger(LedgerSuite):
    @pytest.fixture
    def catalog(self, upgraded: Path) -> Iterator[Catalog]:
        self.engine = open_engine(upgraded)
        yield SqlCatalog(self.engine)
        self.engine.dispose()

    def ledger(self, catalog: Catalog) -> Ledger:
        return SqlLedger(self.engine)
