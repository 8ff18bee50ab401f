"""Cubes leave and arrive whole, or not at all."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from memos import MemOS
from memos.cube.identity import digest_of
from memos.errors import BadInput, Forbidden, MemosError, VersionConflict
from memos.ports.graph import Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def mem() -> Iterator[MemOS]:
    with MemOS.open(None, embedder="hash") as opened:
        turns = [{"content": "I moved to Lisbon."}, {"content": "How nice!"}]
        cubes = opened.add(turns, user_id="alice", session_id="s", labels=["home"])
        opened.update(cubes[0].id, "I moved to Porto.")
        opened.add("Bob's own", user_id="bob")
        yield opened


@pytest.fixture
def bundle(mem: MemOS, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    assert mem.export_to(path, user_id="alice") == 2
    return path


def test_all_versions_and_the_order_of_turns_come_back(mem: MemOS, bundle: Path) -> None:
    with MemOS.open(None, embedder="hash") as other:
        imported = other.import_from(bundle)
        assert len(imported.cubes) == 2
        for cube in mem.get_all(user_id="alice"):
            assert other.history(cube.id) == mem.history(cube.id)
        first, second = other.get_all()
        (edge,) = other._parts.catalog.edges_of([first.id], [Relation.NEXT])
        assert (edge.source, edge.target) == (first.id, second.id)
        assert other.search("Porto")[0].cube == first
        assert other.check().problems == ()


def test_what_is_there_already_is_skipped(mem: MemOS, bundle: Path) -> None:
    before = mem.stats().held
    imported = mem.import_from(bundle)
    assert imported.cubes == ()
    assert len(imported.skipped) == 2
    assert mem.stats().held == before


def test_other_content_under_the_same_id_is_a_conflict(mem: MemOS, bundle: Path) -> None:
    cube = mem.get_all(user_id="alice")[1]
    mem.update(cube.id, "How sad!")
    before = mem.stats().held
    with pytest.raises(VersionConflict, match=cube.id):
        mem.import_from(bundle)
    assert mem.stats().held == before


def test_a_bound_handle_imports_only_its_own(tmp_path: Path, bundle: Path) -> None:
    with MemOS.open(tmp_path / "store", embedder="hash", user_id="bob") as other:
        with pytest.raises(Forbidden, match="alice"):
            other.import_from(bundle)
        assert other.get_all() == []


def rewrite(bundle: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> None:
    with zipfile.ZipFile(bundle) as read:
        members = {name: read.read(name) for name in read.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    with zipfile.ZipFile(bundle, "w") as written:
        written.writestr("manifest.json", json.dumps(manifest))
        for name, content in members.items():
            written.writestr(name, content)


def _lie(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    members["cubes.jsonl"] = members["cubes.jsonl"].replace(b"Lisbon", b"Madrid")


def _lie_well(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    _lie(members, manifest)
    manifest["members"]["cubes.jsonl"] = digest_of(members["cubes.jsonl"])


def _drop_first_version(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    members["cubes.jsonl"] = b"".join(members["cubes.jsonl"].splitlines(keepends=True)[1:])
    manifest["members"]["cubes.jsonl"] = digest_of(members["cubes.jsonl"])


def _leave(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
    del members["edges.jsonl"]


def _future(_members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    manifest["format"] = 2


def _traverse(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    members["../../evil"] = b"x"
    manifest["members"]["../../evil"] = digest_of(b"x")


def _odd_edges(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    members["edges.jsonl"] = b"[1, 2]\n"
    manifest["members"]["edges.jsonl"] = digest_of(members["edges.jsonl"])


def _broken_edges(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    members["edges.jsonl"] = b"\xff not JSON\n"
    manifest["members"]["edges.jsonl"] = digest_of(members["edges.jsonl"])


CHANGES = [_lie, _lie_well, _drop_first_version, _leave, _future, _traverse, _odd_edges]


@pytest.mark.parametrize("change", [*CHANGES, _broken_edges])
def test_a_bundle_that_is_not_what_it_says_is_refused_whole(
    bundle: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]
) -> None:
    rewrite(bundle, change)
    with MemOS.open(None, embedder="hash") as other:
        before = other.stats().held
        with pytest.raises(MemosError):
            other.import_from(bundle)
        assert other.stats().held == before


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with MemOS.open(None, embedder="hash") as other, pytest.raises(BadInput, match="no bundle"):
        other.import_from(path)


def test_a_truncated_bundle_is_refused_at_any_length(bundle: Path, mem: MemOS) -> None:
    content = bundle.read_bytes()
    with MemOS.open(None, embedder="hash") as other:
        for length in range(0, len(content), 97):
            bundle.write_bytes(content[:length])
            with pytest.raises(MemosError):
                other.import_from(bundle)
        assert other.get_all() == []


def test_a_flipped_bit_anywhere_in_a_bundle_is_our_error_or_harmless(
    bundle: Path, mem: MemOS
) -> None:
    content = bundle.read_bytes()
    with MemOS.open(None, embedder="hash") as other:
        for place in range(0, len(content), 41):
            damaged = bytearray(content)
            damaged[place] ^= 0x10
            bundle.write_bytes(damaged)
            try:
                other.import_from(bundle)
            except MemosError:
                assert other.get_all() == []
            else:
                assert other.get_all() == mem.get_all(user_id="alice")
                other.delete_all(everything=True)


def test_a_bundle_that_cannot_be_written_leaves_nothing_behind(mem: MemOS, tmp_path: Path) -> None:
    with pytest.raises(MemosError, match="nowhere"):
        mem.export_to(tmp_path / "nowhere" / "bundle.zip")
    assert list(tmp_path.iterdir()) == []
