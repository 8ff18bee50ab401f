"""A backup is the store of one moment; what is restored is proved."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from memos import Kind, MemOS
from memos.errors import (
    BackendError,
    BadInput,
    Conflict,
    CorruptionError,
    Forbidden,
    NotFound,
    NotSupported,
    StoreLocked,
)
from memos.testing.derived import stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.config import Settings


@pytest.fixture
def mem(tmp_path: Path, quick: Settings) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", settings=quick) as opened:
        texts = opened.add([{"content": f"Alice has memory number {n}"} for n in range(3)])
        opened.transform([texts[0].id], to=Kind.ACTIVATION)
        opened.move(stored(opened, [texts[0]]).id, to="archive")
        opened.update(texts[1].id, "Alice has another memory")
        yield opened


def lines(mem: MemOS) -> list[str]:
    return [one.model_dump_json() for cube in mem.get_all() for one in mem.history(cube.id)]


def test_a_backup_is_restored_whole_and_proved(mem: MemOS, tmp_path: Path, quick: Settings) -> None:
    manifest = mem.backup(tmp_path / "backup")
    assert (manifest.cubes, manifest.versions, manifest.blobs) == (5, 6, 1)
    for derived in ("vectors", "kv"):
        assert not (tmp_path / "backup" / derived).exists()
    restored = MemOS.restore_backup(tmp_path / "backup", tmp_path / "again", settings=quick)
    assert (restored.cubes, restored.check.problems) == (5, ())
    with MemOS.open(tmp_path / "again", settings=quick) as again:
        assert lines(again) == lines(mem)
        assert again.verify_audit().ok
        assert len(again.search("memory", k=10)) == 3
        (lora,) = again.get_all(kind=Kind.PARAMETRIC)
        assert again.where(lora.id).place == "disk"
        assert again._parts.blobs.get(lora.blobs[0]) == mem._parts.blobs.get(lora.blobs[0])
        (kv,) = again.get_all(kind=Kind.ACTIVATION)
        assert again.where(kv.id).place == "nowhere"
        told = mem.chat("Alice?", memories=[kv.id], max_tokens=8)
        assert again.chat("Alice?", memories=[kv.id], max_tokens=8).text == told.text
        assert again.where(kv.id).blocks == mem.where(kv.id).blocks > 0
        assert again.check(deep=True).problems == ()


def test_files_are_for_their_owner_only(mem: MemOS, tmp_path: Path, quick: Settings) -> None:
    mem.backup(tmp_path / "backup")
    MemOS.restore_backup(tmp_path / "backup", tmp_path / "again", settings=quick)
    for root in (tmp_path / "backup", tmp_path / "again"):
        for path in (root, *root.rglob("*")):
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_backup_is_taken_beside_a_process_that_goes_on_writing(
    tmp_path: Path, quick: Settings
) -> None:
    code = (
        "import sys; from memos import MemOS; from memos.config import Settings\n"
        "mem = MemOS.open(sys.argv[1], settings=Settings.model_validate_json(sys.argv[2]))\n"
        "for n in range(100_000):\n"
        "    (cube,) = mem.add(f'Alice has memory number {n}')\n"
        "    if n % 3 == 2: mem.delete(cube.id)\n"
        "    print(n, flush=True)\n"
    )
    store = tmp_path / "store"
    command = [sys.executable, "-c", code, str(store), quick.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(StoreLocked):
            MemOS.open(store, settings=quick)
        for number in range(3):
            before = int(process.stdout.readline())
            backup, again = tmp_path / f"backup{number}", tmp_path / f"again{number}"
            MemOS.backup_folder(store, backup, settings=quick)
            restored = MemOS.restore_backup(backup, again, settings=quick)
            assert restored.check.problems == ()
            assert restored.cubes >= before * 2 // 3
        process.kill()


def test_threads_write_while_a_backup_is_taken(mem: MemOS, tmp_path: Path, quick: Settings) -> None:
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            (cube,) = mem.add("Alice has yet another memory")
            mem.delete(cube.id)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        mem.backup(tmp_path / "backup")
    finally:
        done.set()
        writer.join()
    restored = MemOS.restore_backup(tmp_path / "backup", tmp_path / "again", settings=quick)
    assert restored.check.problems == ()


def test_what_was_forgotten_since_is_forgotten_again(
    mem: MemOS, tmp_path: Path, quick: Settings
) -> None:
    mem.backup(tmp_path / "backup")
    gone = mem.delete(mem.get_all()[0].id).ids
    restored = MemOS.restore_backup(
        tmp_path / "backup", tmp_path / "again", settings=quick, forget_since=tmp_path / "store"
    )
    assert restored.forgotten
    with MemOS.open(tmp_path / "again", settings=quick) as again:
        assert not {cube.id for cube in again.get_all()} & set(gone)


@pytest.mark.parametrize("how", ["flipped", "cut", "missing"])
def test_a_damaged_backup_is_refused_and_leaves_nothing_behind(
    mem: MemOS, tmp_path: Path, quick: Settings, how: str
) -> None:
    mem.backup(tmp_path / "backup")
    files = sorted(path for path in (tmp_path / "backup").rglob("*") if path.is_file())
    assert len(files) == 3
    for path in files:
        whole = path.read_bytes()
        if how == "missing":
            path.unlink()
        elif how == "cut":
            path.write_bytes(whole[:-1])
        else:
            path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        with pytest.raises((CorruptionError, BadInput)):
            MemOS.restore_backup(tmp_path / "backup", tmp_path / "again", settings=quick)
        path.write_bytes(whole)
    assert {path.name for path in tmp_path.iterdir()} == {"store", "backup"}


@pytest.mark.parametrize("name", ["../../evil", "/evil", "blobs/../../evil", "evil"])
def test_a_manifest_that_leads_out_of_the_backup_is_refused(
    mem: MemOS, tmp_path: Path, quick: Settings, name: str
) -> None:
    mem.backup(tmp_path / "backup")
    path = tmp_path / "backup" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name] = manifest["files"]["catalog.db"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(CorruptionError, match="evil"):
        MemOS.restore_backup(tmp_path / "backup", tmp_path / "again", settings=quick)


def test_what_is_there_is_never_written_over(mem: MemOS, tmp_path: Path, quick: Settings) -> None:
    mem.backup(tmp_path / "backup")
    with pytest.raises(Conflict):
        mem.backup(tmp_path / "backup")
    with pytest.raises(Conflict):
        MemOS.restore_backup(tmp_path / "backup", tmp_path / "store", settings=quick)
    (tmp_path / "empty").mkdir()
    assert MemOS.restore_backup(tmp_path / "backup", tmp_path / "empty", settings=quick).check.ok


def test_no_backup_is_made_of_damage_of_nothing_or_by_just_anybody(
    mem: MemOS, tmp_path: Path, quick: Settings
) -> None:
    with pytest.raises(Forbidden):
        mem.acting("user:bob").backup(tmp_path / "backup")
    with pytest.raises(NotFound):
        MemOS.backup_folder(tmp_path / "nowhere", tmp_path / "backup", settings=quick)
    with pytest.raises(BadInput, match="no backup"):
        MemOS.restore_backup(tmp_path / "nowhere", tmp_path / "again", settings=quick)
    with pytest.raises(BackendError, match="nowhere"):
        mem.backup("/proc/nowhere/backup")
    (blob,) = (path for path in (tmp_path / "store" / "archive").rglob("*") if path.is_file())
    blob.write_bytes(b"other")
    with pytest.raises(CorruptionError):
        mem.backup(tmp_path / "backup")
    assert {path.name for path in tmp_path.iterdir()} == {"store"}
    with MemOS.open(None, settings=quick) as volatile, pytest.raises(NotSupported):
        volatile.backup(tmp_path / "backup")


def test_a_backup_names_itself_in_the_journal(mem: MemOS, tmp_path: Path, quick: Settings) -> None:
    mem.backup(tmp_path / "one")
    MemOS.backup_folder(tmp_path / "store", tmp_path / "two", settings=quick, reason="nightly")
    rows = [row for row in mem.audit(limit=10) if row.call == "backup"]
    assert [row.reason for row in rows] == ["", "nightly"]
    assert mem.verify_audit().ok
