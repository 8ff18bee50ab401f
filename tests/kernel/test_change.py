"""A memory that holds no more is closed, linked and found only by who asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos import MemOS, Right
from memos.errors import BadInput, Conflict, FrozenCube, VersionConflict, WrongKind

if TYPE_CHECKING:
    from memos.config import Settings
    from memos.cube import MemCube
    from memos.testing.clock import HandClock

LISBON, PORTO = "I live in Lisbon", "I live in Porto"
QUERY = "where do I live"


def add(mem: MemOS, text: str, at: str | None = None, user: str = "alice", **more: str) -> MemCube:
    return mem.add(text, user_id=user, timestamp=at, **more)[0]  # type: ignore[arg-type]


def found(mem: MemOS, **asked: object) -> set[str]:
    return {hit.cube.text for hit in mem.search(QUERY, user_id="alice", k=20, **asked)}  # type: ignore[arg-type]


def told(mem: MemOS, cube: MemCube) -> list[tuple[str, str]]:
    return [(str(link.how), link.text) for link in mem.links(cube.id)]


def test_a_search_returns_what_holds_and_as_of_what_held(mem: MemOS) -> None:
    old = add(mem, LISBON, "2023-01-01")
    new = add(mem, PORTO, "2024-01-01")
    assert found(mem) == {PORTO}
    assert found(mem, as_of="2023-06-01") == {LISBON}
    assert found(mem, as_of="2024-01-01") == {PORTO}
    assert found(mem, as_of="2022-01-01") == set()
    both = mem.search(QUERY, user_id="alice", include_superseded=True)
    assert {(hit.cube.text, hit.superseded) for hit in both} == {(LISBON, True), (PORTO, False)}
    assert told(mem, old) == [("superseded by", PORTO)]
    assert told(mem, new) == [("supersedes", LISBON)]
    assert mem.get(old.id).header.valid_to == new.header.valid_from
    assert {hit.cube.id: [link.id for link in hit.links] for hit in both} == {
        old.id: [new.id],
        new.id: [old.id],
    }


def test_a_list_shows_all_unless_asked_otherwise(mem: MemOS) -> None:
    add(mem, LISBON, "2023-01-01")
    add(mem, PORTO, "2024-01-01")
    assert len(mem.get_all()) == 2
    assert [cube.text for cube in mem.get_all(include_superseded=False)] == [PORTO]
    assert [cube.text for cube in mem.get_all(as_of="2023-02-01")] == [LISBON]
    assert [cube.text for cube in mem.get_all(state="frozen")] == []


def test_what_comes_late_takes_its_place_between_the_others(mem: MemOS) -> None:
    first, last = add(mem, LISBON, "2023-01-01"), add(mem, PORTO, "2025-01-01")
    middle = add(mem, "I live in Berlin", "2024-01-01")
    assert found(mem) == {PORTO}
    assert found(mem, as_of="2023-06-01") == {LISBON}
    assert found(mem, as_of="2024-06-01") == {"I live in Berlin"}
    assert mem.get(first.id).header.valid_to == middle.header.valid_from
    assert mem.get(middle.id).header.valid_to == last.header.valid_from


def test_a_batch_is_compared_with_itself(mem: MemOS) -> None:
    old, new = mem.add([{"content": LISBON}, {"content": PORTO}], user_id="alice")
    assert (old.version, new.version) == (2, 1)
    assert found(mem) == {PORTO}


def test_the_same_time_decides_nothing_and_both_are_marked(mem: MemOS) -> None:
    old, new = add(mem, LISBON, "2024-01-01"), add(mem, PORTO, "2024-01-01")
    assert found(mem) == {LISBON, PORTO}
    assert told(mem, old) == [("contradicts", PORTO)]
    assert told(mem, new) == [("contradicts", LISBON)]


def test_what_says_the_same_is_linked_and_kept(mem: MemOS) -> None:
    old, new = add(mem, LISBON), add(mem, "I live in Lisbon!")
    assert found(mem) == {LISBON, "I live in Lisbon!"}
    assert told(mem, new) == [("says the same as", LISBON)]
    mem.update(old.id, "I keep bees")
    assert told(mem, new) == []


@pytest.mark.parametrize(
    "others",
    [
        {"user_id": "bob"},
        {"user_id": "alice", "agent_id": "planner"},
        {"user_id": None, "session_id": "x"},
    ],
)
def test_nobody_s_memory_is_closed_by_another_mind(mem: MemOS, others: dict[str, str]) -> None:
    old = add(mem, LISBON)
    mem.add(PORTO, **others)  # type: ignore[arg-type]
    assert mem.get(old.id).version == 1
    assert told(mem, old) == []


def test_the_sessions_of_a_user_are_one_mind_and_speakers_are_not(mem: MemOS) -> None:
    said = {"content": LISBON, "speaker": "Ann"}
    (old,) = mem.add(said, user_id="alice", session_id="one")
    mem.add({"content": PORTO, "speaker": "Ben"}, user_id="alice", session_id="two")
    assert mem.get(old.id).version == 1
    mem.add({"content": PORTO, "speaker": "Ann"}, user_id="alice", session_id="two")
    assert mem.get(old.id).header.valid_to is not None


def test_what_is_frozen_or_held_is_marked_and_never_closed(mem: MemOS) -> None:
    frozen, held = add(mem, LISBON), add(mem, "My age is 30")
    mem.freeze(frozen.id)
    mem.hold(held.id)
    new, older = add(mem, PORTO), add(mem, "My age is 31")
    assert told(mem, new) == [("contradicts", LISBON)]
    assert told(mem, older) == [("contradicts", "My age is 30")]
    assert found(mem) >= {LISBON, PORTO}


def test_what_one_may_not_write_is_marked_and_what_one_may_not_read_is_not(mem: MemOS) -> None:
    open_, secret = add(mem, LISBON), add(mem, "My age is 30")
    mem.grant("agent:helper", Right.WRITE, user_id="alice", session_id="s")
    mem.grant("agent:helper", Right.READ, id=open_.id)
    helper = mem.acting("agent:helper")
    helper.add("My age is 31", user_id="alice", session_id="s")
    assert mem.get(secret.id).version == 1
    assert told(mem, secret) == []
    helper.add(PORTO, user_id="alice", session_id="s")
    assert told(mem, open_) == [("contradicts", PORTO)]
    mem.grant("agent:helper", Right.WRITE, id=open_.id)
    helper.add("I live in Berlin", user_id="alice", session_id="s")
    assert mem.get(open_.id).header.valid_to is not None


def test_never_compares_nothing(mem: MemOS, settings: Settings) -> None:
    old = add(mem, LISBON)
    add(mem, PORTO, supersede="never")
    assert mem.get(old.id).version == 1
    with pytest.raises(BadInput, match="supersede"):
        add(mem, PORTO, supersede="perhaps")
    never = settings.model_copy(update={"supersede": "never"})
    with MemOS.open(settings=never) as other:
        add(other, LISBON)
        add(other, PORTO)
        assert len(found(other)) == 2
        add(other, "I live in Berlin", supersede="auto")
        assert found(other) == {"I live in Berlin"}


def test_what_a_forgotten_memory_had_closed_is_open_again(mem: MemOS) -> None:
    first = add(mem, LISBON, "2023-01-01")
    middle = add(mem, "I live in Berlin", "2024-01-01")
    last = add(mem, PORTO, "2025-01-01")
    mem.delete(middle.id)
    assert mem.get(first.id).header.valid_to == last.header.valid_from
    assert told(mem, first) == [("superseded by", PORTO)]
    assert found(mem) == {PORTO}
    mem.forget(last.id)
    assert mem.get(first.id).header.valid_to is None
    assert found(mem) == {LISBON}
    assert mem.check().ok
    assert [cube.provenance.step.operation for cube in mem.history(first.id)] == [
        "add", "supersede", "reopen", "reopen",
    ]  # fmt: skip


def test_what_was_closed_by_hand_is_handed_on_with_the_time_that_was_said(mem: MemOS) -> None:
    first, middle, last = (add(mem, text) for text in ("tea", "coffee", "water"))
    mem.supersede(first.id, middle.id, timestamp="2030-01-01")
    mem.supersede(middle.id, last.id, timestamp="2031-01-01")
    mem.delete(middle.id)
    until = mem.get(first.id).header.valid_to
    assert until is not None
    assert until.year == 2031


def test_the_past_is_as_it_was_known(timed: MemOS, clock: HandClock) -> None:
    add(timed, LISBON)
    before = timed._parts.clock.now()
    clock.advance(3600)
    add(timed, PORTO)
    assert found(timed, known_at=before) == {LISBON}
    assert found(timed) == {PORTO}
    after = timed._parts.clock.now()
    assert found(timed, known_at=after) == {PORTO}
    assert found(timed, known_at=after, include_superseded=True) == {LISBON, PORTO}
    assert len(timed.get_all(known_at=before)) == 1


def test_one_memory_is_said_to_supersede_another(mem: MemOS) -> None:
    old = add(mem, "tea", "2023-01-01")
    new = mem.supersede(old.id, "coffee", timestamp="2024-01-01", labels=["drinks"])
    assert (new.text, new.user_id, new.header.labels) == ("coffee", "alice", ("drinks",))
    assert told(mem, old) == [("superseded by", "coffee")]
    third = add(mem, "water", "2025-01-01")
    assert mem.supersede(new.id, third.id).id == third.id
    assert mem.get(new.id).header.valid_to == third.header.valid_from
    assert mem.get(new.id).version == 2


def test_a_supersession_that_cannot_be_is_refused_and_changes_nothing(mem: MemOS) -> None:
    old, other = add(mem, "tea", "2024-01-01"), add(mem, "coffee", "2025-01-01")
    stranger, cold = add(mem, "milk", user="bob"), add(mem, "ice")
    mem.freeze(cold.id)
    for error, given in [
        (BadInput, (old.id, old.id)),
        (BadInput, (old.id, stranger.id)),
        (BadInput, (other.id, old.id)),
        (BadInput, (old.id, " ")),
        (FrozenCube, (cold.id, "water")),
    ]:
        with pytest.raises(error):
            mem.supersede(*given)
    with pytest.raises(BadInput, match="labels"):
        mem.supersede(old.id, other.id, labels=["x"])
    with pytest.raises(VersionConflict):
        mem.supersede(old.id, "water", if_version=7)
    assert mem.get(old.id).version == 1
    mem.supersede(old.id, other.id)
    with pytest.raises(Conflict, match="over since"):
        mem.supersede(old.id, "water")
    with pytest.raises(Conflict, match="supersedes"):
        mem.supersede(other.id, old.id, timestamp="2026-01-01")


def test_a_supersession_with_a_key_is_done_once(mem: MemOS) -> None:
    old = add(mem, "tea")
    one = mem.supersede(old.id, "coffee", idempotency_key="k")
    assert mem.supersede(old.id, "coffee", idempotency_key="k").id == one.id
    assert len(mem.get_all()) == 2


def test_only_texts_are_superseded(mem: MemOS) -> None:
    old = add(mem, "tea")
    kv = mem.transform([old.id], to="activation")
    with pytest.raises(WrongKind):
        mem.supersede(kv.id, "coffee")


def test_k_hits_come_back_though_nearly_all_are_superseded(mem: MemOS) -> None:
    count = 120
    days = [f"2024-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(count)]
    mem.add(
        [{"content": f"My age is {day}", "date": date} for day, date in enumerate(days)],
        user_id="alice",
    )
    mem.add([{"content": f"the age of {name}"} for name in ("oaks", "elms")], user_id="alice")
    hits = mem.search("my age", user_id="alice", k=3)
    assert {hit.cube.text for hit in hits} == {f"My age is {count - 1}", "the age of oaks",
                                               "the age of elms"}  # fmt: skip


def test_revising_what_was_superseded_makes_it_count_again(mem: MemOS) -> None:
    old = add(mem, LISBON, "2023-01-01")
    add(mem, PORTO, "2024-01-01")
    mem.update(old.id, "I lived in Lisbon once")
    assert "I lived in Lisbon once" in found(mem)
    assert told(mem, old) == []
