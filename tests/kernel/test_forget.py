"""What is forgotten goes with all that hangs on it, and leaves a record without content."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemCube, MemOS, Right
from memos.errors import BadInput, Forbidden, LegalHold, NotFound, UnknownCube
from memos.life.report import Tie

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAID = "Alice keeps her spare key under the third flowerpot."


def add(mem: MemOS, text: str, **given: Any) -> MemCube:
    (cube,) = mem.add(text, **given)
    return cube


@pytest.mark.parametrize(
    "target",
    [
        lambda cube: {"ids": cube.id},
        lambda cube: {"ids": [cube.id]},
        lambda cube: {"user_id": "alice"},
        lambda cube: {"filters": {"text": {"contains": "flowerpot"}}},
        lambda cube: {"source": "file:///diary.txt"},
    ],
    ids=["id", "ids", "scope", "filter", "source"],
)
def test_it_is_named_by_id_scope_filter_or_source(
    mem: MemOS, target: Callable[[MemCube], dict[str, Any]]
) -> None:
    cube = add(mem, SAID, user_id="alice", source="file:///diary.txt")
    other = add(mem, "Bob likes tea.", user_id="bob", source="file:///other.txt")
    dry = mem.forget(**target(cube), dry_run=True)
    assert dry.ids == (cube.id,)
    assert dry.certificate is None
    assert mem.get(cube.id) == cube
    assert mem.forget(**target(cube)).ids == (cube.id,)
    assert mem.get_all() == [other]


def test_a_dry_run_lists_everything_that_would_go(mem: MemOS) -> None:
    said = "Alice lives in Lisbon."  # it can be learnt
    cube = add(mem, said, user_id="alice")
    again = add(mem, said, user_id="alice", session_id="later")
    other = add(mem, said, user_id="bob")
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    lora = mem.transform([cube.id], to=Kind.PARAMETRIC)
    mem.chat("Where is Alice?", memories=[lora.id], allow_unfit=True, max_tokens=1)
    mem.grant("agent:planner", Right.READ, id=cube.id)
    told = mem.forget(cube.id, dry_run=True)
    assert {(one.id, one.tie, one.because) for one in told.cubes} == {
        (cube.id, Tie.ASKED, None),
        (again.id, Tie.DUPLICATE, cube.id),
        (kv.id, Tie.DERIVED, cube.id),
        (lora.id, Tie.DERIVED, cube.id),
    }
    assert told.blobs == lora.blobs
    assert told.rows["blocks"] == mem.where(kv.id).blocks > 0
    assert told.rows["grants"] == 1
    assert told.rows["loaded"] == 1
    assert (told.rows["vectors"], told.rows["words"], told.rows["versions"]) == (2, 2, 4)
    assert mem.forget(cube.id).ids == told.ids
    assert mem.get_all() == [other]
    assert mem.forget(other.id, dry_run=True).rows["loaded"] == 0
    assert mem.grants() == []


def test_duplicates_can_be_kept(mem: MemOS) -> None:
    cube, again = add(mem, SAID), add(mem, SAID)
    assert mem.forget(cube.id, duplicates=False).ids == (cube.id,)
    assert mem.get_all() == [again]


def test_a_tombstone_and_a_certificate_stay_without_content(mem: MemOS) -> None:
    cube = add(mem, SAID, user_id="alice", labels=["keys"])
    mem.update(cube.id, SAID + " Still.")
    done = mem.forget(cube.id, reason="asked by letter")
    (tombstone,) = mem.tombstones()
    assert (tombstone.cube_id, tombstone.kind, tombstone.by) == (
        cube.id,
        "plaintext",
        "service:application",
    )
    assert done.certificate == tombstone.certificate
    certificate = mem.certificate(tombstone.certificate)
    told = json.dumps(certificate.body)
    assert cube.id in told
    assert "asked by letter" in told
    assert "flowerpot" not in told
    assert "flowerpot" not in json.dumps([row.model_dump(mode="json") for row in mem.audit()])
    with pytest.raises(UnknownCube):
        mem.get(cube.id)
    with pytest.raises(NotFound, match="no certificate"):
        mem.certificate("none")


def test_nothing_to_forget_is_no_error_and_no_certificate(mem: MemOS) -> None:
    assert mem.forget(user_id="nobody").cubes == ()
    assert mem.certificates() == []


def test_whoever_may_not_forget_one_of_them_forgets_none(mem: MemOS) -> None:
    mine = add(mem, "Alice's own.", user_id="alice")
    shared = add(mem, "Bob's, shared.", user_id="bob")
    mem.grant("user:alice", Right.READ, id=shared.id)
    alice = mem.acting("user:alice")
    for attempt in ({"ids": [mine.id, shared.id]}, {"filters": {"kind": "plaintext"}}):
        with pytest.raises(Forbidden, match=shared.id):
            alice.forget(**attempt)
    assert len(mem.get_all()) == 2
    mem.grant("user:alice", Right.FORGET, id=shared.id)
    assert set(alice.forget([mine.id, shared.id]).ids) == {mine.id, shared.id}


def test_a_stranger_s_derivation_goes_along_and_only_an_administrator_is_told(mem: MemOS) -> None:
    cubes = [add(mem, f"{SAID} {number}", user_id="alice") for number in range(3)]
    kv = mem.transform([cube.id for cube in cubes[1:]], to=Kind.ACTIVATION)
    cleaner = mem.acting("agent:cleaner")
    for cube in cubes:
        mem.grant("agent:cleaner", [Right.READ, Right.FORGET], id=cube.id)
    alone, parent = (cleaner.forget(cube.id, dry_run=True) for cube in cubes[:2])
    assert (alone.rows, alone.blobs) == (parent.rows, parent.blobs)
    told = cleaner.forget(cubes[1].id, verify=True)
    assert (told.ids, told.rows, told.blobs) == ((cubes[1].id,), alone.rows, ())
    assert told.verified is not None
    assert told.verified.gone
    assert told.verified.searched_bytes is told.verified.unsearchable is None
    with pytest.raises(UnknownCube):
        mem.get(kv.id)
    whole = json.dumps(mem.certificate(str(told.certificate)).body)
    shown = json.dumps(cleaner.certificate(str(told.certificate)).body)
    assert kv.id in whole
    assert '"searched_bytes": null' in shown
    assert kv.id not in shown
    assert set(json.loads(shown)) == set(json.loads(whole)) - {"told"}


def test_a_hold_on_what_one_may_not_see_is_all_that_one_is_told_of_it(mem: MemOS) -> None:
    cube = add(mem, SAID, user_id="alice")
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    mem.hold(kv.id)
    mem.grant("agent:cleaner", [Right.READ, Right.FORGET], id=cube.id)
    with pytest.raises(LegalHold, match="one may not see which") as caught:
        mem.acting("agent:cleaner").forget(cube.id)
    assert kv.id not in str(caught.value)


def test_what_goes_along_outside_of_the_scope_that_is_named_is_told(mem: MemOS) -> None:
    cube = add(mem, SAID, user_id="eve")
    fork = mem.fork(cube.id, into={"user_id": "bob"})
    told = mem.forget(user_id="eve", dry_run=True)
    assert told.ids == (cube.id, fork.id)
    assert told.cubes[1].title == fork.header.title
    assert mem.acting("user:eve").forget(user_id="eve", dry_run=True).ids == (cube.id,)
    assert mem.acting("service:application", user_id="eve").forget(dry_run=True).ids == (cube.id,)
    mem.hold(fork.id)
    with pytest.raises(LegalHold, match=fork.id):
        mem.forget(user_id="eve")
    mem.release(fork.id)
    done = mem.forget(user_id="eve", verify=True)
    assert done.ids == told.ids
    assert done.verified is not None
    assert done.verified.searched_files


@pytest.mark.parametrize("forget", ["forget", "delete", "delete_all"])
def test_a_dry_run_is_refused_where_a_hold_would_refuse_the_call(mem: MemOS, forget: str) -> None:
    cube = add(mem, SAID, user_id="alice")
    mem.hold(cube.id)
    target: dict[str, Any] = {"id": cube.id} if forget == "delete" else {"user_id": "alice"}
    with pytest.raises(LegalHold, match=cube.id):
        getattr(mem, forget)(**target, dry_run=True)
    mem.release(cube.id)
    assert getattr(mem, forget)(**target, dry_run=True).ids == (cube.id,)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, "everything"),
        ({"ids": []}, "no cube"),
        ({"ids": ["x"]}, "no cube's id"),
        ({"ids": ["x"], "source": "y"}, "exclude"),
        ({"source": ""}, "source"),
        ({"filters": {"nonsense": 1}}, "nonsense"),
    ],
)
def test_bad_input_forgets_nothing(mem: MemOS, given: dict[str, Any], match: str) -> None:
    add(mem, SAID)
    with pytest.raises(BadInput, match=match):
        mem.forget(**given)
    assert len(mem.get_all()) == 1


def test_it_is_searched_for_in_every_byte_and_not_found(mem: MemOS) -> None:
    cube = add(mem, SAID, user_id="alice")
    mem.update(cube.id, SAID + " She moved it to the shed in March.")
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    other = add(mem, "Bob keeps his key in his pocket.", user_id="bob")
    done = mem.forget(cube.id, verify=True)
    assert set(done.ids) == {cube.id, kv.id}
    assert done.verified is not None
    assert done.verified.gone
    assert (done.verified.searched_files or 0) > 2
    assert (done.verified.searched_bytes or 0) > 10_000
    body = mem.certificate(str(done.certificate)).body
    assert isinstance(body, dict)
    assert body["verified"] == done.verified.model_dump(mode="json")
    assert mem.get_all() == [other]
    assert mem.audit()[-3].outcome == "verified"


def test_a_trace_that_is_left_is_told_by_its_place(mem: MemOS, tmp_path: Path) -> None:
    cube = add(mem, SAID)
    (tmp_path / "store" / "somebody's copy").write_text(SAID)
    done = mem.forget(cube.id, verify=True)
    assert done.verified is not None
    assert not done.verified.gone
    assert "somebody's copy" in done.verified.traces[0]
    assert "flowerpot" not in done.verified.model_dump_json()


def test_of_an_idempotency_key_only_the_digest_is_kept(mem: MemOS, tmp_path: Path) -> None:
    given: dict[str, Any] = {"user_id": "eve", "idempotency_key": "eve@example.org bought a house"}
    cube = add(mem, SAID, **given)
    old = add(mem, "Bob likes tea.", idempotency_key="new")
    with closing(sqlite3.connect(tmp_path / "store" / "catalog.db")) as database:
        (key,) = database.execute(
            "SELECT key FROM receipts WHERE answer LIKE ?", (f"%{old.id}%",)
        ).fetchone()
        named = "UPDATE receipts SET key = 'written by an earlier version' WHERE key = ?"
        database.execute(named, (key,))
        database.commit()
    earlier = add(mem, "Bob likes tea.", idempotency_key="written by an earlier version")
    assert earlier == old
    mem.forget(cube.id)
    content = b"".join(
        path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()
    )
    assert b"bought a house" not in content
    assert b"an earlier version" not in content
    assert add(mem, "Bob likes tea.", idempotency_key="written by an earlier version") == old


def test_what_could_not_be_searched_for_is_told_apart(mem: MemOS) -> None:
    short = add(mem, "Tea.")
    done = mem.forget(short.id, verify=True)
    assert done.verified is not None
    assert (done.verified.unsearchable, done.verified.unsearchable_vectors) == (2, 1)
