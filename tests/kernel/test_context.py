"""context: a text for a prompt, whose beginning stays as long as it is true and may be read."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from memos import Context, MemOS
from memos.errors import BadInput
from memos.retrieval.recent_contexts import RecentContexts

if TYPE_CHECKING:
    from memos import MemCube
    from memos.config import Settings
    from memos.testing.clock import HandClock

PLACES = ("garden", "kitchen", "attic", "cellar", "yard")
THINGS = ("roses", "a clock", "old letters", "a ladder", "two chairs", "the piano")
SAID = [
    {
        "role": "user",
        "name": "Ann",
        "content": f"I have put {thing} into the {place}.",
        "timestamp": f"2024-05-{1 + number % 28:02}",
    }
    for number, (place, thing) in enumerate((p, t) for p in PLACES for t in THINGS)
]


def told(mem: MemOS, user: str = "ann", **more: Any) -> list[MemCube]:
    """Thirty memories of one conversation."""
    return mem.add(SAID, user_id=user, session_id="s", **more)


def ask(mem: MemOS, query: str = "what is in the garden?", **more: Any) -> Context:
    return mem.context(query, **{"budget_tokens": 200, **more})


def test_a_context_is_dated_cited_and_within_its_budget(mem: MemOS) -> None:
    told(mem)
    made = ask(mem, user_id="ann")
    assert 0 < made.tokens <= 200
    assert made.text.splitlines()[0].endswith(" May 2024")
    first = made.layout[0].mark
    assert f"[{first}] Ann: {made.cubes[0].text}\n" in made.text
    assert made.cited(f"so it is [{first}]") == [made.cubes[0]]
    assert made.left_out > 0


def test_nothing_is_an_empty_context_and_too_little_room_says_so(mem: MemOS) -> None:
    assert ask(mem) == Context()
    told(mem)
    made = ask(mem, budget_tokens=1)
    assert (made.text, made.tokens, made.breakpoints) == ("", 0, ())
    assert made.left_out > 0


def test_a_conversation_of_twenty_questions_shares_most_of_its_beginning(mem: MemOS) -> None:
    told(mem)
    asked = [f"what about {THINGS[n % 3]} in the {PLACES[n // 5]}?" for n in range(20)]
    contexts = [ask(mem, query, budget_tokens=400) for query in asked]
    ranked = ["".join(f"{hit.cube.text}\n" for hit in mem.search(query, k=14)) for query in asked]
    for before, after in pairwise(contexts):
        assert before.text.encode()[: after.reused] == after.text.encode()[: after.reused]
    ours = sum(each.reused for each in contexts) / sum(len(each.text) for each in contexts)
    pairs = list(pairwise(ranked))
    theirs = sum(_shared(*pair) for pair in pairs) / sum(len(after) for _, after in pairs)
    assert ours > 0.5
    assert ours > 2 * theirs


def _shared(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def test_what_was_forgotten_is_gone_and_the_text_is_cut_where_it_stood(mem: MemOS) -> None:
    told(mem)
    first = ask(mem)
    gone = first.cubes[2]
    mem.delete(gone.id)
    after = ask(mem)
    assert gone.text not in after.text
    assert 0 < after.reused <= first.text.index(gone.text)
    assert after.text.startswith(first.text[: after.reused])


@pytest.mark.parametrize("change", ["update", "archive", "expire", "relabel"])
def test_what_was_changed_is_never_served_as_it_was(mem: MemOS, change: str) -> None:
    told(mem, labels=["home"])
    asked: dict[str, Any] = {"filters": {"labels": "home"}}
    first = ask(mem, **asked)
    cube = first.cubes[1]
    changes: dict[str, Any] = {
        "update": lambda: mem.update(cube.id, "I have sold it all."),
        "archive": lambda: mem.archive(cube.id),
        "expire": lambda: mem.expire(cube.id),
        "relabel": lambda: mem.relabel(cube.id, ["work"]),
    }
    changes[change]()
    after = ask(mem, **asked)
    assert cube.text not in after.text
    assert after.reused <= first.text.index(cube.text)


def test_what_expires_between_two_calls_is_gone(timed: MemOS, clock: HandClock) -> None:
    timed.add("I have put a lamp into the garden for now.", ttl_seconds=60)
    told(timed)
    assert "a lamp" in ask(timed, "a lamp in the garden").text
    clock.advance(61)
    after = ask(timed, "a lamp in the garden")
    assert "a lamp" not in after.text


def test_what_holds_no_more_stands_no_longer(mem: MemOS) -> None:
    told(mem)
    first = ask(mem)
    cube = first.cubes[1]
    mem.supersede(cube.id, "I have sold it all.")
    after = ask(mem)
    assert cube.text not in after.text
    assert after.reused <= first.text.index(cube.text)


def test_two_tenants_never_share_a_beginning(mem: MemOS) -> None:
    told(mem, "ann")
    mem.add("Bob has put roses into the garden.", user_id="bob")
    anns = mem.acting("user:ann")
    bobs = mem.acting("user:bob")
    first = ask(anns)
    after = ask(bobs)
    assert after.reused == 0
    assert {cube.user_id for cube in after.cubes} == {"bob"}
    handed = ask(bobs, previous=first)
    assert (handed.reused, handed.text) == (0, after.text)
    (row,) = mem._parts.journal.newest(1)
    assert set(row.audit.subjects) == {cube.id for cube in handed.cubes}


def test_a_grant_that_was_taken_back_ends_what_it_showed_at_once(mem: MemOS) -> None:
    told(mem, "ann")
    mem.add("The planner likes the garden.", agent_id="planner")
    (grant,) = mem.grant("agent:planner", "read", user_id="ann")
    planner = mem.acting("agent:planner")
    mem.grant("agent:planner", "read", agent_id="planner")
    first = ask(planner)
    assert "ann" in {cube.user_id for cube in first.cubes}
    mem.revoke(grant.number)
    for previous in (None, first):
        after = ask(planner, previous=previous)
        assert after.text
        assert "ann" not in {cube.user_id for cube in after.cubes}


def test_a_narrower_scope_or_filter_is_kept_by_what_stands_too(mem: MemOS) -> None:
    told(mem, "ann")
    mem.add("Ann's roses are in the garden.", user_id="ann", session_id="t", labels=["home"])
    first = ask(mem, user_id="ann")
    for narrow in ({"session_id": "t"}, {"filters": {"labels": "home"}}):
        after = ask(mem, user_id="ann", previous=first, **narrow)
        assert [cube.text for cube in after.cubes] == ["Ann's roses are in the garden."]


def test_what_becomes_confidential_is_redacted_where_it_stood(mem: MemOS) -> None:
    told(mem, "ann")
    (cube,) = mem.add("Mail the garden list to ann@example.com.", user_id="ann")
    mem.grant("agent:planner", "read", user_id="ann")
    planner = mem.acting("agent:planner")
    first = ask(planner, "mail the garden list")
    assert "ann@example.com" in first.text
    mem.classify(cube.id, "confidential")
    after = ask(planner, "mail the garden list")
    assert "Mail the garden list" in after.text
    assert "ann@example.com" not in after.text
    assert "ann@example.com" in ask(mem, "mail the garden list").text


def test_the_context_before_may_be_chosen_and_an_empty_one_starts_anew(mem: MemOS) -> None:
    told(mem)
    first, second = ask(mem), ask(mem, "the piano")
    assert ask(mem, previous=first).text == first.text
    assert ask(mem, previous=Context()).reused == 0
    assert ask(mem, "the piano").reused == len(second.text)  # neither has touched what was kept


def test_every_scope_budget_and_filter_has_a_beginning_of_its_own(mem: MemOS) -> None:
    told(mem)
    first = ask(mem)
    for other in ({"user_id": "ann"}, {"budget_tokens": 300}, {"filters": {"speaker": "Ann"}}):
        assert ask(mem, **other).reused == 0
    assert ask(mem).reused == len(first.text)


def test_the_call_names_in_the_journal_what_it_has_shown_and_no_more(mem: MemOS) -> None:
    told(mem)
    made = ask(mem, budget_tokens=60)
    (row,) = mem._parts.journal.newest(1)
    assert row.audit.call == "context"
    assert set(row.audit.subjects) == {cube.id for cube in made.cubes}


def test_the_model_counts_when_it_is_asked_to(mem: MemOS) -> None:
    told(mem)
    made = ask(mem, tokenizer="model", budget_tokens=100)
    assert made.tokens == mem._parts.runtime.count(made.text) <= 100
    assert [one.tokens for one in made.breakpoints] == [
        mem._parts.runtime.count(made.text[: one.characters]) for one in made.breakpoints
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"budget_tokens": 0},
        {"budget_tokens": True},
        {"budget_tokens": 10**9},
        {"k": 0},
        {"k": 1001},
        {"standing": -0.1},
        {"standing": float("nan")},
        {"standing": "much"},
        {"tokenizer": "cl100k_base"},
        {"previous": "the last one"},
        {"query": " "},
    ],
    ids=str,
)
def test_what_cannot_be_taken_is_refused(mem: MemOS, bad: dict[str, Any]) -> None:
    told(mem)
    with pytest.raises(BadInput):
        mem.context(**{"query": "garden", **bad})


def test_many_threads_may_ask_at_once(settings: Settings) -> None:
    with MemOS.open(None, settings=settings) as mem:
        for user in ("ann", "bob"):
            told(mem, user)
        wrong: list[object] = []

        def talk(user: str) -> None:
            for thing in THINGS:
                made = ask(mem.acting(f"user:{user}"), f"where is {thing}?")
                if {cube.user_id for cube in made.cubes} != {user} or made.tokens > 200:
                    wrong.append(made)

        threads = [threading.Thread(target=talk, args=(u,)) for u in ("ann", "bob", "ann")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


def test_what_is_remembered_of_contexts_is_bounded_and_wordless(mem: MemOS) -> None:
    told(mem)
    made = ask(mem)
    recent = RecentContexts(most=2 * len(made.layout) + 2)
    for name in "abc":
        recent.keep(name, made)
    assert [len(recent.last(name).layout) for name in "abc"] == [0, *[len(made.layout)] * 2]
    assert recent.last("c").text == ""
    assert recent.last("c").cubes == ()
