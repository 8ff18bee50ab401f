"""Every file of a store may be damaged: an error of our tree or the right answer, and a way back.

Each damage is tried in a process of its own; see memos/testing/damage.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemOS
from memos.config import VectorsSettings
from memos.testing.damage import WAYS, known
from memos.testing.derived import attention, stored

if TYPE_CHECKING:
    from pathlib import Path

    from memos.config import Settings

TIMES = len(WAYS)
FILLED = """
import json, os, sys
from pathlib import Path
from memos import MemOS
from memos.config import Settings
from memos.testing.damage import known
from memos.testing.derived import stored
mem = MemOS.open(sys.argv[1], settings=Settings.model_validate_json(sys.argv[2]))
for number in range(8):
    mem.add("letters" + chr(97 + number) * 4, user_id="alice")
Path(sys.argv[1]).with_name("truth.json").write_text(json.dumps(known(mem)))
os.kill(os.getpid(), 9)
"""


def _filled(folder: Path, settings: Settings) -> None:
    """A store with one of everything, and beside it the truth about it."""
    with MemOS.open(folder / "store", settings=settings) as mem:
        for number in range(12):
            user = ("alice", "bob")[number % 2]
            text = "letters" + chr(97 + number) * 4
            mem.add(text, user_id=user, labels=["label"], metadata={"number": number})
        ids = [cube.id for cube in mem.get_all()]
        mem.update(ids[3], "revisedtext")
        mem.move(stored(mem, [mem.get(ids[0])]).id, to="archive")
        stored(mem, [mem.get(ids[1])], attention)
        mem.transform([ids[2]], to=Kind.ACTIVATION)
        mem.delete(ids[5])
        mem.grant("user:carol", "read", id=ids[7])
        mem.snapshot("then")
        (folder / "truth.json").write_text(json.dumps(known(mem)))


@pytest.fixture(scope="session")
def exact(tmp_path_factory: pytest.TempPathFactory, quick: Settings) -> tuple[Path, Settings]:
    folder = tmp_path_factory.mktemp("exact")
    _filled(folder, quick)
    return folder / "store", quick


@pytest.fixture(scope="session")
def chroma(tmp_path_factory: pytest.TempPathFactory, quick: Settings) -> tuple[Path, Settings]:
    folder = tmp_path_factory.mktemp("chroma")
    settings = quick.model_copy(update={"vectors": VectorsSettings(backend="chroma")})
    _filled(folder, settings)
    return folder / "store", settings


@pytest.fixture(scope="session")
def killed(tmp_path_factory: pytest.TempPathFactory, quick: Settings) -> tuple[Path, Settings]:
    store = tmp_path_factory.mktemp("killed") / "store"
    command = [sys.executable, "-c", FILLED, str(store), quick.model_dump_json()]
    assert subprocess.run(command, check=False).returncode == -9
    return store, quick


def damaged(store: Path, settings: Settings, name: str, times: int = TIMES) -> list[dict[str, Any]]:
    """What became of the store, each time that the file was damaged."""
    path = min(store.glob(name))
    words = [str(store), settings.model_dump_json(), str(path.relative_to(store)), "1", str(times)]
    command = [sys.executable, "-m", "memos.testing.damage", *words]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["wrong"] for one in told] == [[]] * times
    return told


@pytest.mark.slow
def test_a_damaged_catalog_is_refused_mended_or_said_to_need_a_backup(
    exact: tuple[Path, Settings],
) -> None:
    ended = {(one["way"], one["ended"]) for one in damaged(*exact, "catalog.db", 2 * TIMES)}
    for way in ("emptied", "removed", "noise"):
        assert {end for each, end in ended if each == way} == {"refused"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blobs/*/*", "archive/*/*"])
def test_a_damaged_blob_goes_into_quarantine(exact: tuple[Path, Settings], name: str) -> None:
    assert {one["ended"] for one in damaged(*exact, name)} == {"mended"}


@pytest.mark.slow
def test_a_damaged_block_is_dropped(exact: tuple[Path, Settings]) -> None:
    told = damaged(*exact, "kv/*/*", 2 * TIMES)
    ended = {(one["way"], one["ended"]) for one in told}
    for way in ("a page", "cut short", "emptied", "noise"):
        assert {end for each, end in ended if each == way} == {"mended"}
    # What is missing is made anew; and a header is mostly nothing, which nobody reads.
    assert {end for each, end in ended} <= {"mended", "sound"}
    assert {end for each, end in ended if each == "removed"} == {"sound"}


@pytest.mark.slow
def test_a_damaged_index_of_exact_vectors_is_made_anew(exact: tuple[Path, Settings]) -> None:
    ended = Counter(one["ended"] for one in damaged(*exact, "vectors/exact"))
    assert set(ended) <= {"sound", "mended"}
    assert ended["mended"] >= 4  # a single bit may lie where nothing is


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chroma.sqlite3", "*/data_level0.bin", "*/index_metadata.pickle"])
def test_a_damaged_index_of_chroma_is_made_anew(chroma: tuple[Path, Settings], name: str) -> None:
    told = damaged(*chroma, f"vectors/chroma/{name}")
    assert {one["ended"] for one in told if one["way"] != "a byte"} == {"mended"}


@pytest.mark.slow
def test_whatever_stands_in_the_lock_nothing_is_wrong(exact: tuple[Path, Settings]) -> None:
    assert {one["ended"] for one in damaged(*exact, "lock")} == {"sound"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["catalog.db-wal", "vectors/exact-wal", "catalog.db-shm"])
def test_a_damaged_log_loses_commits_at_most_and_a_check_tells(
    killed: tuple[Path, Settings], name: str
) -> None:
    if not list(killed[0].glob(name)):
        pytest.skip(f"SQLite left no {name}")
    assert {one["ended"] for one in damaged(*killed, name)} <= {"sound", "mended"}
