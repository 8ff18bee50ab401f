"""Opening: what is there is found, what is another's is refused, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import text

from memos import MemOS
from memos.config import VectorsSettings
from memos.errors import (
    BadInput,
    ModelMismatch,
    NotFound,
    NotSupported,
    OtherVersion,
    StoreLocked,
)
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import settings as migrations

if TYPE_CHECKING:
    from pathlib import Path

    from memos.config import Settings

BEFORE_WORDS = "0003"


def test_what_was_added_is_there_after_reopening(tmp_path: Path, settings: Settings) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        cubes = mem.add("Alice moved to Lisbon.", user_id="alice")
    with MemOS.open(tmp_path / "store", settings=settings, create=False) as mem:
        assert mem.get_all() == cubes
        assert [hit.cube for hit in mem.search("Lisbon")] == cubes


def test_a_store_with_the_old_index_of_words_is_given_the_new_one(
    tmp_path: Path, settings: Settings
) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        cubes = mem.add("Alice moved to Lisbon.", user_id="alice")
        mem.archive(mem.add("Lisbon has yellow trams.", user_id="alice")[0].id)
    engine = open_engine(tmp_path / "store" / "catalog.db")
    with engine.execution_options(write=True).begin() as connection:
        config = migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, BEFORE_WORDS)
        connection.execute(text("CREATE VIRTUAL TABLE words USING fts5(text)"))
        connection.execute(text("INSERT INTO words (rowid, text) VALUES (1, 'Alice moved')"))
        connection.execute(text("CREATE TABLE words_entries (number INTEGER, id TEXT)"))
    engine.dispose()
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        (hit,) = mem.search("Lisbon", user_id="alice")
        assert hit.cube == cubes[0]
        assert "words" in hit.parts
        assert mem.check().problems == ()
        assert mem.stats().pending == 0


def test_a_store_in_memory_works_alike_and_leaves_nothing(settings: Settings) -> None:
    with MemOS.open(None, settings=settings) as mem:
        mem.add("Alice moved to Lisbon.", user_id="alice")
        assert len(mem.search("Lisbon", user_id="alice")) == 1
        assert mem.check().ok
    with MemOS.open(settings=settings) as mem:
        assert mem.get_all() == []


def test_a_url_names_the_folder(tmp_path: Path, settings: Settings) -> None:
    with MemOS.open(url=f"sqlite:///{tmp_path}/store", settings=settings) as mem:
        mem.add("one")
    with MemOS.open(tmp_path / "store", settings=settings, create=False) as mem:
        assert len(mem.get_all()) == 1
    with pytest.raises(NotSupported, match="postgresql"):
        MemOS.open(url="postgresql://localhost/memory", settings=settings)
    with pytest.raises(BadInput, match="give one"):
        MemOS.open(tmp_path, url="sqlite:///x", settings=settings)
    with pytest.raises(BadInput, match="no URL"):
        MemOS.open(url="memory", settings=settings)


def test_a_closed_store_holds_no_file_open(tmp_path: Path, settings: Settings) -> None:
    with MemOS.open(tmp_path / "memory", settings=settings) as mem:
        mem.add("tea")
        mem.search("tea")
    # SQLite takes its log away with the last connection: one that is left would keep it.
    assert not list((tmp_path / "memory").glob("catalog.db-*"))


def test_a_folder_in_use_is_refused_and_then_free(tmp_path: Path, settings: Settings) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        with pytest.raises(StoreLocked, match="in use"):
            MemOS.open(tmp_path / "store", settings=settings)
        mem.add("still works")
    MemOS.open(tmp_path / "store", settings=settings).close()


def test_the_lock_goes_with_its_process(tmp_path: Path, settings: Settings) -> None:
    code = (
        "import os, sys; from memos import MemOS; from memos.config import Settings\n"
        "settings = Settings.model_validate_json(sys.argv[2])\n"
        "mem = MemOS.open(sys.argv[1], settings=settings); mem.add('acknowledged')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    arguments = [str(tmp_path / "store"), settings.model_dump_json()]
    killed = subprocess.run([sys.executable, "-c", code, *arguments], check=False)
    assert killed.returncode == -9
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        assert [cube.text for cube in mem.get_all()] == ["acknowledged"]


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BadInput, match=r"thesis\.tex"):
        MemOS.open(tmp_path, settings=settings)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(BadInput, match="is a file"):
        MemOS.open(tmp_path / "thesis.tex", settings=settings)


def test_no_store_is_made_where_none_was_asked_for(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(NotFound, match="no store"):
        MemOS.open(tmp_path / "store", settings=settings, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_another_version_is_refused(tmp_path: Path, settings: Settings) -> None:
    MemOS.open(tmp_path / "store", settings=settings).close()
    engine = open_engine(tmp_path / "store" / "catalog.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for _ in range(2):  # the first refusal has let go of the lock
        with pytest.raises(OtherVersion, match="9999"):
            MemOS.open(tmp_path / "store", settings=settings)


def test_another_embedding_model_is_refused_until_it_is_indexed_anew(
    tmp_path: Path, settings: Settings
) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        (cube,) = mem.add("Alice moved to Lisbon.")
        mem._parts.catalog.note("embedder", '{"name": "other", "dimension": 3}')
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        for act in (lambda: mem.search("Lisbon"), lambda: mem.add("more")):
            with pytest.raises(ModelMismatch, match="other"):
                act()
        assert mem.get_all() == [cube]
        assert [problem.code for problem in mem.check().problems] == ["other-embedder"]
        assert mem.check(repair=True).ok
        assert [hit.cube for hit in mem.search("Lisbon")] == [cube]
        assert mem.check().problems == ()


@pytest.mark.parametrize("vectors", ["exact", "chroma"])
def test_a_store_is_for_its_owner_only(tmp_path: Path, settings: Settings, vectors: str) -> None:
    settings = settings.model_copy(update={"vectors": VectorsSettings(backend=vectors)})
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o755)
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        mem.add("private")
        mem._parts.blobs.put(b"private, too")
        for path in (tmp_path / "store").rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path
        assert "loose-permissions" not in {problem.code for problem in mem.check().problems}
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
