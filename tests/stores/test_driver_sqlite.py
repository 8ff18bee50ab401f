"""What is asked on the driver itself ends as any other statement: in an answer or our error."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memos.errors import BackendError, CorruptionError, StoreLocked
from memos.stores import engine_sqlite
from memos.stores.driver_sqlite import appending, asking, driving
from memos.stores.engine_sqlite import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

KEYS = {"plain": None, "encrypted": secrets.token_bytes(32)}
KEEP = "INSERT INTO said VALUES (?)"
SAID = "SELECT words FROM said ORDER BY rowid"


@pytest.fixture(params=[*KEYS, "in memory"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of one table, of each sort there is."""
    path = None if request.param == "in memory" else tmp_path / "some.db"
    engine = open_engine(path, key=KEYS.get(request.param))
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("CREATE TABLE said (words TEXT NOT NULL)"))
    yield engine
    engine.dispose()


def said(engine: Engine) -> list[str]:
    with asking(engine) as cursor:
        cursor.execute(SAID)
        return [words for (words,) in cursor.fetchall()]


def said_within(engine: Engine) -> list[str]:
    with engine.connect() as connection, driving(connection) as cursor:
        cursor.execute(SAID)
        return [words for (words,) in cursor.fetchall()]


def durability(engine: Engine) -> int:
    """How the one connection there is waits for the disk: 1 for hardly, 2 for always."""
    with asking(engine) as cursor:
        cursor.execute("PRAGMA synchronous")
        (level,) = cursor.fetchone() or (None,)
    return int(level or 0)


def test_what_is_appended_is_there_and_goes_on_from_what_is(engine: Engine) -> None:
    for words in ("one", "two"):
        with appending(engine) as cursor:
            cursor.execute(KEEP, (words,))
    assert said_within(engine) == said(engine) == ["one", "two"]


@pytest.mark.parametrize("wrong", [None, "a value", ("two", "values")])
def test_an_append_that_fails_writes_nothing_and_leaves_the_connection_whole(
    engine: Engine, wrong: object
) -> None:
    def fail() -> None:
        with appending(engine) as cursor:
            cursor.execute(KEEP, ("half of it",))
            if wrong == "a value":
                raise LookupError(wrong)
            cursor.execute(KEEP, wrong if isinstance(wrong, tuple) else (wrong,))

    for _ in range(9):  # more often than the pool has connections
        with pytest.raises(LookupError if wrong == "a value" else BackendError):
            fail()
    assert said(engine) == []
    with appending(engine) as cursor:
        cursor.execute(KEEP, ("whole",))
    assert said(engine) == ["whole"]


def test_within_a_transaction_it_is_a_part_of_it(engine: Engine) -> None:
    def write(last: str | None) -> None:
        with engine.execution_options(write=True).begin() as connection:
            connection.execute(text("INSERT INTO said VALUES ('one')"))
            with driving(connection) as cursor:
                cursor.execute(KEEP, ("two",))
                cursor.execute(KEEP, (last,))

    with pytest.raises(BackendError):
        write(None)
    assert said(engine) == []
    write("three")
    assert said(engine) == ["one", "two", "three"]


def test_a_change_after_an_append_waits_for_the_disk_again(engine: Engine) -> None:
    with appending(engine) as cursor:
        cursor.execute(KEEP, ("in a moment",))
    assert durability(engine) == 1
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("INSERT INTO said VALUES ('at once')"))
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    assert durability(engine) == 2


@pytest.mark.parametrize("sort", KEYS)
def test_a_writer_that_holds_it_up_is_named(
    sort: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = [each.replace("5000", "50") for each in engine_sqlite.PRAGMAS]
    monkeypatch.setattr(engine_sqlite, "PRAGMAS", hasty)
    engine = open_engine(tmp_path / "some.db", key=KEYS[sort])
    with engine.execution_options(write=True).begin():
        with pytest.raises(StoreLocked, match=r"some\.db"), appending(engine):
            pass
        with (
            pytest.raises(StoreLocked, match=r"some\.db"),
            engine.execution_options(write=True).begin(),
        ):
            pass
    with appending(engine):
        pass
    engine.dispose()


@pytest.mark.parametrize("sort", KEYS)
def test_damage_is_told_with_what_to_do_and_the_next_connection_serves_again(
    sort: str, tmp_path: Path
) -> None:
    path = tmp_path / "some.db"
    engine = open_engine(path, key=KEYS[sort], hint="do this")
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("CREATE TABLE said (words TEXT NOT NULL)"))
    with appending(engine) as cursor:
        cursor.executemany(KEEP, [(f"{number} " + "x" * 500,) for number in range(100)])
    engine.dispose()
    whole = path.read_bytes()
    last = len(whole) - 4096
    path.write_bytes(whole[:last] + bytes(4096))
    for read in (said, said_within):
        with pytest.raises(CorruptionError, match=r"some\.db is damaged") as caught:
            read(engine)
        assert caught.value.hint == "do this"
    path.write_bytes(whole)
    if sort == "plain":
        engine.dispose()  # such a connection serves on, and has read the page
    assert len(said(engine)) == 100
    engine.dispose()


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    path.write_bytes(b"a letter to a friend " * 500)
    engine = open_engine(path)
    with pytest.raises(CorruptionError, match="not a database"):
        said(engine)
    with pytest.raises(CorruptionError, match="not a database"), appending(engine):
        pass
    engine.dispose()
