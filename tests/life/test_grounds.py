"""Nothing is written into a store, its archive or a backup but by whom they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos import MemOS
from memos.config import ArchiveSettings, Settings
from memos.errors import BadInput, Conflict, NotFound
from memos.ports.grounds import require_outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CALLS: dict[str, Callable[[MemOS, Path], object]] = {
    "export": lambda mem, place: mem.export_to(place),
    "export of somebody": lambda mem, place: mem.acting("agent:planner").export_to(place),
    "journal": lambda mem, place: mem.export_audit(place),
    "backup": lambda mem, place: mem.backup(place),
}


@pytest.fixture
def settings(tmp_path: Path, quick: Settings) -> Settings:
    """Quick models, and an archive that lies elsewhere."""
    archive = ArchiveSettings(folder=str(tmp_path / "elsewhere"))
    return quick.model_copy(update={"archive": archive})


@pytest.fixture
def mem(tmp_path: Path, settings: Settings) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", settings=settings) as opened:
        opened.add("Alice moved to Lisbon.", user_id="alice")
        yield opened


def kept(folder: Path) -> dict[str, bytes]:
    """Every file but those that every call writes to."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("catalog.db-")
    }


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_written_into_a_store_its_archive_or_a_backup(
    mem: MemOS, tmp_path: Path, call: str
) -> None:
    mem.backup(tmp_path / "backup")
    (tmp_path / "link").symlink_to(tmp_path / "store" / "catalog.db")
    (tmp_path / "door").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "out").symlink_to(tmp_path / "outside")
    before = kept(tmp_path)
    for place in (
        "store/catalog.db", "store/lock", "store/new", "store/blobs/x.zip", "store", "store/out",
        "elsewhere/x", "backup/x", "backup/blobs/deeper/x", "link", "door/x", "door/../store/x",
        "nowhere/../store/x",
    ):  # fmt: skip
        with pytest.raises(BadInput, match="lies in"):
            CALLS[call](mem, tmp_path / place)
    assert kept(tmp_path) == before
    assert mem.check().ok


def test_a_backup_beside_the_process_and_a_restore_keep_out_as_well(
    mem: MemOS, tmp_path: Path, settings: Settings
) -> None:
    backup = tmp_path / "backup"
    mem.backup(backup)
    for place in ("store/bk", "elsewhere/bk", "backup/bk"):
        with pytest.raises(BadInput, match="lies in"):
            MemOS.backup_folder(tmp_path / "store", tmp_path / place, settings=settings)
    for place in ("backup", "backup/again", "store/again", "elsewhere/again"):
        with pytest.raises(BadInput, match="lies in"):
            MemOS.restore_backup(backup, tmp_path / place, settings=settings)
    with pytest.raises(Conflict):
        MemOS.restore_backup(backup, tmp_path / "store", settings=settings)
    assert MemOS.restore_backup(backup, tmp_path / "again", settings=settings).check.ok


def test_a_folder_with_a_file_of_that_name_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").touch()
    require_outside(tmp_path / "x")
    (tmp_path / "lock").touch()
    with pytest.raises(BadInput):
        require_outside(tmp_path / "x")


def test_a_link_that_leads_to_itself_is_no_place(mem: MemOS, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(BadInput, match="itself"):
        mem.export_to(tmp_path / "loop")


def test_a_backup_is_not_opened_as_a_store(mem: MemOS, tmp_path: Path, settings: Settings) -> None:
    backup = tmp_path / "backup"
    mem.backup(backup)
    before = kept(backup)
    for _ in range(2):
        with pytest.raises(BadInput, match="backup") as refused:
            MemOS.open(backup, settings=settings)
        assert "memos restore" in refused.value.hint
    with pytest.raises(BadInput, match="backup"):
        MemOS.backup_folder(backup, tmp_path / "copy", settings=settings)
    assert kept(backup) == before
    assert not {path.name for path in backup.iterdir()} - {*before, "blobs"}
    assert MemOS.restore_backup(backup, tmp_path / "again", settings=settings).check.ok


def test_an_export_that_finds_nothing_writes_nothing(mem: MemOS, tmp_path: Path) -> None:
    place = tmp_path / "all.zip"
    place.write_text("precious")
    for whose in (mem, mem.acting("agent:planner"), mem.acting("user:bob")):
        with pytest.raises(NotFound) as refused:
            whose.export_to(place, user_id="bob")
        assert refused.value.hint
    with pytest.raises(NotFound):
        mem.acting("agent:planner").export_to(place)
    assert place.read_text() == "precious"


def test_an_exported_journal_replaces_a_link_and_not_what_it_leads_to(
    mem: MemOS, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "journal").symlink_to(tmp_path / "precious")
    rows = mem.export_audit(tmp_path / "journal").rows
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "journal").is_symlink()
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "journal").read_text().splitlines()) == rows
    assert not list(tmp_path.glob(".*.partial"))


def test_a_folder_is_no_place_for_a_file(mem: MemOS, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for call in (mem.export_to, mem.export_audit):
        with pytest.raises(BadInput, match="is a folder"):
            call(tmp_path / "folder")
