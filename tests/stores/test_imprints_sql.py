"""The table of imprints keeps the port's promises, in a file, in memory and encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import text

from memos.ports.imprints import ImprintEntry
from memos.stores.engine_sqlite import open_engine
from memos.stores.imprints_sql import SqlImprints
from memos.testing.imprints import ImprintsSuite, imprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.ports.imprints import Imprints


class TestSqlImprintsInAFile(ImprintsSuite):
    key: bytes | None = None

    @pytest.fixture
    def imprints(self, tmp_path: Path, request: pytest.FixtureRequest) -> Imprints:
        self.path = tmp_path / "catalog.db"
        self.finish = request.addfinalizer
        return self._open()

    def reopened(self, imprints: Imprints) -> Imprints:
        return self._open()

    def files(self) -> Path | None:
        return self.path.parent

    def _open(self) -> Imprints:
        engine = open_engine(self.path, key=self.key)
        self.finish(engine.dispose)
        return SqlImprints(engine)


class TestSqlImprintsInAnEncryptedFile(TestSqlImprintsInAFile):
    key = bytes(range(32))


class TestSqlImprintsInMemory(ImprintsSuite):
    @pytest.fixture
    def imprints(self) -> Iterator[Imprints]:
        engine = open_engine(None)
        yield SqlImprints(engine)
        engine.dispose()

    def reopened(self, imprints: Imprints) -> Imprints:
        return imprints

    def files(self) -> None:
        return None


@pytest.mark.parametrize(
    "damage",
    [
        "signs = x'00'",
        "signs = x''",
        "signs = 'text'",
        "width = 0",
        "width = 2",
        "width = 'x'",
        "checksum = 0",
        "signs = substr(signs, 1, 3)",
    ],
)
def test_what_is_not_as_it_was_put_counts_as_absent(tmp_path: Path, damage: str) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    imprints = SqlImprints(engine)
    imprints.put([ImprintEntry("a", imprint(1)), ImprintEntry("b", imprint(2))])
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text(f"UPDATE imprints SET {damage} WHERE id = 'a'"))  # noqa: S608
    assert set(imprints.of(["a", "b"])) == {"b"}
    assert imprints.ids() == {"a", "b"}
    imprints.put([ImprintEntry("a", imprint(1))])
    assert np.array_equal(imprints.of(["a"])["a"], imprint(1))
    engine.dispose()
