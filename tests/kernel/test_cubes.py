"""Remember, find, read, revise, forget: the calls keep the contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemCube, MemOS, State
from memos.cube.identity import Identities
from memos.errors import (
    BadInput,
    Forbidden,
    KeyReused,
    MemosError,
    StoreClosed,
    UnknownCube,
    UnknownOperator,
    VersionConflict,
)
from memos.ports.graph import Relation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memos.config import Settings

NOBODY = Identities().new(datetime(2024, 1, 1, tzinfo=UTC))


def add(mem: MemOS, text: str, **whose: Any) -> MemCube:
    (cube,) = mem.add(text, **whose)
    return cube


def test_what_is_added_is_found_by_its_user(mem: MemOS) -> None:
    cube = add(mem, "Alice moved to Lisbon in May 2024.", user_id="alice")
    add(mem, "Bob moved to Lisbon in June 2024.", user_id="bob")
    hits = mem.search("where does Alice live in Lisbon?", user_id="alice", k=5)
    assert [hit.cube for hit in hits] == [cube]
    assert hits[0].score == pytest.approx(sum(hits[0].parts.values()))
    assert (cube.kind, cube.version, cube.state) == (Kind.PLAINTEXT, 1, State.ACTIVATED)


def test_a_conversation_is_one_cube_a_turn_linked_in_order(mem: MemOS) -> None:
    turns = [
        {"role": "user", "content": "I moved to Lisbon."},
        {"role": "assistant", "content": "How is it?"},
        {"role": "user", "content": "Sunny."},
    ]
    first = mem.add(turns[:2], user_id="alice", session_id="s1", timestamp="2024-05-01")
    (third,) = mem.add(turns[2:], user_id="alice", session_id="s1")
    other = mem.add(turns[:1], user_id="alice", session_id="s2")
    cubes = [*first, third]
    assert [getattr(cube.payload, "position", None) for cube in cubes] == [0, 1, 2]
    assert [cube.header.valid_from for cube in first] == [datetime(2024, 5, 1, tzinfo=UTC)] * 2
    edges = mem._parts.catalog.edges_of([cube.id for cube in [*cubes, *other]], [Relation.NEXT])
    assert [(edge.source, edge.target) for edge in edges] == [
        (cubes[0].id, cubes[1].id),
        (cubes[1].id, cubes[2].id),
    ]


def test_turns_of_two_users_with_equal_session_names_are_not_linked(mem: MemOS) -> None:
    hers = mem.add([{"content": "one"}], user_id="alice", session_id="s")
    his = mem.add([{"content": "two"}], user_id="bob", session_id="s")
    theirs = mem.add([{"content": "three"}], session_id="s")
    ids = [cube.id for cube in (*hers, *his, *theirs)]
    assert mem._parts.catalog.edges_of(ids, [Relation.NEXT]) == []


def test_what_was_said_at_a_time_that_is_asked_about_is_found(mem: MemOS) -> None:
    for year in range(2015, 2025):
        add(mem, f"A walk by the river, number {year}", user_id="ann", timestamp=f"{year}-05-09")
    hits = mem.search("what happened in May 2022?", user_id="ann", k=3)
    assert hits[0].cube.text == "A walk by the river, number 2022"
    assert hits[0].parts["time"] > 2 * hits[1].parts.get("time", 0)
    before = mem.search("what happened last May?", as_of="2020-01-01", user_id="ann", k=1)
    assert before[0].cube.text == "A walk by the river, number 2019"


def test_a_turn_beside_a_hit_is_found_and_its_score_says_why(mem: MemOS) -> None:
    turns = [{"content": "Where is the violin kept?"}, {"content": "Under my bed, of course."}]
    mem.add(turns, user_id="alice", session_id="s")
    for number in range(20):
        add(mem, f"Unrelated remark number {number}.", user_id="alice")
    hits = {hit.cube.text: hit for hit in mem.search("violin", user_id="alice", k=22)}
    assert next(iter(hits)) == turns[0]["content"]
    beside = hits[turns[1]["content"]]
    assert beside.parts
    assert beside.score == sum(beside.parts.values())


def test_everything_given_comes_back(mem: MemOS) -> None:
    (cube,) = mem.add(
        {"content": "I moved.", "role": "user", "name": "Alice", "caption": "a house"},
        user_id="alice",
        agent_id="a",
        session_id="s",
        timestamp=datetime(2024, 5, 1, tzinfo=UTC),
        metadata={"n": 1, "deep": {"er": [None, True]}},
        labels=["home"],
        source="chat.jsonl",
        source_start=256,
    )
    again = mem.get(cube.id)
    assert again == cube
    assert (again.speaker, again.metadata["n"], again.header.labels) == ("Alice", 1, ("home",))
    assert again.provenance.source is not None
    assert again.provenance.source.uri == "chat.jsonl"
    assert again.provenance.source.span == (256, 257)
    assert again.scope.named() == {"user_id": "alice", "agent_id": "a", "session_id": "s"}


def test_a_title_that_is_given_is_the_cubes_and_is_found_by_its_words(mem: MemOS) -> None:
    (cube,) = mem.add({"content": "She painted it at night.", "title": "Lighthouse"})
    add(mem, "She painted the fence.")
    assert (cube.header.title, cube.text) == ("Lighthouse", "She painted it at night.")
    assert mem.search("lighthouse", k=1)[0].cube == cube
    assert mem.update(cube.id, "He painted it.").header.title == "Lighthouse"
    assert mem.fork(cube.id).header.title == "Lighthouse"
    assert mem.check().ok


def test_an_update_is_a_new_version_and_the_old_stays_readable(mem: MemOS) -> None:
    cube = add(mem, "Alice lives in Lisbon.", user_id="alice")
    new = mem.update(cube.id, "Alice lives in Porto.", labels=["moved"])
    assert (new.id, new.version, new.text) == (cube.id, 2, "Alice lives in Porto.")
    assert new.header.life.previous == 1
    assert mem.history(cube.id) == [cube, new]
    assert mem.get(cube.id, version=1) == cube
    assert [hit.cube for hit in mem.search("Porto", user_id="alice")] == [new]
    assert mem.search("Lisbon", user_id="alice")[0].cube.text == "Alice lives in Porto."


def test_what_is_forgotten_is_never_found(mem: MemOS) -> None:
    cube = add(mem, "the secret word is xylophone", user_id="alice")
    mem.update(cube.id, "the secret word is marimba")
    forgotten = mem.delete(cube.id)
    assert forgotten.ids == (cube.id,)
    assert mem.search("secret word marimba xylophone") == []
    assert mem.get_all() == []
    for act in (mem.get, mem.history, mem.delete):
        with pytest.raises(UnknownCube, match=cube.id):
            act(cube.id)


def test_a_dry_run_says_what_would_go_and_changes_nothing(mem: MemOS) -> None:
    cube = add(mem, "to stay", user_id="alice")
    before = mem.stats().held
    assert mem.delete(cube.id, dry_run=True).ids == (cube.id,)
    assert mem.delete_all(user_id="alice", dry_run=True).ids == (cube.id,)
    assert mem.stats().held == before


def test_delete_all_takes_a_scope_or_a_filter_and_nothing_else(mem: MemOS) -> None:
    kept = add(mem, "his", user_id="bob")
    gone = [add(mem, f"hers {number}", user_id="alice").id for number in range(3)]
    with pytest.raises(BadInput, match="everything"):
        mem.delete_all()
    assert set(mem.delete_all(user_id="alice").ids) == set(gone)
    assert mem.get_all() == [kept]
    assert mem.delete_all(filters={"user_id": "bob"}).ids == (kept.id,)
    assert mem.delete_all(everything=True).ids == ()


def test_pages_of_a_listing_make_the_whole(mem: MemOS) -> None:
    made = [add(mem, f"memory {number}", user_id="alice") for number in range(7)]
    assert mem.get_all(user_id="alice") == made
    page, after = [], None
    while part := mem.get_all(limit=3, after=after):
        page += part
        after = part[-1].id
    assert page == made
    assert mem.get_all(limit=2, newest_first=True) == made[:-3:-1]


def test_k_hits_come_back_if_k_exist_at_any_selectivity(mem: MemOS) -> None:
    mem.add([{"content": f"a walk in the park {number}"} for number in range(300)], user_id="bob")
    mem.add(
        [{"content": f"a walk {n}", "metadata": {"n": n}, "labels": ["rare"]} for n in range(5)],
        user_id="bob",
    )
    hits = mem.search("a walk in the park", user_id="bob", k=5, filters={"labels": "rare"})
    assert {hit.cube.metadata["n"] for hit in hits} == set(range(5))
    two = mem.search("walk", user_id="bob", k=9, filters={"metadata.n": {"in": [1, 3]}})
    assert {hit.cube.metadata["n"] for hit in two} == {1, 3}
    assert mem.search("walk", filters={"labels": "absent"}) == []


def test_by_id_calls_check_the_scope(mem: MemOS) -> None:
    cube = add(mem, "hers", user_id="alice", session_id="s")
    for whose in ({"user_id": "bob"}, {"session_id": "t"}, {"agent_id": "a"}):
        acts: list[Callable[..., object]] = [
            mem.get,
            mem.history,
            mem.delete,
            mem.lineage,
            lambda one, **ids: mem.update(one, "mine now", **ids),
            lambda one, **ids: mem.transform([one], to=Kind.ACTIVATION, **ids),
            lambda one, **ids: mem.chat("what?", memories=[one], **ids),
        ]
        for act in acts:
            with pytest.raises(UnknownCube):
                act(cube.id, **whose)
    assert mem.get(cube.id, user_id="alice", session_id="s") == cube


def test_a_bound_handle_cannot_leave_its_scope(tmp_path: Path, settings: Settings) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        hers, his = add(mem, "hers", user_id="alice"), add(mem, "his", user_id="bob")
    with MemOS.open(tmp_path / "store", settings=settings, user_id="alice") as mem:
        assert mem.get_all() == [hers]
        assert add(mem, "also hers").user_id == "alice"
        with pytest.raises(UnknownCube):
            mem.get(his.id)
        with pytest.raises(Forbidden, match="bob"):
            mem.search("anything", user_id="bob")
        with pytest.raises(Forbidden, match="bob"):
            mem.add([{"content": "x", "user_id": "bob"}])
        assert his.id not in mem.delete_all().ids


def test_the_same_key_and_arguments_give_the_same_result_once(mem: MemOS) -> None:
    first = mem.add("once", user_id="alice", idempotency_key="k1")
    assert mem.add("once", user_id="alice", idempotency_key="k1") == first
    assert mem.get_all() == first
    new = mem.update(first[0].id, "twice", idempotency_key="k2")
    assert mem.update(first[0].id, "twice", idempotency_key="k2") == new
    assert len(mem.history(first[0].id)) == 2
    gone = mem.delete(first[0].id, idempotency_key="k3")
    assert mem.delete(first[0].id, idempotency_key="k3").ids == gone.ids
    with pytest.raises(UnknownCube, match="forgotten"):
        mem.add("once", user_id="alice", idempotency_key="k1")


def test_a_key_with_other_arguments_is_refused(mem: MemOS) -> None:
    mem.add("once", user_id="alice", idempotency_key="k")
    with pytest.raises(KeyReused, match="'k'"):
        mem.add("other", user_id="alice", idempotency_key="k")
    (his,) = mem.add("other", user_id="bob", idempotency_key="k")
    assert len(mem.get_all()) == 2
    with pytest.raises(KeyReused):
        mem.update(his.id, "x", user_id="bob", idempotency_key="k")
    assert mem.get(his.id) == his


def test_compare_and_swap(mem: MemOS) -> None:
    cube = add(mem, "one", if_version=0)
    with pytest.raises(VersionConflict, match="version 1"):
        mem.update(cube.id, "two", if_version=2)
    with pytest.raises(VersionConflict, match="version 1"):
        mem.delete(cube.id, if_version=2)
    with pytest.raises(VersionConflict):
        mem.add("one", id=cube.id)
    with pytest.raises(VersionConflict):
        mem.add("one", if_version=1)
    assert mem.update(cube.id, "two", if_version=1).version == 2
    assert mem.delete(cube.id, if_version=2).ids == (cube.id,)


def test_an_id_of_the_caller_s_own_is_used(mem: MemOS) -> None:
    assert add(mem, "mine", id=NOBODY).id == NOBODY
    with pytest.raises(BadInput, match="UUID"):
        mem.add("x", id="seven")
    with pytest.raises(BadInput, match="2 cubes"):
        mem.add([{"content": "x"}, {"content": "y"}], id=Identities().new(datetime.now(UTC)))


WRONG: list[tuple[str, Callable[[MemOS], object], type[MemosError]]] = [
    ("empty text", lambda mem: mem.add("  "), BadInput),
    ("no messages", lambda mem: mem.add([]), BadInput),
    ("one bad message of many", lambda mem: mem.add([{"content": "x"}, {"content": ""}]), BadInput),
    ("empty user", lambda mem: mem.add("x", user_id=""), BadInput),
    ("user that is a number", lambda mem: mem.add("x", user_id=7), BadInput),  # type: ignore[arg-type]
    ("misspelt scope", lambda mem: mem.add("x", usr_id="a"), BadInput),  # type: ignore[call-arg]
    ("empty key", lambda mem: mem.add("x", idempotency_key=""), BadInput),
    ("no time", lambda mem: mem.add("x", timestamp="soon"), BadInput),
    ("no JSON", lambda mem: mem.add("x", metadata={"a": object()}), BadInput),  # type: ignore[dict-item]
    ("not a number", lambda mem: mem.add("x", metadata={"a": float("nan")}), BadInput),
    ("empty query", lambda mem: mem.search(""), BadInput),
    ("k of zero", lambda mem: mem.search("x", k=0), BadInput),
    ("k of too many", lambda mem: mem.search("x", k=1001), BadInput),
    ("unknown field", lambda mem: mem.search("x", filters={"shoe": 1}), BadInput),
    ("unknown operator", lambda mem: mem.get_all(filters={"text": {"near": 1}}), UnknownOperator),
    ("no id", lambda mem: mem.get("seven"), BadInput),
    ("unknown id", lambda mem: mem.get(NOBODY), UnknownCube),
    ("unknown id to update", lambda mem: mem.update(NOBODY, "x"), UnknownCube),
    ("unknown id to delete", lambda mem: mem.delete(NOBODY), UnknownCube),
    ("unknown kind", lambda mem: mem.get_all(kind="smell"), BadInput),
    ("limit of zero", lambda mem: mem.get_all(limit=0), BadInput),
    ("nothing to transform", lambda mem: mem.transform([], to=Kind.ACTIVATION), BadInput),
    ("a text for ids", lambda mem: mem.transform(NOBODY, to=Kind.ACTIVATION), BadInput),
    ("empty question", lambda mem: mem.chat(" "), BadInput),
    ("no tokens", lambda mem: mem.chat("x", max_tokens=0), BadInput),
    ("a flag for a grant", lambda mem: mem.revoke(True), BadInput),
    ("a flag for a version", lambda mem: mem.get(NOBODY, version=True), BadInput),
    ("a flag for a new version", lambda mem: mem.add("x", if_version=False), BadInput),
    ("a flag for an entry", lambda mem: mem.add("x", source="s", source_start=False), BadInput),
    ("a label beyond all size", lambda mem: mem.add("x", labels=["x" * 513]), BadInput),
    ("a reason beyond all size", lambda mem: mem.forget(NOBODY, reason="x" * 2001), BadInput),
    ("a NUL in the metadata", lambda mem: mem.add("x", metadata={"a": ["\0"]}), BadInput),
    ("no bundle", lambda mem: mem.import_from("/nowhere/at/all"), BadInput),
]


@pytest.mark.parametrize(("act", "error"), [case[1:] for case in WRONG], ids=[c[0] for c in WRONG])
def test_bad_input_is_an_error_that_changes_nothing(
    mem: MemOS, act: Callable[[MemOS], object], error: type[MemosError]
) -> None:
    add(mem, "there before", user_id="alice")
    before = mem.stats().held
    with pytest.raises(error):
        act(mem)
    assert mem.stats().held == before
    assert mem.check().problems == ()


def test_a_flag_is_no_version_of_a_cube_that_is_there(mem: MemOS) -> None:
    cube = add(mem, "there before", user_id="alice")
    mem.grant("user:bob", "read", user_id="alice")
    changes: list[Callable[[], object]] = [
        lambda: mem.get(cube.id, version=True),
        lambda: mem.update(cube.id, "x", if_version=True),
        lambda: mem.delete(cube.id, if_version=True),
        lambda: mem.freeze(cube.id, if_version=True),
        lambda: mem.revoke(True),
    ]
    for change in changes:
        with pytest.raises(BadInput, match="whole number"):
            change()
    assert mem.get(cube.id) == cube
    assert len(mem.grants()) == 1


def test_a_label_and_a_reason_are_taken_up_to_their_limits(mem: MemOS) -> None:
    add(mem, "x", labels=["x" * 512])
    mem.acting("user:alice", reason="x" * 2000).add("y")
    with pytest.raises(BadInput, match="2,001 characters"):
        mem.acting("user:alice", reason="x" * 2001)
    with pytest.raises(BadInput, match="513 characters"):
        mem.grant("user:bob", "read", label="x" * 513, user_id="alice")


def test_a_grant_that_has_ended_is_not_given(mem: MemOS) -> None:
    with pytest.raises(BadInput, match="has passed"):
        mem.grant("user:bob", "read", user_id="alice", expires_at="1999-01-01")
    assert mem.grants() == []


def test_provenance_and_journal_name_the_same_principal(mem: MemOS) -> None:
    hers = add(mem, "Alice moved.", user_id="alice", agent_id="planner")
    assert hers.provenance.actor == mem.audit(call="add")[-1].actor == "service:application"
    assert mem.update(hers.id, "Alice stayed.").provenance.actor == "service:application"
    alice = mem.acting("user:alice")
    assert alice.update(hers.id, "Alice left.").provenance.actor == "user:alice"
    assert mem.audit(call="update")[-1].actor == "user:alice"


def test_who_names_nobody_is_told_so(mem: MemOS) -> None:
    with pytest.raises(Forbidden, match=r"nobody's in particular .*name a user"):
        mem.acting("agent:planner").add("for whom?")
    with pytest.raises(UnknownCube, match=f"no cube {NOBODY} [(]memos ls"):
        mem.get(NOBODY)


def test_a_closed_store_says_so(tmp_path: Path, settings: Settings) -> None:
    mem = MemOS.open(tmp_path / "store", settings=settings)
    mem.close()
    mem.close()
    with pytest.raises(StoreClosed, match="closed"):
        mem.get_all()


def test_everything_returned_is_immutable(mem: MemOS) -> None:
    cube = add(mem, "fixed", user_id="alice")
    for thing, name in (
        (cube, "header"),
        (mem.search("fixed")[0], "score"),
        (mem.stats(), "words"),
    ):
        with pytest.raises(ValueError, match="frozen"):
            setattr(thing, name, None)
