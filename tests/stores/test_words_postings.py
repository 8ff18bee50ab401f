"""The index of postings keeps the port's promises, in a file and in memory."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos.cube import EVERYBODY
from memos.errors import CorruptionError
from memos.ports.words import Room
from memos.stores.engine_sqlite import open_engine
from memos.stores.postings_sql import shelf_of
from memos.stores.words_postings import PostingWords
from memos.testing.vectors import ALICE, BOB
from memos.testing.words import WordsSuite, entry, found
from memos.testing.words_asked import WordsAskedSuite, WordsKinSuite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from memos.ports.words import Words


class TestPostingWordsInAFile(WordsSuite, WordsAskedSuite, WordsKinSuite):
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
        return PostingWords(engine)


class TestPostingWordsInMemory(WordsSuite, WordsAskedSuite, WordsKinSuite):
    @pytest.fixture
    def words(self) -> Iterator[Words]:
        engine = open_engine(None)
        yield PostingWords(engine)
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
    words = PostingWords(engine)
    words.put([entry("a", "green tea")])
    with pytest.raises(UnicodeEncodeError):
        words.put([entry("a", "coffee"), entry("half a character: \ud800", "coffee")])
    assert words.ids() == {"a"}
    assert found(words, "tea") == ["a"]
    assert found(words, "coffee") == []


def test_no_word_of_what_was_purged_is_left_in_the_file(engine: Engine, tmp_path: Path) -> None:
    words = PostingWords(engine)
    words.put([entry("kept", "an ordinary remark"), entry("secret", "the password is xyzzyx")])
    words.put([entry("other", "another ordinary remark")])
    words.drop(["secret"])
    words.purge()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ordin" in content
    assert b"xyzzy" not in content
    assert found(words, "ordinary") == ["kept", "other"]


def test_an_index_that_is_gone_is_an_error_and_not_an_empty_answer(engine: Engine) -> None:
    words = PostingWords(engine)
    words.put([entry("a", "green tea")])
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE word_postings"))
    with pytest.raises(CorruptionError, match="no such table"):
        words.near("tea", k=1, within=[Room(EVERYBODY)])


DAMAGE = {
    "a posting is another": (
        """
        UPDATE word_postings SET postings =
            (SELECT postings FROM word_postings WHERE term = 'green') WHERE term = 'milk'
        """,
        "the postings are not those of the texts",
    ),
    "postings are cut short": (
        "UPDATE word_postings SET postings = substr(postings, 1, 7) WHERE term = 'tea'",
        "cut short",
    ),
    "a posting is gone": (
        "DELETE FROM word_postings WHERE term = 'tea'",
        "the postings are not those of the texts",
    ),
    "a text is gone": ("DELETE FROM word_entries WHERE id = 'a'", "1 scopes have other texts"),
    "the terms of a text are others": (
        """UPDATE word_entries SET terms = '{"coffee": 1}' WHERE id = 'a'""",
        "the postings are not those of the texts",
    ),
    "the terms of a text are none": (
        "UPDATE word_entries SET terms = '[1' WHERE id = 'a'",
        "cannot be read",
    ),
    "a sum is another": ("UPDATE word_scopes SET length = 7", "1 scopes have other texts"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_does_not_fit_together_is_told_and_never_a_traceback(
    engine: Engine, damage: str
) -> None:
    statement, told = DAMAGE[damage]
    words = PostingWords(engine)
    words.put([entry("a", "green tea"), entry("b", "tea with milk")])
    assert words.problems() == []
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text(statement))
    assert told in words.problems()[0]
    with suppress(CorruptionError):
        found(words, "green tea with milk")
    with suppress(CorruptionError):
        words.put([entry("a", "green tea")])
    words.clear()
    words.put([entry("a", "green tea")])
    assert words.problems() == []


def test_a_posting_of_a_text_that_is_none_is_an_error(engine: Engine) -> None:
    words = PostingWords(engine)
    words.put([entry("a", "green tea")])
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("UPDATE word_postings SET postings = x'ffffffff0000000001000200'"))
    with pytest.raises(CorruptionError, match="a text that is none"):
        found(words, "tea")


def test_a_question_reads_no_posting_of_another_user(engine: Engine) -> None:
    words = PostingWords(engine)
    words.put([entry("a", "green tea", ALICE)])
    words.put([entry(f"{number:04}", "green tea", BOB) for number in range(2000)])
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(
            text("UPDATE word_postings SET postings = x'00' WHERE shelf = :shelf"),
            {"shelf": shelf_of("bob")},
        )
    assert found(words, "tea", scope=ALICE) == ["a"]
    assert found(words, "tea", among=["a"]) == ["a"]
    with pytest.raises(CorruptionError, match="cut short"):
        found(words, "tea", scope=BOB)
