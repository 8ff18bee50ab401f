"""The SQL catalog keeps the port's promises, in a file and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos.errors import CorruptionError
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.testing.catalog import CatalogSuite, plaintext, put
from memos.testing.catalog_past import SOON, CatalogPastSuite, brief
from memos.testing.catalog_purge import CatalogPurgeSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.catalog import Catalog


class TestSqlCatalogInAFile(CatalogSuite, CatalogPastSuite, CatalogPurgeSuite):
    @pytest.fixture
    def catalog(self, tmp_path: Path, request: pytest.FixtureRequest) -> Catalog:
        self.path = tmp_path / "catalog.db"
        self.finish = request.addfinalizer
        return self._open()

    def reopened(self, catalog: Catalog) -> Catalog:
        return self._open()

    def files(self) -> Path:
        return self.path.parent

    def _open(self) -> Catalog:
        engine = open_engine(self.path)
        upgrade(engine)
        catalog = SqlCatalog(engine)
        self.finish(catalog.close)
        return catalog


class TestSqlCatalogInMemory(CatalogSuite, CatalogPastSuite, CatalogPurgeSuite):
    @pytest.fixture
    def catalog(self) -> Catalog:
        engine = open_engine(None)
        upgrade(engine)
        return SqlCatalog(engine)

    def reopened(self, catalog: Catalog) -> Catalog:
        return catalog

    def files(self) -> None:
        return None


def test_a_row_that_was_tampered_with_is_not_served(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    upgrade(engine)
    catalog = SqlCatalog(engine)
    cube = plaintext("the truth")
    catalog.commit(put(cube))
    with engine.begin() as connection:
        connection.execute(text("UPDATE versions SET body = replace(body, 'truth', 'lie')"))
    with pytest.raises(CorruptionError, match=cube.id):
        catalog.find(cube.id)
    catalog.close()


def test_the_file_is_private_durable_and_overwrites_what_it_deletes(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    engine = open_engine(path)
    with engine.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_row_that_is_due_is_in_nobody_s_way(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    upgrade(engine)
    catalog = SqlCatalog(engine)
    catalog.commit(put(brief("the truth", SOON)))
    with engine.begin() as connection:
        connection.execute(text("UPDATE versions SET body = replace(body, 'truth', 'lie')"))
    assert catalog.due(SOON, 10) == []
    assert catalog.next_expiry() is None
    catalog.close()
