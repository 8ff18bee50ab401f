"""The time machine: a view shows what was known then, of what one may read today."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos import Kind, MemCube, MemOS, State, View
from memos.errors import BadInput, Conflict, Forbidden, NotFound, UnknownCube, UnknownOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memos.testing.clock import HandClock


def add(mem: MemOS, text: str, **more: Any) -> MemCube:
    (cube,) = mem.add(text, **{"user_id": "alice", **more})
    return cube


def now(mem: MemOS) -> View:
    """What is known now, to be looked at later."""
    return mem.at(mem._parts.clock.now())


def texts(view: MemOS | View, query: str, **more: Any) -> list[str]:
    return [hit.cube.text for hit in view.search(query, **more)]


def test_a_view_shows_every_cube_in_the_version_of_then(mem: MemOS) -> None:
    kept, changed = add(mem, "Alice likes tea."), add(mem, "Alice lives in Lisbon.")
    view = now(mem)
    mem.update(changed.id, "Alice lives in Porto.")
    later = add(mem, "Alice has a cat.")
    assert view.get_all() == [kept, changed]
    assert view.get(changed.id) == changed
    assert view.history(changed.id) == [changed]
    assert texts(view, "where in Lisbon does Alice live?", k=1) == ["Alice lives in Lisbon."]
    assert len(view.search("Alice", k=10)) == 2
    with pytest.raises(UnknownCube, match="there was no cube"):
        view.get(later.id)
    assert len(now(mem).get_all()) == 3


def test_a_view_shows_states_as_they_were(mem: MemOS) -> None:
    cube = add(mem, "Alice lives in Lisbon.")
    before = now(mem)
    mem.archive(cube.id)
    between = now(mem)
    mem.activate(cube.id)
    mem.merge([cube.id, add(mem, "Lisbon is her home.").id], "Lisbon!")
    assert texts(before, "Lisbon") == [cube.text]
    assert texts(between, "Lisbon") == []
    assert [one.state for one in before.get_all()] == [State.ACTIVATED]
    assert between.get_all(filters={"state": "archived"}) == [between.get(cube.id)]
    assert texts(mem, "Lisbon") == ["Lisbon!"]


def test_a_memory_whose_time_was_over_then_is_not_found(timed: MemOS, clock: HandClock) -> None:
    add(timed, "Alice is in Lisbon.", ttl_seconds=60)
    start = now(timed)
    clock.advance(61)
    late = now(timed)
    clock.advance(3600)
    assert texts(timed, "Lisbon") == []
    assert texts(start, "Lisbon") == ["Alice is in Lisbon."]
    assert texts(late, "Lisbon") == []
    assert texts(timed.at(start.at + timedelta(seconds=60.5)), "Lisbon") == []


def test_what_was_forgotten_since_is_gone_from_the_past(mem: MemOS) -> None:
    cube = add(mem, "the secret word is xylophone")
    mem.update(cube.id, "the secret word is marimba")
    view = now(mem)
    mem.delete(cube.id)
    assert view.get_all() == []
    assert texts(view, "secret xylophone marimba") == []
    with pytest.raises(UnknownCube):
        view.history(cube.id)


def test_an_imported_cube_was_not_known_before_it_came(mem: MemOS, tmp_path: Path) -> None:
    cube = add(mem, "Alice lives in Lisbon.")
    mem.export_to(tmp_path / "all.zip")
    mem.delete(cube.id)
    view = now(mem)
    mem.import_from(tmp_path / "all.zip", revive=True)
    assert view.get_all() == []
    assert texts(view, "Lisbon") == []
    assert mem.get_all() == [cube]


def test_filters_kinds_and_pages_hold_for_the_versions_of_then(mem: MemOS) -> None:
    made = [add(mem, f"memory {n}", metadata={"n": n}, labels=["old"]) for n in range(7)]
    mem.transform([made[0].id], to=Kind.ACTIVATION)
    view = now(mem)
    for cube in made[::2]:
        mem.update(cube.id, "changed", metadata={"n": 100}, labels=["new"])
    assert view.get_all(kind=Kind.PLAINTEXT) == made
    assert view.get_all(filters={"labels": "old"}) == made
    assert view.get_all(filters={"labels": "new"}) == []
    assert view.get_all(filters={"metadata.n": {"gte": 4}}) == made[4:]
    assert len(view.get_all(kind=Kind.ACTIVATION)) == 1
    page, after = [], None
    while part := view.get_all(kind=Kind.PLAINTEXT, limit=3, after=after):
        page += part
        after = part[-1].id
    assert page == made
    assert view.get_all(kind=Kind.PLAINTEXT, limit=2, newest_first=True) == made[:-3:-1]
    hits = view.search("memory", k=10, filters={"metadata.n": {"in": [1, 2]}})
    assert {hit.cube.metadata["n"] for hit in hits} == {1, 2}
    assert view.get_all(user_id="bob") == []


def test_old_texts_rank_beside_those_that_have_stayed(mem: MemOS) -> None:
    mem.add([{"content": f"A walk in the park, number {n}."} for n in range(40)], user_id="alice")
    violin = add(mem, "The violin is under the bed.")
    oboe = add(mem, "The oboe is under the table.")
    view = now(mem)
    before = texts(mem, "where is the violin?", k=3)
    mem.update(violin.id, "The violin was sold.")
    mem.archive(oboe.id)
    assert texts(view, "where is the violin?", k=3)[0] == before[0] == violin.text
    assert texts(view, "oboe", k=1) == [oboe.text]
    assert texts(view, "walk in the park", k=50).count(violin.text) == 1
    hit = view.search("violin", k=1)[0]
    assert hit.score == pytest.approx(sum(hit.parts.values()))


def test_a_turn_beside_a_hit_is_found_as_it_was(mem: MemOS) -> None:
    turns = [{"content": "Where is the violin kept?"}, {"content": "Under my bed, of course."}]
    _, second = mem.add(turns, user_id="alice", session_id="s")
    for number in range(20):
        add(mem, f"Unrelated remark number {number}.")
    view = now(mem)
    mem.update(second.id, "It was sold.")
    mem.add([{"content": "A pity."}], user_id="alice", session_id="s")
    assert texts(view, "violin", k=2) == [turn["content"] for turn in turns]


def test_rights_are_those_of_today(mem: MemOS) -> None:
    shared, private = add(mem, "shared", labels=["team"]), add(mem, "private", labels=["team"])
    view_time = now(mem).at
    mem.relabel(private.id, [])
    (grant,) = mem.grant("user:bob", "read", label="team", user_id="alice")
    bob = mem.acting("user:bob")
    view = bob.at(view_time)
    assert view.get_all() == [shared]
    assert [hit.cube for hit in view.search("private shared")] == [shared]
    with pytest.raises(UnknownCube):
        view.get(private.id)
    with pytest.raises(UnknownCube):
        view.history(private.id)
    mem.revoke(grant.number)
    assert view.get_all() == []
    assert view.search("shared") == []


def test_a_bound_handle_stays_in_its_scope_in_the_past(mem: MemOS) -> None:
    hers, his = add(mem, "hers"), add(mem, "his", user_id="bob")
    moment = now(mem).at
    mem.update(his.id, "his own")
    view = mem.acting("user:alice", user_id="alice").at(moment)
    assert view.get_all() == [hers]
    with pytest.raises(Forbidden):
        view.get_all(user_id="bob")
    with pytest.raises(UnknownCube):
        view.get(his.id)


def test_a_sensitive_memory_is_redacted_in_the_past_too(mem: MemOS) -> None:
    cube = add(mem, "Write to alice@example.com.", sensitivity="confidential")
    view_time = now(mem).at
    mem.update(cube.id, "Do not write.")
    mem.grant("agent:helper", "read", user_id="alice")
    view = mem.acting("agent:helper").at(view_time)
    shown = [view.get(cube.id), *view.get_all(), *view.history(cube.id)]
    shown += [hit.cube for hit in view.search("write")]
    assert len(shown) == 4
    assert all("alice@example.com" not in one.text for one in shown)


def test_every_look_into_the_past_is_recorded_with_its_time(mem: MemOS) -> None:
    cube = add(mem, "Alice lives in Lisbon.")
    view = mem.acting("user:alice", reason="taxes").at(mem._parts.clock.now())
    view.get(cube.id)
    view.search("Lisbon")
    rows = [row for row in mem.audit() if row.call.startswith("at.")]
    assert [(row.call, row.subjects) for row in rows] == [
        ("at.get", (cube.id,)),
        ("at.search", (cube.id,)),
    ]
    assert {row.reason for row in rows} == {f"taxes [at {view.at.isoformat()}]"}


def test_a_moment_can_have_a_name(mem: MemOS) -> None:
    cube = add(mem, "Alice lives in Lisbon.")
    first = mem.snapshot("before the move")
    mem.update(cube.id, "Alice lives in Porto.")
    second = mem.snapshot("after")
    assert mem.snapshots() == [first, second]
    assert mem.at("before the move").get(cube.id) == cube
    assert mem.at(" after ").get(cube.id).text == "Alice lives in Porto."
    with pytest.raises(Conflict, match="after"):
        mem.snapshot("after")
    assert mem.drop_snapshot("after") == second
    with pytest.raises(NotFound, match="after"):
        mem.at("after")
    with pytest.raises(NotFound, match="after"):
        mem.drop_snapshot("after")
    assert mem.snapshot("after").at > second.at


def test_naming_moments_takes_an_administrator_and_looking_back_at_one_does_not(
    mem: MemOS,
) -> None:
    cube = add(mem, "Alice lives in Lisbon.")
    then = mem.snapshot("then")
    alice = mem.acting("user:alice")
    assert alice.at(then.at).get_all() == [cube]
    with pytest.raises(Forbidden):
        alice.snapshot("mine")
    with pytest.raises(Forbidden):
        alice.drop_snapshot("then")
    assert alice.snapshots() == []


WRONG: list[tuple[Callable[[MemOS], object], type[Exception]]] = [
    (lambda mem: mem.at("2999-01-01"), BadInput),
    (lambda mem: mem.at(float("nan")), BadInput),
    (lambda mem: mem.at(None), BadInput),  # type: ignore[arg-type]
    (lambda mem: mem.at("nowhere"), NotFound),
    (lambda mem: mem.snapshot(" "), BadInput),
    (lambda mem: mem.snapshot("x" * 257), BadInput),
    (lambda mem: mem.snapshot("2024-05-01"), BadInput),
    (lambda mem: mem.snapshot("now"), BadInput),
    (lambda mem: mem.snapshot("a\u200bb"), BadInput),
    (lambda mem: mem.snapshot("a\nb"), BadInput),
    (lambda mem: mem.snapshot(" a"), BadInput),
    (lambda mem: mem.snapshot(7), BadInput),  # type: ignore[arg-type]
    (lambda mem: mem.drop_snapshot(None), NotFound),  # type: ignore[arg-type]
    (lambda mem: now(mem).search(" "), BadInput),
    (lambda mem: now(mem).search("x", k=0), BadInput),
    (lambda mem: now(mem).get("seven"), BadInput),
    (lambda mem: now(mem).get_all(limit=0), BadInput),
    (lambda mem: now(mem).get_all(kind="smell"), BadInput),
    (lambda mem: now(mem).get_all(filters={"shoe": 1}), BadInput),
    (lambda mem: now(mem).get_all(filters={"text": {"near": 1}}), UnknownOperator),
    (lambda mem: now(mem).search("x", filters={"created_at": {"gt": "soon"}}), BadInput),
]


def test_bad_input_is_an_error_that_changes_nothing(mem: MemOS) -> None:
    add(mem, "there before")
    before = mem.stats().held
    for act, error in WRONG:
        with pytest.raises(error):
            act(mem)
    assert mem.stats().held == before
    assert mem.snapshots() == []


steps = st.lists(
    st.tuples(
        st.sampled_from(("add", "update", "archive", "activate", "freeze", "thaw", "relabel",
                         "expire", "renew", "restore", "forget")),
        st.integers(0, 4),
    ),
    max_size=12,
)  # fmt: skip


def play(mem: MemOS, step: str, number: int, word: str) -> None:
    """Do something to one of the cubes, where its state allows it."""
    cubes = mem.get_all()
    if step == "add" or not cubes:
        add(mem, word, labels=["new"])
        return
    cube = cubes[number % len(cubes)]
    acts: dict[str, Callable[[], object]] = {
        "update": lambda: mem.update(cube.id, word),
        "archive": lambda: mem.archive(cube.id),
        "activate": lambda: mem.activate(cube.id),
        "freeze": lambda: mem.freeze(cube.id),
        "thaw": lambda: mem.thaw(cube.id),
        "relabel": lambda: mem.relabel(cube.id, [word]),
        "expire": lambda: mem.expire(cube.id),
        "renew": lambda: mem.set_expiry(cube.id, ttl_seconds=3600),
        "restore": lambda: mem.restore(cube.id, 1),
        "forget": lambda: mem.delete(cube.id),
    }
    try:
        acts[step]()
    except Conflict:
        return


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps)
def test_a_view_answers_as_the_store_answered_then(
    timed: MemOS, told: list[tuple[str, int]]
) -> None:
    timed.delete_all(everything=True)
    marks: list[tuple[View, list[MemCube], set[str]]] = []
    for position, (step, number) in enumerate(told):
        play(timed, step, number, f"zq{position:02}x")
        listed = timed.get_all()
        found = {hit.cube.id for hit in timed.search("anything", k=50)}
        marks.append((now(timed), listed, found))
    there = {cube.id for cube in timed.get_all()}
    for view, listed, found in marks:
        assert view.get_all() == [cube for cube in listed if cube.id in there]
        assert {hit.cube.id for hit in view.search("anything", k=50)} == found & there
        for cube in listed:
            if cube.id in there:
                assert view.history(cube.id)[-1] == cube
