"""What others made comes in under a namespace, is updated, and goes, as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemOS, State
from memos.cube.identity import is_cube_id
from memos.errors import (
    BadInput,
    Forbidden,
    FrozenCube,
    LegalHold,
    MemosError,
    NotFound,
    Untrusted,
    VersionConflict,
)
from memos.life.signing import SigningKey
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.ports.ledger import Uninstalled
from memos.testing.catalog import audit
from memos.testing.crafted import Crafted
from memos.testing.derived import adapter, attention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from memos import MemCube

NAME = "acme/travel"


@pytest.fixture
def source() -> Iterator[MemOS]:
    """The store of the maker: three turns and a text of their own, under two users."""
    with MemOS.open(None, embedder="hash") as opened:
        turns = [{"content": f"Turn {number} is about Lisbon."} for number in range(3)]
        opened.add(turns, user_id="maker", session_id="s", labels=["travel"])
        opened.add("Trams climb the hills.", user_id="other", metadata={"n": 1})
        yield opened


@pytest.fixture
def path(source: MemOS, tmp_path: Path) -> Path:
    """Their bundle."""
    return exported(source, tmp_path / "travel.zip")


@pytest.fixture
def mem(tmp_path: Path) -> Iterator[MemOS]:
    """The store of the user, which holds something of their own."""
    with MemOS.open(tmp_path / "store", embedder="hash") as opened:
        opened.add("Bob likes tea.", user_id="bob")
        yield opened


def exported(source: MemOS, path: Path, **label: Any) -> Path:
    source.export_to(path, **{"name": "Travel", "version": "1", "licence": "CC0-1.0", **label})
    return path


def derive(
    mem: MemOS, parents: Sequence[MemCube], made: Callable[..., tuple[MemCube, bytes]], **more: Any
) -> MemCube:
    """Put a derived cube into a store, as transform would."""
    cube, content = made(parents, at=mem._parts.clock.now(), **more)
    mem._parts.blobs.put(content)
    edges = tuple(Edge(cube.id, Relation.DERIVED, one.id, one.version) for one in parents)
    mem._parts.catalog.commit(Change(audit=audit(), put=(cube,), edges=edges))
    return cube


def state(mem: MemOS) -> object:
    return (mem.stats().held, mem.get_all(), mem._parts.ledger.installed())


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the cubes of a bundle by hand."""
    crafted = Crafted.taken(path)
    for line in crafted.cubes:
        change(line["cube"])
    crafted.reseal()
    crafted.write(path)


def test_what_is_installed_is_ours_and_nothing_of_the_stranger_binds(
    mem: MemOS, source: MemOS, path: Path
) -> None:
    def claim(cube: dict[str, Any]) -> None:
        cube["header"]["governance"].update(
            owner="user:maker", legal_hold=True, sensitivity="confidential"
        )
        cube["header"]["life"]["state"] = "frozen"
        cube["header"]["behaviour"]["importance"] = 1e9

    edit(path, claim)
    done = mem.install(path, NAME, user_id="bob")
    assert (len(done.added), done.revised, done.kept, done.left_out) == (4, (), (), ())
    cubes = mem.get_all(filters={"source": f"bundle:{NAME}"})
    assert [cube.id for cube in cubes] == list(done.added)
    for cube, was in zip(cubes, source.get_all(), strict=True):
        header = cube.header
        assert is_cube_id(cube.id)
        assert cube.id != was.id
        assert (cube.text, header.labels, cube.metadata) == (
            was.text,
            was.header.labels,
            was.metadata,
        )
        assert (cube.user_id, cube.scope.session_id, cube.version) == ("bob", None, 1)
        assert (cube.owner, header.governance.legal_hold) == ("user:bob", False)
        assert (header.governance.licence, header.governance.sensitivity) == (
            "CC0-1.0",
            "confidential",
        )
        assert (cube.state, header.behaviour.importance) == (State.ACTIVATED, 0)
        assert header.created_at > was.created_at
        told = cube.provenance.step.parameters
        assert told["cube"] == f"{was.id} v1"
        assert (told["bundle"], told["name"], told["version"]) == (done.bundle, "Travel", "1")
    assert mem.search("trams", user_id="bob")[0].cube.text == "Trams climb the hills."
    assert mem.check().problems == ()


def test_the_same_namespace_gives_the_same_ids_and_another_others(mem: MemOS, path: Path) -> None:
    first, second = mem.install(path, NAME).added, mem.install(path, "acme/again").added
    assert not set(first) & set(second)
    mem.uninstall(NAME)
    assert mem.install(path, NAME).added == first
    assert [one.namespace for one in mem.installed()] == ["acme/again", NAME]


def test_turns_stay_in_their_order(mem: MemOS, path: Path) -> None:
    added = mem.install(path, NAME).added
    edges = mem._parts.catalog.edges_of(added, [Relation.NEXT])
    assert {(edge.source, edge.target) for edge in edges} == {
        (added[0], added[1]),
        (added[1], added[2]),
    }
    mem.install(path, NAME)
    assert mem._parts.catalog.edges_of(added, [Relation.NEXT]) == edges


def test_all_three_kinds_are_installed_and_know_their_sources(
    mem: MemOS, source: MemOS, tmp_path: Path
) -> None:
    texts = source.get_all(user_id="maker")
    derive(source, texts, attention)
    derive(source, texts, adapter)
    derive(source, texts[:2], adapter, passed=False)
    done = mem.install(exported(source, tmp_path / "all.zip"), NAME)
    assert len(done.added) == 7
    kv, fit, unfit = (
        cube for cube in mem.get_all(filters={"id": {"in": list(done.added)}}) if cube.blobs
    )
    assert [one.cube.text for one in mem.lineage(kv.id).ancestors] == [one.text for one in texts]
    assert (kv.kind, fit.state, unfit.state) == (
        Kind.ACTIVATION,
        State.ACTIVATED,
        State.GENERATED,
    )
    assert mem._parts.blobs.get(kv.blobs[0])
    assert mem.check().problems == ()
    assert len(mem.uninstall(NAME).cubes) == 7
    assert mem.check().problems == ()
    assert mem.stats().blobs == 0


def test_a_stale_derivation_is_left_out(mem: MemOS, source: MemOS, tmp_path: Path) -> None:
    texts = source.get_all(user_id="maker")
    kv = derive(source, texts, attention)
    source.update(texts[0].id, "Turn 0 is about Porto.")
    done = mem.install(exported(source, tmp_path / "all.zip"), NAME)
    assert (len(done.added), done.left_out) == (4, (kv.id,))
    assert mem.check().problems == ()


def test_an_update_revises_adds_and_forgets_in_one_commit(
    mem: MemOS, source: MemOS, path: Path, tmp_path: Path
) -> None:
    before = mem.install(path, NAME, user_id="bob")
    kept, changed, dropped, other = before.added
    ours = derive(mem, [mem.get(dropped)], attention)
    turns = source.get_all(user_id="maker")
    source.update(turns[1].id, "Turn 1 is about Porto.")
    source.delete(turns[2].id)
    source.add("Fado is sad.", user_id="maker")
    exported(source, path, version="2")
    rows = mem.stats().audit_rows
    done = mem.install(path, NAME, user_id="bob")
    assert mem.stats().audit_rows == rows + 2  # the update, and the counting of rows
    assert (len(done.added), done.revised, set(done.kept)) == (1, (changed,), {kept, other})
    assert set(done.forgotten.ids) == {dropped, ours.id}
    assert [one.text for one in mem.history(changed)] == [
        "Turn 1 is about Lisbon.",
        "Turn 1 is about Porto.",
    ]
    assert {mem.get(one).user_id for one in (*done.added, changed, kept)} == {"bob"}
    assert mem.get(kept).version == 1
    assert mem._parts.ledger.tombstone(dropped) is not None
    assert mem.certificate(str(done.forgotten.certificate)).body
    (entry,) = mem.installed()
    assert (entry.version, len(entry.cubes)) == ("2", 4)
    assert mem.search("Porto")[0].cube.id == changed
    assert mem.check().problems == ()


def test_a_derivation_goes_stale_when_an_update_revises_its_source(
    mem: MemOS, source: MemOS, path: Path
) -> None:
    first = mem.install(path, NAME).added[0]
    kv = derive(mem, [mem.get(first)], attention)
    source.update(source.get_all(user_id="maker")[0].id, "Another text.")
    mem.install(exported(source, path), NAME)
    assert mem.lineage(kv.id).stale


def test_what_only_its_header_changed_leaves_derivations_good(mem: MemOS, path: Path) -> None:
    first = mem.install(path, NAME).added[0]
    kv = derive(mem, [mem.get(first)], attention)
    edit(path, lambda cube: cube["header"].update(labels=["other"]))
    done = mem.install(path, NAME)
    assert len(done.revised) == 4
    assert mem.get(first).header.labels == ("other",)
    assert mem.get(first).content_version == 1
    assert not mem.lineage(kv.id).stale
    edit(path, lambda cube: cube["header"].update(valid_from="2024-05-01T00:00:00Z"))
    mem.install(path, NAME)
    assert mem.lineage(kv.id).stale


def test_a_derived_cube_that_changed_is_replaced(mem: MemOS, source: MemOS, tmp_path: Path) -> None:
    texts = source.get_all(user_id="maker")
    derive(source, texts, attention)
    path = exported(source, tmp_path / "all.zip")
    done = mem.install(path, NAME)
    kv = next(cube for cube in mem.get_all() if cube.kind is Kind.ACTIVATION)

    def fewer(cube: dict[str, Any]) -> None:
        if cube["header"]["kind"] == "activation":
            cube["provenance"]["parents"].pop()

    edit(path, fewer)
    again = mem.install(path, NAME)
    assert (again.added, again.revised, len(again.kept)) == ((), (kv.id,), len(done.added) - 1)
    assert again.forgotten.cubes == ()
    assert len(mem.lineage(kv.id).ancestors) == 2
    assert mem.get(kv.id).version == 1
    assert mem._parts.ledger.tombstone(kv.id) is None
    assert mem.check().problems == ()


def test_what_was_changed_here_is_not_lost_unasked(mem: MemOS, source: MemOS, path: Path) -> None:
    changed, *_ = mem.install(path, NAME).added
    mem.update(changed, "What I know better.")
    assert changed in mem.install(path, NAME).kept
    source.update(source.get_all(user_id="maker")[0].id, "Turn 0 is about Porto.")
    exported(source, path)
    before = state(mem)
    with pytest.raises(VersionConflict, match=changed):
        mem.install(path, NAME)
    assert state(mem) == before
    assert mem.install(path, NAME, force=True).revised == (changed,)
    assert [one.text for one in mem.history(changed)][1:] == [
        "What I know better.",
        "Turn 0 is about Porto.",
    ]


def test_what_was_changed_here_is_not_dropped_unasked(
    mem: MemOS, source: MemOS, path: Path
) -> None:
    changed, *_ = mem.install(path, NAME).added
    mem.update(changed, "What I know better.")
    source.delete(source.get_all(user_id="maker")[0].id)
    exported(source, path)
    before = state(mem)
    with pytest.raises(VersionConflict, match=changed):
        mem.install(path, NAME)
    assert state(mem) == before
    assert mem.install(path, NAME, force=True).forgotten.ids == (changed,)


def test_what_was_forgotten_here_stays_forgotten(mem: MemOS, source: MemOS, path: Path) -> None:
    first, *rest = mem.install(path, NAME).added
    mem.delete(first)
    for version in ("2", "3"):
        done = mem.install(exported(source, path, version=version), NAME)
        assert len(done.left_out) == 1
        assert set(done.kept) == set(rest)
    assert mem.install(path, NAME, force=True).added == (first,)
    mem.delete(first)
    assert len(mem.uninstall(NAME).cubes) == 3
    assert len(mem.install(path, NAME).added) == 4


def test_a_legal_hold_keeps_what_an_update_would_drop(
    mem: MemOS, source: MemOS, path: Path
) -> None:
    first, *_ = mem.install(path, NAME).added
    hold(mem, first)
    source.delete(source.get_all(user_id="maker")[0].id)
    exported(source, path)
    before = state(mem)
    with pytest.raises(LegalHold):
        mem.install(path, NAME, force=True)
    with pytest.raises(LegalHold):
        mem.uninstall(NAME)
    assert state(mem) == before


def test_what_was_frozen_here_is_not_revised(mem: MemOS, source: MemOS, path: Path) -> None:
    first, *_ = mem.install(path, NAME).added
    rewrite(mem, first, "freeze", life={"state": State.FROZEN})
    assert first in mem.install(path, NAME).kept
    source.update(source.get_all(user_id="maker")[0].id, "Turn 0 is about Porto.")
    with pytest.raises(FrozenCube, match=first):
        mem.install(exported(source, path), NAME, force=True)


def hold(mem: MemOS, cube_id: str) -> None:
    """As an administrator would."""
    rewrite(mem, cube_id, "hold", governance={"legal_hold": True})


def rewrite(mem: MemOS, cube_id: str, operation: str, **header: dict[str, Any]) -> None:
    cube = mem.get(cube_id)
    life = {"version": cube.version + 1, "previous": cube.version, "content": 1}
    changes = {"life": {}, **header}
    changes["life"] |= life
    update = {
        name: getattr(cube.header, name).model_copy(update=change)
        for name, change in changes.items()
    }
    step = cube.provenance.step.model_copy(update={"operation": operation})
    made = cube.model_copy(
        update={
            "header": cube.header.model_copy(update=update),
            "provenance": cube.provenance.model_copy(update={"step": step}),
        }
    )
    mem._parts.catalog.commit(Change(audit=audit(), put=(made,)))


def test_a_dry_run_tells_all_and_changes_nothing(mem: MemOS, source: MemOS, path: Path) -> None:
    before = state(mem)
    planned = mem.install(path, NAME, dry_run=True)
    assert (planned.dry_run, len(planned.added)) == (True, 4)
    assert state(mem) == before
    assert mem.install(path, NAME).added == planned.added
    source.delete(source.get_all(user_id="maker")[0].id)
    exported(source, path)
    before = state(mem)
    assert mem.install(path, NAME, dry_run=True).forgotten.ids == planned.added[:1]
    assert mem.uninstall(NAME, dry_run=True).ids == planned.added
    assert state(mem) == before
    assert mem.audit(limit=3)[0].outcome == "dry run"


def test_uninstalling_takes_all_that_came_and_all_that_was_made_of_it(
    mem: MemOS, path: Path
) -> None:
    added = mem.install(path, NAME, user_id="bob").added
    ours = derive(mem, [mem.get(added[0])], attention)
    own = mem.get_all(user_id="bob", filters={"text": "Bob likes tea."})
    assert set(mem.uninstall(NAME, user_id="bob").ids) == {*added, ours.id}
    assert mem.get_all() == own
    assert mem.installed() == []
    with pytest.raises(NotFound, match=NAME):
        mem.uninstall(NAME)
    assert mem.check().problems == ()


def test_a_namespace_of_which_all_was_forgotten_can_be_uninstalled(mem: MemOS, path: Path) -> None:
    for cube_id in mem.install(path, NAME).added:
        mem.delete(cube_id)
    assert len(mem.installed()) == 1
    assert mem.uninstall(NAME).cubes == ()
    assert mem.installed() == []


@pytest.mark.parametrize(
    "name", ["", "/", "../x", "a//b", "a/", "/a", "a b", "a\n", "é", ".x", "x" * 129, None, "a\x00"]
)
def test_a_namespace_is_a_plain_name(mem: MemOS, path: Path, name: str) -> None:
    before = state(mem)
    for call in (lambda: mem.install(path, name), lambda: mem.uninstall(name)):
        if name is not None:
            with pytest.raises(BadInput, match="name"):
                call()
    assert state(mem) == before


def test_only_a_trusted_signature_is_taken_where_trust_is_asked_for(
    mem: MemOS, source: MemOS, tmp_path: Path
) -> None:
    key, other = SigningKey.new(), SigningKey.new()
    key.write(tmp_path / "key.pem")
    unsigned = exported(source, tmp_path / "unsigned.zip")
    signed = exported(source, tmp_path / "signed.zip", sign_with=tmp_path / "key.pem")
    before = state(mem)
    for path, trust in ((unsigned, [key.public]), (signed, [other.public])):
        with pytest.raises(Untrusted):
            mem.install(path, NAME, trust=trust)
    for nonsense in ([], ["xyz"], ["ab" * 31], "no key"):
        with pytest.raises(BadInput):
            mem.install(signed, NAME, trust=nonsense)
    assert state(mem) == before
    done = mem.install(signed, NAME, trust=[other.public, key.public.upper()])
    assert done.signer == key.public
    assert mem.installed()[0].signer == key.public


def test_an_update_is_signed_by_whoever_signed_before(
    mem: MemOS, source: MemOS, tmp_path: Path
) -> None:
    keys = [SigningKey.new(), SigningKey.new()]
    for number, key in enumerate(keys):
        key.write(tmp_path / f"{number}.pem")
    path = tmp_path / "travel.zip"
    mem.install(exported(source, path, sign_with=tmp_path / "0.pem"), NAME)
    for label in ({}, {"sign_with": tmp_path / "1.pem"}):
        exported(source, path, **label)
        with pytest.raises(Untrusted, match=keys[0].public):
            mem.install(path, NAME)
    mem.install(path, NAME, trust=[keys[1].public])
    assert mem.installed()[0].signer == keys[1].public


def test_what_another_has_installed_takes_that_owners_grants(mem: MemOS, path: Path) -> None:
    alice, bob = mem.acting("user:alice"), mem.acting("user:bob")
    added = alice.install(path, NAME).added
    assert {mem.get(one).owner for one in added} == {"user:alice"}
    assert bob.installed() == []
    before = state(mem)
    for call in (
        lambda: bob.install(path, NAME, user_id="alice"),
        lambda: bob.uninstall(NAME, user_id="alice"),
        lambda: bob.uninstall(NAME),
        lambda: mem.uninstall(NAME),
        lambda: mem.acting("agent:planner").install(path, "mine"),
    ):
        with pytest.raises(MemosError) as raised:
            call()
        assert isinstance(raised.value, Forbidden | NotFound)
    assert state(mem) == before
    mem.grant("user:bob", ["read", "write"], user_id="alice")
    assert [one.namespace for one in bob.installed()] == [NAME]
    with pytest.raises(Forbidden):
        bob.uninstall(NAME, user_id="alice")
    assert len(bob.install(path, NAME, user_id="alice").kept) == 4
    mem.grant("user:bob", "forget", user_id="alice")
    assert len(bob.uninstall(NAME, user_id="alice").cubes) == 4


def test_an_update_keeps_the_ids_that_were_given(mem: MemOS, path: Path) -> None:
    first, *rest = mem.install(path, NAME).added
    mem.delete(first)
    (entry,) = mem.installed()
    moved = (Uninstalled(NAME, entry.owner, entry.scope), replace(entry, namespace="other"))
    mem._parts.catalog.commit(Change(audit=audit(), also=moved))
    done = mem.install(path, "other")
    assert (set(done.kept), done.added, len(done.left_out)) == (set(rest), (), 1)
    assert mem.install(path, "other", force=True).added == (first,)


def test_who_may_not_forget_cannot_have_an_update_forget(
    mem: MemOS, source: MemOS, path: Path
) -> None:
    mem.acting("user:alice").install(path, NAME)
    mem.grant("user:bob", ["read", "write"], user_id="alice")
    source.delete(source.get_all(user_id="maker")[0].id)
    exported(source, path)
    before = state(mem)
    with pytest.raises(Forbidden, match="forget"):
        mem.acting("user:bob").install(path, NAME, user_id="alice")
    assert state(mem) == before


def test_what_is_installed_outlives_a_restart(tmp_path: Path, mem: MemOS, path: Path) -> None:
    added = mem.install(path, NAME).added
    mem.close()
    with MemOS.open(tmp_path / "store", embedder="hash") as again:
        (entry,) = again.installed()
        assert tuple(here for here, _ in entry.cubes) == tuple(sorted(added))
        assert len(again.install(path, NAME).kept) == 4
