"""A purge leaves nothing of what was deleted in the database file, nor beside it."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos.errors import BackendError
from memos.stores import engine_sqlite
from memos.stores.engine_sqlite import open_engine, purge
from memos.stores.traces_files import FileTraces
from memos.testing.traces import assert_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "some.db")
    write(engine, "CREATE TABLE said (id INTEGER PRIMARY KEY, words TEXT)")
    write(engine, "CREATE INDEX by_words ON said (words)")
    yield engine
    engine.dispose()


def write(engine: Engine, statement: str, rows: list[dict[str, object]] | None = None) -> None:
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text(statement), rows or {})


def test_rows_of_all_sizes_that_came_changed_and_went_leave_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    chance = random.Random(4)  # noqa: S311 - nothing secret
    gone, lives = [], {}
    for number in range(1000):
        length = int(chance.lognormvariate(4, 1.2)) + 30
        lives[number] = f"{number:05} {chance.randbytes(length).hex()}"
    put = "INSERT OR REPLACE INTO said VALUES (:id, :words)"
    write(engine, put, [{"id": number, "words": words} for number, words in lives.items()])
    for _ in range(10):
        changed = chance.sample(sorted(lives), 100)
        gone += [lives[number] for number in changed]
        lives |= {number: chance.randbytes(chance.randrange(20, 900)).hex() for number in changed}
        write(engine, put, [{"id": number, "words": lives[number]} for number in changed])
        dropped = chance.sample(sorted(lives), 100)
        gone += [lives.pop(number) for number in dropped]
        write(engine, "DELETE FROM said WHERE id = :id", [{"id": number} for number in dropped])
    assert FileTraces(tmp_path).find(gone).traces
    purge(engine)
    assert_gone(tmp_path, gone)
    with engine.connect() as connection:
        there = connection.execute(text("SELECT id, words FROM said")).all()
    assert {row.id: row.words for row in there} == lives
    engine.dispose()
    assert_gone(tmp_path, gone)


def test_nothing_is_rewritten_where_nothing_was_written(engine: Engine, tmp_path: Path) -> None:
    def written() -> int:
        return (tmp_path / "some.db").stat().st_mtime_ns

    purge(engine)
    before = written()
    with engine.connect() as connection:
        connection.execute(text("SELECT * FROM said")).all()
    purge(engine)
    assert written() == before
    write(engine, "INSERT INTO said VALUES (1, 'something new to be erased')")
    write(engine, "DELETE FROM said")
    purge(engine)
    assert written() > before
    assert_gone(tmp_path, ["something new to be erased"])


def test_a_purge_that_a_reader_holds_up_says_so_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = [each.replace("5000", "50") for each in engine_sqlite.PRAGMAS]
    monkeypatch.setattr(engine_sqlite, "PRAGMAS", hasty)
    engine = open_engine(tmp_path / "some.db")
    write(engine, "CREATE TABLE said (words TEXT)")
    write(engine, "INSERT INTO said VALUES ('something that is being read')")
    with engine.connect() as reader:
        assert reader.execute(text("SELECT * FROM said")).all()
        write(engine, "DELETE FROM said")
        for _ in range(2):
            with pytest.raises(BackendError, match="being read"):
                purge(engine)
    purge(engine)
    assert_gone(tmp_path, ["something that is being read"])
    engine.dispose()


def test_a_purge_that_a_writer_holds_up_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = [each.replace("5000", "50") for each in engine_sqlite.PRAGMAS]
    monkeypatch.setattr(engine_sqlite, "PRAGMAS", hasty)
    engine = open_engine(tmp_path / "some.db")
    with engine.execution_options(write=True).begin():
        with pytest.raises(BackendError, match="locked") as caught:
            purge(engine)
        assert "free space" in caught.value.hint
    purge(engine)
    engine.dispose()


def test_writers_in_other_threads_are_only_held_up(engine: Engine, tmp_path: Path) -> None:
    def work(worker: int) -> None:
        for number in range(20):
            one = {"id": worker * 100 + number, "words": f"number {number} of worker {worker}"}
            write(engine, "INSERT INTO said VALUES (:id, :words)", [one])
            write(engine, "DELETE FROM said WHERE id = :id", [one])

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(5):
        purge(engine)
    for worker in workers:
        worker.join()
    purge(engine)
    assert_gone(tmp_path, [f"number {n} of worker {worker}" for n in range(20) for worker in "012"])


def test_in_memory_there_is_nothing_to_purge() -> None:
    engine = open_engine(None)
    write(engine, "CREATE TABLE said (words TEXT)")
    purge(engine)
    engine.dispose()
