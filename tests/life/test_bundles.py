"""Cubes leave and arrive whole, or not at all."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemOS, Principal
from memos.cube import ROOT
from memos.cube.identity import digest_of
from memos.errors import (
    BadInput,
    CorruptionError,
    Forbidden,
    ForgottenCube,
    MemosError,
    VersionConflict,
)
from memos.life.packing import _method
from memos.life.signing import SigningKey
from memos.life.unpacking import LIMITS
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.ports.ledger import Tombstone
from memos.testing.catalog import START, audit
from memos.testing.crafted import Crafted
from memos.testing.derived import adapter, attention

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
    manifest["format"] = 3


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
                other.import_from(bundle, revive=True)
            except MemosError:
                assert other.get_all() == []
            else:
                assert other.get_all() == mem.get_all(user_id="alice")
                other.delete_all(everything=True)


def test_all_three_kinds_come_back_with_their_bytes(mem: MemOS, tmp_path: Path) -> None:
    parts, sources = mem._parts, mem.get_all(user_id="alice")
    for made in (attention, adapter):
        cube, content = made(sources, at=parts.clock.now())
        parts.blobs.put(content)
        edges = tuple(
            Edge(cube.id, Relation.DERIVED, one.id, one.version) for one in cube.provenance.parents
        )
        parts.catalog.commit(Change(audit=audit(), put=(cube,), edges=edges))
    path = tmp_path / "all.zip"
    assert mem.export_to(path, filters={"kind": {"ne": "plaintext"}}) == 4
    with MemOS.open(tmp_path / "store", embedder="hash") as other:
        other.import_from(path)
        for kind in (Kind.ACTIVATION, Kind.PARAMETRIC):
            (cube,) = other.get_all(kind=kind)
            assert cube == mem.get(cube.id)
            assert other._parts.blobs.get(cube.blobs[0]) == parts.blobs.get(cube.blobs[0])
            assert len(other.lineage(cube.id).ancestors) == 2
        assert other.check().problems == ()


def test_a_bundle_tells_its_name_its_licence_and_who_signed_it(mem: MemOS, tmp_path: Path) -> None:
    key = SigningKey.new()
    key.write(tmp_path / "key.pem")
    path = tmp_path / "travel.zip"
    mem.export_to(
        path,
        name="Travel",
        version="1.2",
        licence="CC-BY-4.0",
        description="Where Alice lives.",
        sign_with=tmp_path / "key.pem",
        user_id="alice",
    )
    told = MemOS.inspect(path)
    assert (told.name, told.version, told.licence) == ("Travel", "1.2", "CC-BY-4.0")
    assert (told.description, told.signer) == ("Where Alice lives.", key.public)
    assert (told.cubes, told.versions, told.format) == ({"plaintext": 2}, 3, 2)
    assert [scope.user_id for scope in told.scopes] == ["alice"]


def test_without_a_name_a_bundle_is_called_as_its_file(bundle: Path) -> None:
    told = MemOS.inspect(bundle)
    assert (told.name, told.version, told.licence, told.signer) == ("bundle", "1", None, None)


@pytest.mark.parametrize("change", [{"name": "x" * 201}, {"version": "x" * 65}, {"licence": 7}])
def test_a_label_that_cannot_be_read_is_refused(
    mem: MemOS, tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(BadInput, match=next(iter(change))):
        mem.export_to(tmp_path / "x.zip", **change)
    with pytest.raises(BadInput, match="key"):
        mem.export_to(tmp_path / "x.zip", sign_with=tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


def test_what_was_signed_cannot_be_changed(mem: MemOS, tmp_path: Path) -> None:
    SigningKey.new().write(tmp_path / "key.pem")
    path = tmp_path / "signed.zip"
    mem.export_to(path, sign_with=tmp_path / "key.pem")
    crafted = Crafted.taken(path)
    crafted.manifest["licence"] = "do as you like"
    crafted.write(path)
    with pytest.raises(CorruptionError, match="signed"), MemOS.open(None, embedder="hash") as other:
        other.import_from(path)
    with pytest.raises(CorruptionError, match="signed"):
        MemOS.inspect(path)


def test_a_bundle_of_the_first_format_is_still_read(mem: MemOS, bundle: Path) -> None:
    def first(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        kept = {name: manifest[name] for name in ("code", "members", "blobs")}
        manifest.clear()
        manifest.update(format=1, **kept)

    rewrite(bundle, first)
    with MemOS.open(None, embedder="hash") as other:
        assert len(other.import_from(bundle).cubes) == 2
        assert other.get_all() == mem.get_all(user_id="alice")


def test_what_was_forgotten_does_not_come_back_unasked(mem: MemOS, bundle: Path) -> None:
    cube = mem.get_all(user_id="alice")[0]
    mem.delete(cube.id)
    grave = Tombstone(cube.id, "plaintext", START, "user:alice", "a certificate")
    mem._parts.catalog.commit(Change(audit=audit(), also=(grave,)))
    before = mem.stats().held
    with pytest.raises(ForgottenCube, match="2024-05-01"):
        mem.import_from(bundle)
    assert mem.stats().held == before
    assert [one.id for one in mem.import_from(bundle, revive=True).cubes] == [cube.id]
    assert mem._parts.ledger.tombstone(cube.id) is None
    assert mem.search("Porto")[0].cube.id == cube.id


def test_nobody_is_given_what_another_makes(mem: MemOS, bundle: Path) -> None:
    crafted = Crafted.taken(bundle)
    governance = [line["cube"]["header"]["governance"] for line in crafted.cubes]
    for change in ({"owner": "user:bob"}, {"legal_hold": True, "owner": None}):
        for one in governance:
            one.update(change)
        crafted.write(bundle)
        with MemOS.open(None, embedder="hash") as other:
            with pytest.raises(Forbidden, match="hold"):
                other.acting("user:alice", user_id="alice").import_from(bundle)
            assert other.get_all() == []
            other.acting(ROOT).import_from(bundle)


def test_who_may_not_share_a_source_may_not_share_what_was_made_from_it(
    mem: MemOS, tmp_path: Path
) -> None:
    sources = mem.get_all(user_id="alice")
    cube, content = attention(sources, at=mem._parts.clock.now())
    mem._parts.blobs.put(content)
    mem._parts.catalog.commit(Change(audit=audit(), put=(cube,)))
    bob = Principal.read("user:bob")
    mem.grant(bob, ["read", "share"], id=cube.id)
    with pytest.raises(Forbidden, match="derived from"):
        mem.acting(bob).export_to(tmp_path / "x.zip", filters={"id": cube.id})
    for source in sources:
        mem.grant(bob, ["read", "share"], id=source.id)
    assert mem.acting(bob).export_to(tmp_path / "x.zip", filters={"id": cube.id}) == 3


def test_a_text_that_shrinks_like_a_bomb_is_packed_as_it_is(tmp_path: Path) -> None:
    with MemOS.open(None, embedder="hash") as mem:
        padding = {"padding": "a" * 900_000}
        mem.add([{"content": f"turn {number}", "metadata": padding} for number in range(12)])
        mem.export_to(tmp_path / "long.zip")
        with zipfile.ZipFile(tmp_path / "long.zip") as packed:
            assert packed.getinfo("cubes.jsonl").compress_type == zipfile.ZIP_STORED
        assert len(mem.import_from(tmp_path / "long.zip").skipped) == 12
    assert _method(b"a" * LIMITS.small) == zipfile.ZIP_DEFLATED


def test_a_bundle_is_for_its_owner_only(mem: MemOS, bundle: Path) -> None:
    assert bundle.stat().st_mode & 0o777 == 0o600
    bundle.with_name(".bundle.zip.partial").write_text("of a process that died")
    assert mem.export_to(bundle) == 3
    assert list(bundle.parent.iterdir()) == [bundle]


def test_what_one_may_see_only_redacted_does_not_leave_in_a_file(
    mem: MemOS, bundle: Path, tmp_path: Path
) -> None:
    crafted = Crafted.taken(bundle)
    for line in crafted.cubes:
        line["cube"]["header"]["governance"]["sensitivity"] = "secret"
    crafted.write(bundle)
    with MemOS.open(None, embedder="hash") as other:
        other.import_from(bundle)
        other.grant("agent:planner", ["read", "share"], user_id="alice")
        with pytest.raises(Forbidden, match="redacted"):
            other.acting("agent:planner").export_to(tmp_path / "x.zip", user_id="alice")
        assert other.acting("user:alice").export_to(tmp_path / "x.zip") == 2


def test_a_bundle_that_cannot_be_written_leaves_nothing_behind(mem: MemOS, tmp_path: Path) -> None:
    with pytest.raises(MemosError, match="nowhere"):
        mem.export_to(tmp_path / "nowhere" / "bundle.zip")
    assert list(tmp_path.iterdir()) == []
