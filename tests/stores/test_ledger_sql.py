"""The SQL ledger keeps the port's promises."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos.cube import Scope
from memos.errors import CorruptionError
from memos.ports.catalog import Change
from memos.ports.ledger import Revocation
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.ledger_sql import SqlLedger
from memos.testing.catalog import audit, plaintext, put
from memos.testing.ledger import GRANT, LedgerSuite, wrote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

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


@pytest.fixture
def engine(upgraded: Path) -> Iterator[Engine]:
    engine = open_engine(upgraded)
    yield engine
    engine.dispose()


def test_no_thread_is_served_a_grant_that_another_has_taken_back(engine: Engine) -> None:
    catalog, ledger = SqlCatalog(engine), SqlLedger(engine)
    over, gone = threading.Event(), 0

    def look() -> int:
        looked = 0
        while not over.is_set():
            known = gone  # before we ask: what is taken back by now must not be answered
            assert all(one.number > known for one in ledger.grants(GRANT.principal))
            looked += 1
        return looked

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(look) for _ in range(3)]
        try:
            for number in range(1, 101):
                catalog.commit(wrote(replace(GRANT, label=f"label {number}")))
                assert [one.number for one in ledger.grants(GRANT.principal)] == [number]
                catalog.commit(wrote(Revocation(number)))
                gone = number
                assert ledger.grants(GRANT.principal) == []
        finally:
            over.set()
        assert all(reader.result() for reader in readers)


def test_a_grant_on_a_cube_ends_with_the_cube_for_whoever_has_asked_before(
    engine: Engine,
) -> None:
    catalog, ledger = SqlCatalog(engine), SqlLedger(engine)
    cube = plaintext("one")
    catalog.commit(put(cube))
    catalog.commit(wrote(replace(GRANT, cube_id=cube.id, scope=Scope())))
    assert len(ledger.grants(GRANT.principal)) == 1
    catalog.commit(Change(audit=audit("forget"), forget=(cube.id,)))
    assert ledger.grants(GRANT.principal) == []


@pytest.mark.parametrize(
    "damage", ["scope = '{'", """scope = '{"user": "bob"}'""", "right = 'all'", "at = 'noon'"]
)
def test_a_grant_that_was_damaged_since_it_was_read_is_not_served(
    engine: Engine, damage: str
) -> None:
    catalog, ledger = SqlCatalog(engine), SqlLedger(engine)
    catalog.commit(wrote(GRANT))
    assert len(ledger.grants(GRANT.principal)) == 1
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE grants SET {damage}"))  # noqa: S608 - our own words
    with pytest.raises(CorruptionError):
        ledger.grants(GRANT.principal)
