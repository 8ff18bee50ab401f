"""FTS5 keeps the port's promises, in a file and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos.errors import CorruptionError
from memos.stores.engine_sqlite import open_engine
from memos.stores.words_fts5 import Fts5Words
from memos.testing.words import WordsSuite, entry, found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from memos.ports.words import Words


class TestFts5WordsInAFile(WordsSuite):
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
        engine = open_engine(self.path)
        self.finish(engine.dispose)
        return Fts5Words(engine)


class TestFts5WordsInMemory(WordsSuite):
    @pytest.fixture
    def words(self) -> Iterator[Words]:
        engine = open_engine(None)
        yield Fts5Words(engine)
        engine.dispose()

    def reopened(self, words: Words) -> Words:
        return words

    def files(self) -> None:
        return None


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "catalog.db")
    yield engine
    engine.dispose()


def test_a_put_that_fails_stores_nothing(engine: Engine) -> None:
    words = Fts5Words(engine)
    words.put([entry("a", "green tea")])
    with pytest.raises(UnicodeEncodeError):
        words.put([entry("a", "coffee"), entry("b", "half a character: \ud800")])
    assert words.ids() == {"a"}
    assert found(words, "tea") == ["a"]
    assert found(words, "coffee") == []


def test_no_word_of_what_was_purged_is_left_in_the_file(engine: Engine, tmp_path: Path) -> None:
    words = Fts5Words(engine)
    words.put([entry("kept", "an ordinary remark"), entry("secret", "the password is xyzzyx")])
    words.put([entry("other", "another ordinary remark")])
    words.drop(["secret"])
    words.purge()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ordinary" in content
    assert b"xyzzy" not in content
    assert found(words, "ordinary") == ["kept", "other"]


def test_an_index_that_is_gone_is_an_error_and_not_an_empty_answer(engine: Engine) -> None:
    words = Fts5Words(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE words"))
    with pytest.raises(CorruptionError, match="no such table"):
        words.near("tea", k=1, scope=entry("", "").scope)
