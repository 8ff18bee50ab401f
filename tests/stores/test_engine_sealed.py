"""Catalog, words and vectors keep their promises in an encrypted file, which shows nothing."""

from __future__ import annotations

import secrets
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos.errors import CorruptionError, MissingLibrary
from memos.ports.catalog import Selection
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine, purge
from memos.stores.schema import upgrade
from memos.stores.vectors_exact import ExactVectors
from memos.stores.words_postings import PostingWords
from memos.testing.catalog import CatalogSuite, plaintext, put
from memos.testing.catalog_purge import CatalogPurgeSuite
from memos.testing.vectors import DIMENSION, VectorsSuite
from memos.testing.words import WordsSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.cube import MemCube
    from memos.ports.catalog import Catalog
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words

KEY = secrets.token_bytes(32)


class TestSqlCatalogInAnEncryptedFile(CatalogSuite, CatalogPurgeSuite):
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
        engine = open_engine(self.path, key=KEY)
        upgrade(engine)
        catalog = SqlCatalog(engine)
        self.finish(catalog.close)
        return catalog


class TestPostingWordsInAnEncryptedFile(WordsSuite):
    @pytest.fixture
    def words(self, tmp_path: Path, request: pytest.FixtureRequest) -> Words:
        self.path = tmp_path / "catalog.db"
        self.finish = request.addfinalizer
        return self._open()

    def reopened(self, words: Words) -> Words:
        return self._open()

    def files(self) -> Path:
        return self.path.parent

    def _open(self) -> Words:
        engine = open_engine(self.path, key=KEY)
        self.finish(engine.dispose)
        return PostingWords(engine)


class TestExactVectorsInAnEncryptedFile(VectorsSuite):
    @pytest.fixture
    def vectors(self, tmp_path: Path, request: pytest.FixtureRequest) -> Vectors:
        self.path = tmp_path / "vectors" / "exact"
        self.finish = request.addfinalizer
        return self._open()

    def reopened(self, vectors: Vectors) -> Vectors:
        vectors.close()
        return self._open()

    def files(self) -> Path:
        return self.path.parent

    def _open(self) -> Vectors:
        vectors = ExactVectors(self.path, collection="model", dimension=DIMENSION, key=KEY)
        self.finish(vectors.close)
        return vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of some pages, closed."""
    path = tmp_path / "catalog.db"
    engine = open_engine(path, key=KEY)
    upgrade(engine)
    catalog = SqlCatalog(engine)
    catalog.commit(put(*[plaintext(f"remark {number} " + "x" * 500) for number in range(100)]))
    catalog.close()
    return path


def test_an_encrypted_file_is_as_durable_and_private_as_any(path: Path) -> None:
    engine = open_engine(path, key=KEY)
    with engine.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "secure_delete",
                "temp_store",
            )
        }
    engine.dispose()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "temp_store": 2,
    }
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("key", [None, secrets.token_bytes(32)], ids=["none", "another"])
def test_without_its_key_a_file_is_no_database(path: Path, key: bytes | None) -> None:
    before = path.read_bytes()
    engine = open_engine(path, key=key)
    with pytest.raises(CorruptionError, match="not a database"):
        upgrade(engine)
    engine.dispose()
    assert path.read_bytes() == before


def test_a_bit_flipped_in_any_page_is_damage_and_not_another_text(path: Path) -> None:
    whole = path.read_bytes()
    expected = contents(path)
    told = []
    pages = range(0, len(whole) // 4096, 4)
    for page in pages:
        broken = bytearray(whole)
        broken[page * 4096 + 2000] ^= 1
        path.write_bytes(broken)
        engine = open_engine(path, key=KEY)
        assert len(SqlCatalog(engine).problems()) == 1
        engine.dispose()
        try:
            assert contents(path) == expected  # it was a page that nobody had to read
        except CorruptionError as error:
            told.append(str(error))
    assert len(told) > len(pages) / 4
    assert all("catalog.db is damaged" in each and "backup" in each for each in told)


def contents(path: Path) -> list[MemCube]:
    engine = open_engine(path, key=KEY)
    try:
        catalog = SqlCatalog(engine)
        catalog.edges_of([])
        return [one for cube_id in catalog.ids(Selection()) for one in catalog.history(cube_id)]
    finally:
        engine.dispose()


def test_damage_is_told_by_us_alone(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    code = (
        "import sys; from pathlib import Path; from memos.stores.engine_sqlite import open_engine\n"
        "from memos.errors import CorruptionError\n"
        "engine = open_engine(Path(sys.argv[1]), key=bytes.fromhex(sys.argv[2]))\n"
        "try: engine.connect()\n"
        "except CorruptionError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(path), KEY.hex()]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "is damaged" in told.stdout
    assert told.stderr == ""
    assert KEY.hex() not in told.stdout


def test_a_copy_made_while_in_use_is_encrypted_and_whole(path: Path, tmp_path: Path) -> None:
    source = open_engine(path, key=KEY)
    copy = open_engine(tmp_path / "copy.db", key=KEY)
    here, there = source.raw_connection(), copy.raw_connection()
    here.driver_connection.backup(there.driver_connection)  # type: ignore[union-attr]
    here.close()
    there.close()
    assert SqlCatalog(copy).counts() == SqlCatalog(source).counts()
    source.dispose()
    copy.dispose()
    assert b"remark" not in (tmp_path / "copy.db").read_bytes()


def test_a_purge_rewrites_an_encrypted_file_and_keeps_it_encrypted(path: Path) -> None:
    before, expected = path.read_bytes(), contents(path)
    engine = open_engine(path, key=KEY)
    purge(engine)
    after = path.read_bytes()
    assert after != before
    assert path.with_name("catalog.db-wal").stat().st_size == 0
    with engine.execution_options(write=True, patient=False).begin() as connection:
        connection.execute(text("INSERT INTO notes (name, value) VALUES ('a', 'b')"))
    purge(engine)  # what does not wait for the disk only appends: there is nothing to erase
    assert path.read_bytes() == after
    engine.dispose()
    assert contents(path) == expected
    assert b"remark" not in path.read_bytes()


def test_without_sqlcipher_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sqlcipher3", None)
    with pytest.raises(MissingLibrary, match="SQLCipher") as caught:
        open_engine(tmp_path / "catalog.db", key=KEY)
    assert "agent-memos[encryption]" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
