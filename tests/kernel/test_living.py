"""A cube's life: states, time to live, holds, labels; each change is a version, or is refused."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemCube, MemOS, State
from memos.errors import (
    BadInput,
    ExpiredCube,
    Forbidden,
    FrozenCube,
    IllegalTransition,
    LegalHold,
    StaleCube,
    UnfitCube,
    UnknownCube,
    VersionConflict,
)
from memos.governance.states import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memos.config import Settings
    from memos.testing.clock import HandClock


def add(mem: MemOS, text: str = "Alice moved to Lisbon.", **more: Any) -> MemCube:
    (cube,) = mem.add(text, user_id="alice", **more)
    return cube


def found(mem: MemOS, query: str = "Lisbon") -> list[str]:
    return [hit.cube.id for hit in mem.search(query)]


TO: dict[State, Callable[[MemOS, str], object]] = {
    State.ACTIVATED: lambda mem, one: None,
    State.MERGED: lambda mem, one: mem.merge([one, add(mem, "other").id], "both"),
    State.ARCHIVED: lambda mem, one: mem.archive(one),
    State.EXPIRED: lambda mem, one: mem.expire(one),
    State.FROZEN: lambda mem, one: mem.freeze(one),
}
CALLS: dict[str, Callable[[MemOS, str], object]] = {
    "activate": lambda mem, one: mem.activate(one),
    "archive": lambda mem, one: mem.archive(one),
    "expire": lambda mem, one: mem.expire(one),
    "freeze": lambda mem, one: mem.freeze(one),
    "thaw": lambda mem, one: mem.thaw(one),
    "merge": lambda mem, one: mem.merge([one, add(mem, "other").id], "both"),
    "set_expiry": lambda mem, one: mem.set_expiry(one, ttl_seconds=60),
}


@pytest.mark.parametrize("state", TO)
def test_a_call_changes_the_state_as_the_table_says_or_nothing(mem: MemOS, state: State) -> None:
    for call, act in CALLS.items():
        cube = add(mem)
        TO[state](mem, cube.id)
        before = mem.get(cube.id)
        assert before.state is state
        to = expected(state, call)
        if to is None:
            with pytest.raises(FrozenCube if state is State.FROZEN else IllegalTransition):
                act(mem, cube.id)
            assert mem.get(cube.id) == before
        else:
            act(mem, cube.id)
            after = mem.get(cube.id)
            assert (after.state, after.version) == (to, before.version + 1)
            assert (after.content_version, after.payload) == (1, before.payload)
            assert after.provenance.step.operation == call
    assert mem.check().problems == ()


def expected(state: State, call: str) -> State | None:
    """The state that a call leads to; None where it is refused."""
    if (state, call) == (State.FROZEN, "expire"):
        return None  # only its time makes a frozen cube expire
    if call == "set_expiry" and state not in {State.FROZEN, State.EXPIRED}:
        return state
    return next((to for (one, to), by in TRANSITIONS.items() if (one, by) == (state, call)), None)


def test_what_is_put_away_is_not_found_and_comes_back(mem: MemOS) -> None:
    cube = add(mem)
    archived = mem.archive(cube.id)
    assert found(mem) == []
    assert mem.get(cube.id) == archived
    assert mem.get_all(filters={"state": "archived"}) == [archived]
    mem.update(cube.id, "Alice moved to Porto.")
    assert found(mem, "Porto") == []
    mem.activate(cube.id)
    assert found(mem, "Porto") == [cube.id]
    assert [one.state for one in mem.history(cube.id)] == [
        State.ACTIVATED,
        State.ARCHIVED,
        State.ARCHIVED,
        State.ACTIVATED,
    ]


def test_a_frozen_cube_is_found_and_refuses_every_change(mem: MemOS) -> None:
    cube = mem.freeze(add(mem).id)
    changes: list[Callable[[], object]] = [
        lambda: mem.update(cube.id, "other"),
        lambda: mem.restore(cube.id, 1),
        lambda: mem.relabel(cube.id, ["x"]),
        lambda: mem.classify(cube.id, "secret"),
        lambda: mem.set_expiry(cube.id, ttl_seconds=1),
        lambda: mem.merge([cube.id, add(mem, "other").id], "both"),
    ]
    for change in changes:
        with pytest.raises(FrozenCube, match=f"{cube.id} is frozen"):
            change()
    assert mem.get(cube.id) == cube
    assert cube.id in found(mem)
    assert mem.update(mem.thaw(cube.id).id, "Alice moved to Porto.").version == 4
    mem.freeze(cube.id)
    assert mem.delete(cube.id).ids == (cube.id,)


def test_another_version_than_expected_is_not_changed(mem: MemOS) -> None:
    cube = add(mem)
    for change in (mem.archive, mem.freeze, mem.expire, mem.set_expiry):
        with pytest.raises(VersionConflict):
            change(cube.id, if_version=2)
    assert mem.archive(cube.id, if_version=1).version == 2


def test_a_memory_with_a_ttl_is_gone_from_every_answer_when_its_time_has_come(
    timed: MemOS, clock: HandClock
) -> None:
    cube = add(timed, ttl_seconds=60)
    other = add(timed, "Alice stays in Lisbon.", expires_at=clock.now() + timedelta(seconds=90))
    clock.advance(59)
    assert set(found(timed)) == {cube.id, other.id}
    clock.advance(2)
    assert found(timed) == [other.id]
    expired = timed.get(cube.id)
    assert (expired.state, expired.version, expired.text) == (State.EXPIRED, 2, cube.text)
    with pytest.raises(ExpiredCube, match=cube.id):
        timed.update(cube.id, "new")
    with pytest.raises(ExpiredCube, match=cube.id):
        timed.chat("Where?", memories=[cube.id])
    with pytest.raises(ExpiredCube, match=cube.id):
        timed.fork(cube.id)
    (row,) = [row for row in timed.audit() if row.call == "expire"]
    assert (row.actor, row.subjects) == ("service:application", (cube.id,))
    clock.advance(60)
    assert found(timed) == []
    assert timed.check().problems == ()


def test_more_time_brings_a_memory_back(timed: MemOS, clock: HandClock) -> None:
    cube = add(timed, ttl_seconds=60)
    clock.advance(61)
    renewed = timed.set_expiry(cube.id, ttl_seconds=60)
    assert (renewed.state, renewed.version) == (State.ACTIVATED, 3)
    assert found(timed) == [cube.id]
    clock.advance(61)
    assert found(timed) == []
    assert timed.set_expiry(cube.id).header.governance.expires_at is None
    clock.advance(10**9)
    assert found(timed) == [cube.id]


def test_time_runs_for_the_frozen_the_archived_and_the_held(timed: MemOS, clock: HandClock) -> None:
    cubes = [add(timed, ttl_seconds=60) for _ in range(3)]
    timed.freeze(cubes[0].id)
    timed.archive(cubes[1].id)
    timed.hold(cubes[2].id)
    clock.advance(61)
    assert {timed.get(cube.id).state for cube in cubes} == {State.EXPIRED}
    with pytest.raises(LegalHold):
        timed.delete(cubes[2].id)


def test_what_was_due_while_the_store_was_closed_is_never_served(
    tmp_path: Path, settings: Settings
) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        kept, due = add(mem), add(mem, ttl_seconds=0.05)
    time.sleep(0.1)
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        assert found(mem) == [kept.id]
        assert mem.get(due.id).state is State.EXPIRED


def test_a_sweep_says_what_is_due_and_then_does_it(timed: MemOS, clock: HandClock) -> None:
    cube = add(timed, ttl_seconds=60)
    assert timed.sweep(dry_run=True) == []
    clock.advance(61)
    assert timed.sweep(dry_run=True) == [cube]
    assert [one.id for one in timed.sweep()] == [cube.id]
    assert timed.sweep() == []
    assert timed.get(cube.id).version == 2


def test_thousands_expire_at_once(timed: MemOS, clock: HandClock) -> None:
    timed.add([{"content": f"memory {number}"} for number in range(2500)], ttl_seconds=60)
    clock.advance(61)
    assert timed.search("memory") == []
    assert len(timed.get_all(filters={"state": "expired"})) == 2500
    assert sum(row.call == "expire" for row in timed.audit(limit=100)) == 3


def test_nothing_derived_is_served_whose_source_has_expired(timed: MemOS, clock: HandClock) -> None:
    brief, lasting = add(timed, ttl_seconds=60), add(timed, "Alice likes tea.")
    kv = timed.transform([brief.id, lasting.id], to=Kind.ACTIVATION)
    assert kv.header.governance.expires_at == brief.header.governance.expires_at
    timed.set_expiry(kv.id)
    assert timed.chat("Where?", memories=[kv.id], max_tokens=1).tokens == 1
    clock.advance(61)
    with pytest.raises(ExpiredCube, match=kv.id):
        timed.chat("Where?", memories=[kv.id])
    assert [one.id for one in timed.lineage(kv.id).expired] == [brief.id]
    with pytest.raises(ExpiredCube, match=brief.id):
        timed.transform([brief.id], to=Kind.ACTIVATION)
    timed.expire(kv.id)
    with pytest.raises(ExpiredCube, match=kv.id):
        timed.chat("Where?", memories=[kv.id])


def test_a_kv_cube_speaks_for_its_sources_until_their_content_changes(mem: MemOS) -> None:
    cube = add(mem)
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    mem.archive(cube.id)
    mem.activate(cube.id)
    mem.relabel(cube.id, ["home"])
    assert mem.lineage(kv.id).stale == ()
    mem.update(cube.id, "Alice moved to Porto.")
    with pytest.raises(StaleCube):
        mem.chat("Where?", memories=[kv.id])
    mem.restore(cube.id, 1)
    assert mem.chat("Where?", memories=[kv.id], max_tokens=1).tokens == 1


def test_a_parametric_cube_that_failed_cannot_be_activated(mem: MemOS) -> None:
    lora = mem.transform([add(mem).id], to=Kind.PARAMETRIC)
    assert lora.state is State.GENERATED
    with pytest.raises(UnfitCube, match=lora.id):
        mem.activate(lora.id)
    assert mem.archive(lora.id).state is State.ARCHIVED


def test_a_legal_hold_needs_an_administrator_and_stops_forgetting(mem: MemOS) -> None:
    cube = add(mem)
    with pytest.raises(Forbidden, match="administer"):
        mem.acting("user:alice").hold(cube.id)
    held = mem.hold(cube.id, reason="case 7")
    assert held.header.governance.legal_hold
    with pytest.raises(LegalHold):
        mem.acting("user:alice").delete(cube.id)
    assert not mem.release(cube.id).header.governance.legal_hold
    assert mem.delete(cube.id).ids == (cube.id,)
    assert "case 7" in {row.reason for row in mem.audit()}


def test_labels_are_replaced_and_filtered_by(mem: MemOS) -> None:
    cube = add(mem, labels=["home"])
    labelled = mem.relabel(cube.id, ["work", "work"])
    assert labelled.header.labels == ("work",)
    assert mem.get_all(filters={"labels": "work"}) == [labelled]
    assert mem.get_all(filters={"labels": "home"}) == []


def test_only_who_sees_a_memory_whole_makes_it_less_sensitive(mem: MemOS) -> None:
    cube = add(mem, sensitivity="confidential", licence="CC-BY-4.0")
    assert cube.header.governance.licence == "CC-BY-4.0"
    mem.grant("agent:helper", ["read", "write"], user_id="alice")
    helper = mem.acting("agent:helper")
    assert helper.classify(cube.id, "secret").header.governance.sensitivity == "secret"
    with pytest.raises(Forbidden, match="less sensitive"):
        helper.classify(cube.id, "public")
    with pytest.raises(Forbidden):
        helper.fork(cube.id)
    alice = mem.acting("user:alice")
    assert alice.classify(cube.id, "public").header.governance.sensitivity == "public"


def test_who_may_only_read_changes_no_state(mem: MemOS) -> None:
    cube = add(mem)
    mem.grant("user:bob", "read", id=cube.id)
    bob, carol = mem.acting("user:bob"), mem.acting("user:carol")
    for name in ("archive", "activate", "freeze", "thaw", "expire", "set_expiry"):
        with pytest.raises(Forbidden):
            getattr(bob, name)(cube.id)
        with pytest.raises(UnknownCube):
            getattr(carol, name)(cube.id)
    with pytest.raises(Forbidden):
        bob.sweep()
    assert mem.get(cube.id) == cube


WRONG: list[tuple[str, Callable[[MemOS, str], object]]] = [
    ("a negative ttl", lambda mem, one: mem.add("x", ttl_seconds=-1)),
    ("a ttl of zero", lambda mem, one: mem.add("x", ttl_seconds=0)),
    ("a ttl that is no number", lambda mem, one: mem.add("x", ttl_seconds=float("nan"))),
    ("a ttl without end", lambda mem, one: mem.add("x", ttl_seconds=float("inf"))),
    ("a ttl below the clock", lambda mem, one: mem.add("x", ttl_seconds=1e-9)),
    ("a ttl beyond the calendar", lambda mem, one: mem.add("x", ttl_seconds=10**400)),
    ("a ttl as a text", lambda mem, one: mem.add("x", ttl_seconds="60")),  # type: ignore[arg-type]
    ("a ttl that is true", lambda mem, one: mem.add("x", ttl_seconds=True)),
    ("an expiry that has passed", lambda mem, one: mem.add("x", expires_at="2001-01-01")),
    ("an expiry that is no time", lambda mem, one: mem.add("x", expires_at="soon")),
    ("ttl and expiry", lambda mem, one: mem.add("x", ttl_seconds=1, expires_at="2999-01-01")),
    ("no such sensitivity", lambda mem, one: mem.add("x", sensitivity="hot")),
    ("an empty licence", lambda mem, one: mem.add("x", licence=" ")),
    ("a past expiry for a cube", lambda mem, one: mem.set_expiry(one, expires_at=0)),
    ("no such level", lambda mem, one: mem.classify(one, "hot")),
    ("labels that are a text", lambda mem, one: mem.relabel(one, "x")),
    ("no id", lambda mem, one: mem.archive("seven")),
]


def test_bad_input_is_an_error_that_changes_nothing(mem: MemOS) -> None:
    cube = add(mem)
    before = mem.stats().held
    for name, act in WRONG:
        with pytest.raises(BadInput):
            act(mem, cube.id)
        assert mem.stats().held == before, name


def test_a_key_is_good_for_the_same_ttl_at_another_time(timed: MemOS, clock: HandClock) -> None:
    first = add(timed, ttl_seconds=60, idempotency_key="k")
    clock.advance(5)
    assert add(timed, ttl_seconds=60, idempotency_key="k") == first
