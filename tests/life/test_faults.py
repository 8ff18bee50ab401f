"""A full disk, a folder that may only be read, two processes on one folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from memos import MemOS
from memos.errors import BackendError, StoreLocked
from memos.testing import disks
from memos.testing.disks import tiny_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.config import Settings

CHILD = """
import json, os, resource, signal, sys
from memos import MemOS
from memos.config import Settings
from memos.errors import MemosError
store, settings, how = sys.argv[1], Settings.model_validate_json(sys.argv[2]), sys.argv[3]
if how.isdigit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(how), int(how)))
told = {"added": [], "errors": [], "raw": []}
def tried(name, call):
    try:
        return call()
    except MemosError as error:
        told["errors"].append([name, error.code, error.message, error.hint])
    except Exception as error:
        told["raw"].append(f"{name}: {type(error).__name__}: {error}")
mem = tried("open", lambda: MemOS.open(store, settings=settings))
if mem is not None:
    for number in range(400):
        cubes = tried("add", lambda: mem.add(f"memory {number} " + os.urandom(2000).hex()))
        told["added"] += [cube.id for cube in cubes or ()]
        if told["errors"] and number > 3 and len(told["errors"]) > 3:
            break
    first = tried("get_all", lambda: mem.get_all(limit=1))
    if first:
        tried("update", lambda: mem.update(first[0].id, os.urandom(2000).hex()))
        tried("search", lambda: mem.search("memory"))
        tried("backup", lambda: mem.backup(store + "-backup"))
        tried("check", lambda: mem.check())
    tried("close", mem.close)
print(json.dumps(told))
"""

THEIRS = """
import json, os, sys
from pathlib import Path
from memos import MemOS
from memos.config import Settings
from memos.errors import MemosError
theirs, ours = Path(sys.argv[1]), Path(sys.argv[2])
settings = Settings.model_validate_json(sys.argv[3])
told = {}
def tried(name, call):
    try:
        told[name] = []
        return call()
    except MemosError as error:
        told[name] = [error.code, error.message]
mem = tried("opened", lambda: MemOS.open(ours / "store", settings=settings))
mem.add("tea")
calls = {
    "open": lambda: MemOS.open(theirs / "store", settings=settings),
    "open new": lambda: MemOS.open(theirs / "new", settings=settings),
    "open old": lambda: MemOS.open(theirs / "new", settings=settings, create=False),
    "export": lambda: mem.export_to(theirs / "export.zip"),
    "import": lambda: mem.import_from(theirs / "bundle.zip"),
    "install": lambda: mem.install(theirs / "bundle.zip", "theirs"),
    "inspect": lambda: MemOS.inspect(theirs / "bundle.zip"),
    "backup": lambda: mem.backup(theirs / "new"),
    "backup deeper": lambda: mem.backup(theirs / "new" / "deeper"),
    "backup of": lambda: MemOS.backup_folder(theirs / "store", ours / "copy", settings=settings),
    "restore": lambda: MemOS.restore_backup(theirs / "backup", ours / "new", settings=settings),
    "restore to": lambda: MemOS.restore_backup(ours / "x", theirs / "new", settings=settings),
}
for name, call in calls.items():
    tried(name, call)
tried("closed", mem.close)
print(json.dumps(told))
"""


def without_power(script: str, theirs: Path, *words: str | Path) -> dict[str, list[str]]:
    """What a process is told to which ``theirs`` is as closed as it is to anybody but root."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can be somebody else, by setpriv")
    theirs.chmod(0o700)
    for path in (theirs, *theirs.rglob("*")):
        os.chown(path, 65534, 65534)
    weak = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [*weak, sys.executable, "-c", script, str(theirs), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def run(store: Path, settings: Settings, how: str = "") -> dict[str, Any]:
    """What a process was told that did what it could."""
    command = [sys.executable, "-c", CHILD, str(store), settings.model_dump_json(), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "disk") as place:
        yield place


@pytest.fixture
def read_only(tmp_path: Path, quick: Settings) -> Iterator[Path]:
    with MemOS.open(tmp_path / "store", settings=quick) as mem:
        mem.add("tea")
    with disks.read_only(tmp_path, tmp_path / "seen") as place:
        yield place / "store"


def assert_kept(store: Path, settings: Settings, added: list[str]) -> None:
    """What was acknowledged is there, and all is well."""
    with MemOS.open(store, settings=settings) as mem:
        assert {cube.id for cube in mem.get_all()} >= set(added)
        assert mem.check().problems == ()
        mem.add("room again")
        assert mem.verify_audit().ok


def test_on_a_full_disk_calls_fail_by_name_and_what_was_acknowledged_stays(
    small_disk: Path, tmp_path: Path, quick: Settings
) -> None:
    store = small_disk / "store"
    told = run(store, quick)
    assert told["raw"] == []
    assert told["added"]
    assert {code for _, code, _, _ in told["errors"]} == {"BackendError"}
    assert any("no room" in message for _, _, message, _ in told["errors"])
    assert all(hint for *_, hint in told["errors"])
    shutil.copytree(store, tmp_path / "store")  # room again
    assert_kept(tmp_path / "store", quick, told["added"])


@pytest.mark.parametrize("limit", [200_000, 600_000])
def test_where_files_may_not_grow_calls_fail_by_name_and_what_was_acknowledged_stays(
    tmp_path: Path, quick: Settings, limit: int
) -> None:
    store = tmp_path / "store"
    told = run(store, quick, str(limit))
    assert told["raw"] == []
    assert {code for _, code, _, _ in told["errors"]} == {"BackendError"}
    assert_kept(store, quick, told["added"])


def test_a_folder_that_may_only_be_read_is_refused_and_says_why(
    read_only: Path, quick: Settings
) -> None:
    told = run(read_only, quick)
    assert told["raw"] == []
    ((name, code, message, hint),) = told["errors"]
    assert (name, code) == ("open", "BackendError")
    assert "cannot be used" in message
    assert "write" in hint


def test_a_backup_is_taken_of_a_folder_that_may_only_be_read_or_refused_by_name(
    read_only: Path, tmp_path: Path, quick: Settings
) -> None:
    with pytest.raises(BackendError):
        MemOS.backup_folder(read_only, tmp_path / "backup", settings=quick)
    assert not (tmp_path / "backup").exists()


def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, quick: Settings) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    with MemOS.open(theirs / "store", settings=quick) as mem:
        mem.add("tea")
        mem.export_to(theirs / "bundle.zip")
        mem.backup(theirs / "backup")
    told = without_power(THEIRS, theirs, ours, quick.model_dump_json())
    assert {name for name, error in told.items() if not error} == {"opened", "closed"}
    assert {error[0] for error in told.values() if error} <= {"BackendError", "BadInput"}
    assert all("Permission denied" in error[1] for error in told.values() if error)


def test_two_processes_cannot_have_one_folder(tmp_path: Path, quick: Settings) -> None:
    with MemOS.open(tmp_path / "store", settings=quick) as mem:
        told = run(tmp_path / "store", quick)
        assert [code for _, code, _, _ in told["errors"]] == ["StoreLocked"]
        mem.add("tea")
        with pytest.raises(StoreLocked):
            MemOS.open(tmp_path / "store", settings=quick)
    assert run(tmp_path / "store", quick)["errors"] == []
