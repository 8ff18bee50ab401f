"""Outlines from the catalog's tables keep the port's promises, in a file and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, text

from memos.errors import CorruptionError
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.outlines_sql import SqlOutlines
from memos.stores.schema import upgrade
from memos.testing.catalog import plaintext, put
from memos.testing.outlines import OutlinesSuite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.ports.catalog import Catalog
    from memos.ports.outlines import Outlines


class TestSqlOutlinesInAFile(OutlinesSuite):
    @pytest.fixture
    def catalog(self, upgraded: Path) -> Iterator[Catalog]:
        self.engine = open_engine(upgraded)
        catalog = SqlCatalog(self.engine)
        yield catalog
        catalog.close()

    def over(self, catalog: Catalog) -> Outlines:
        return SqlOutlines(self.engine)


class TestSqlOutlinesInMemory(OutlinesSuite):
    @pytest.fixture
    def catalog(self) -> Iterator[Catalog]:
        self.engine = open_engine(None)
        upgrade(self.engine)
        catalog = SqlCatalog(self.engine)
        yield catalog
        catalog.close()

    def over(self, catalog: Catalog) -> Outlines:
        return SqlOutlines(self.engine)


@pytest.fixture
def engine(upgraded: Path) -> Iterator[Engine]:
    engine = open_engine(upgraded)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("call", ["of", "turns_beside", "names_in"])
def test_tables_that_are_gone_are_an_error_and_not_an_empty_answer(
    engine: Engine, call: str
) -> None:
    cube = plaintext("one")
    SqlCatalog(engine).commit(put(cube))
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text(f"ALTER TABLE {'cubes' if call == 'of' else 'edges'} RENAME TO x"))
    with pytest.raises(CorruptionError, match="no such table"):
        getattr(SqlOutlines(engine), call)([cube.id])
