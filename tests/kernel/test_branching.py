"""Restore, fork, merge: old versions and several cubes become new ones, and remember it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemCube, MemOS, State
from memos.cube import Parent, Scope
from memos.errors import (
    BadInput,
    ExpiredCube,
    Forbidden,
    IllegalTransition,
    StaleCube,
    UnknownCube,
    VersionConflict,
    WrongKind,
)
from memos.ports.words import Room

if TYPE_CHECKING:
    from collections.abc import Callable


def add(mem: MemOS, text: str = "Alice moved to Lisbon.", **more: Any) -> MemCube:
    (cube,) = mem.add(text, **{"user_id": "alice", **more})
    return cube


def found(mem: MemOS, query: str, **whose: Any) -> set[str]:
    """What a search finds that has the word itself, in what the index holds of it."""
    near = mem._parts.words.near(query, k=99, within=[Room(Scope(**whose))])
    return {hit.cube.id for hit in mem.search(query, **whose)} & {one.id for one in near}


def test_an_old_version_comes_back_as_a_new_one(mem: MemOS) -> None:
    cube = add(mem, labels=["home"], metadata={"n": 1}, timestamp="2024-05-01")
    mem.update(cube.id, "Alice moved to Porto.", labels=["work"], metadata={}, timestamp=0)
    restored = mem.restore(cube.id, 1)
    assert (restored.version, restored.text) == (3, cube.text)
    assert (restored.header.labels, restored.metadata) == (("home",), {"n": 1})
    assert restored.header.valid_from == cube.header.valid_from
    assert [one.version for one in mem.history(cube.id)] == [1, 2, 3]
    assert found(mem, "Lisbon") == {cube.id}
    assert found(mem, "Porto") == set()
    assert mem.check().problems == ()


def test_what_was_made_from_the_restored_content_is_current_again(mem: MemOS) -> None:
    cube = add(mem)
    first = mem.transform([cube.id], to=Kind.ACTIVATION)
    mem.update(cube.id, "Alice moved to Porto.")
    second = mem.transform([cube.id], to=Kind.ACTIVATION)
    mem.restore(cube.id, 1)
    assert mem.chat("Where?", memories=[first.id], max_tokens=1).tokens == 1
    with pytest.raises(StaleCube):
        mem.chat("Where?", memories=[second.id])


def test_a_version_that_is_not_there_is_not_restored(mem: MemOS) -> None:
    cube = add(mem)
    with pytest.raises(UnknownCube, match="no version 2"):
        mem.restore(cube.id, 2)
    with pytest.raises(VersionConflict):
        mem.restore(cube.id, 1, if_version=3)
    for version in (0, -1, 10**30, True, "1"):
        with pytest.raises(BadInput):
            mem.restore(cube.id, version)  # type: ignore[arg-type]
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    with pytest.raises(WrongKind):
        mem.restore(kv.id, 1)
    assert mem.history(cube.id) == [cube]


def test_a_fork_goes_its_own_way_and_remembers_where_it_began(mem: MemOS) -> None:
    turns = mem.add(
        [{"content": "I moved to Lisbon.", "name": "Alice"}, {"content": "How is it?"}],
        user_id="alice",
        session_id="s",
    )
    mem.freeze(turns[0].id)
    fork = mem.fork(turns[0].id)
    assert (fork.text, fork.speaker, fork.scope) == (turns[0].text, "Alice", turns[0].scope)
    assert (fork.version, fork.state) == (1, State.ACTIVATED)
    assert fork.provenance.parents == (Parent(id=turns[0].id, version=2),)
    mem.update(fork.id, "I moved to Porto.")
    assert mem.get(turns[0].id).text == "I moved to Lisbon."
    lineage = mem.lineage(fork.id)
    assert [one.cube.id for one in lineage.ancestors] == [turns[0].id]
    (next_turn,) = mem.add([{"content": "Sunny."}], user_id="alice", session_id="s")
    assert getattr(next_turn.payload, "position", None) == 2


def test_a_fork_is_never_stale_and_goes_with_its_original(mem: MemOS) -> None:
    cube = add(mem)
    fork = mem.fork(cube.id)
    kv = mem.transform([fork.id], to=Kind.ACTIVATION)
    mem.update(cube.id, "Alice moved to Porto.")
    assert mem.chat("Where?", memories=[kv.id], max_tokens=1).tokens == 1
    assert set(mem.delete(cube.id).ids) == {cube.id, fork.id, kv.id}


def test_a_fork_goes_where_its_maker_may_write(mem: MemOS) -> None:
    cube = add(mem)
    mem.grant("user:bob", "read", id=cube.id)
    bob = mem.acting("user:bob")
    with pytest.raises(Forbidden, match="say whose the fork is to be"):
        bob.fork(cube.id)
    fork = bob.fork(cube.id, into={"user_id": "bob"})
    assert (fork.user_id, fork.owner) == ("bob", "user:bob")
    assert found(mem, "Lisbon", user_id="bob") == {fork.id}
    with pytest.raises(UnknownCube):
        mem.acting("user:carol").fork(cube.id, into={"user_id": "carol"})
    for wrong in (7, {"user": "bob"}, {"user_id": ""}, {7: "bob"}):
        with pytest.raises(BadInput):
            mem.fork(cube.id, into=wrong)  # type: ignore[arg-type]


def test_only_texts_are_forked(mem: MemOS) -> None:
    kv = mem.transform([add(mem).id], to=Kind.ACTIVATION)
    with pytest.raises(WrongKind, match=kv.id):
        mem.fork(kv.id)


def test_merging_puts_one_text_in_the_place_of_several(mem: MemOS) -> None:
    first = add(mem, "Alice moved to Lisbon.", session_id="one", sensitivity="secret")
    second = add(mem, "Alice lives in Lisbon now.", session_id="two", expires_at="2999-01-01")
    merged = mem.merge([first.id, second.id], "Lisbon is Alice's home.", labels=["merged"])
    assert merged.scope.named() == {"user_id": "alice"}
    assert [parent.id for parent in merged.provenance.parents] == [first.id, second.id]
    rules = merged.header.governance
    assert (rules.sensitivity, rules.expires_at) == ("secret", second.header.governance.expires_at)
    assert {mem.get(one).state for one in (first.id, second.id)} == {State.MERGED}
    assert found(mem, "Lisbon") == {merged.id}
    (row,) = [row for row in mem.audit() if row.call == "merge"]
    assert set(row.subjects) == {merged.id, first.id, second.id}
    assert mem.activate(first.id).state is State.ACTIVATED
    assert found(mem, "Lisbon") == {merged.id, first.id}
    mem.update(first.id, "Alice moved to Porto.")
    assert mem.lineage(merged.id).stale == ()
    assert merged.id in mem.delete(second.id).ids
    assert mem.check().problems == ()


def test_what_cannot_be_merged_stays_as_it_is(mem: MemOS) -> None:
    first, second = add(mem), add(mem, "Alice likes tea.")
    his = add(mem, "Bob likes tea.", user_id="bob")
    kv = mem.transform([first.id], to=Kind.ACTIVATION)
    archived = mem.archive(add(mem, "old").id)
    expired = mem.expire(add(mem, "older").id)
    before = mem.stats().held
    wrong: list[tuple[Callable[[], object], type[Exception]]] = [
        (lambda: mem.merge([first.id], "x"), BadInput),
        (lambda: mem.merge([first.id, first.id], "x"), BadInput),
        (lambda: mem.merge([], "x"), BadInput),
        (lambda: mem.merge(first.id, "x"), BadInput),
        (lambda: mem.merge([first.id, second.id], " "), BadInput),
        (lambda: mem.merge([first.id, his.id], "x"), BadInput),
        (lambda: mem.merge([first.id, kv.id], "x"), WrongKind),
        (lambda: mem.merge([first.id, archived.id], "x"), IllegalTransition),
        (lambda: mem.merge([first.id, expired.id], "x"), IllegalTransition),
        (lambda: mem.merge([first.id, his.id], "x", user_id="alice"), UnknownCube),
        (lambda: mem.restore(expired.id, 1), ExpiredCube),
    ]
    for act, error in wrong:
        with pytest.raises(error):
            act()
    assert mem.stats().held == before
    assert mem.get(first.id) == first


def test_the_same_key_branches_once(mem: MemOS) -> None:
    first, second = add(mem), add(mem, "Alice likes tea.")
    fork = mem.fork(first.id, idempotency_key="f")
    assert mem.fork(first.id, idempotency_key="f") == fork
    restored = mem.restore(first.id, 1, idempotency_key="r")
    assert mem.restore(first.id, 1, idempotency_key="r") == restored
    merged = mem.merge([first.id, second.id], "both", idempotency_key="m")
    assert mem.merge([first.id, second.id], "both", idempotency_key="m") == merged
    assert len(mem.get_all()) == 4


def test_an_agent_owns_what_it_merges_of_its_own(mem: MemOS) -> None:
    mem.grant("agent:x", ["read", "write"], everything=True)
    agent = mem.acting("agent:x")
    cubes = [agent.add(text)[0] for text in ("one", "two")]
    assert agent.merge([cube.id for cube in cubes], "both").owner == "agent:x"
    assert mem.fork(cubes[0].id).owner == "agent:x"
