"""``hit.why``: what the parts of a score come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from memos import Hit, MemCube, MemOS

TALK: list[dict[str, Any]] = [
    {"name": "Bob", "content": "When did you adopt the dog?"},
    {"name": "Caroline", "content": "I adopted her last May, with two kids."},
    {"name": "Bob", "content": "Nice."},
]
TITLED = [
    {"title": "Zorba (town)", "text": "Zorba is a town with a bridge."},
    {"title": "Bridges", "text": "The bridge in Zorba was built by Ann Dee."},
    {"title": "Ann Dee", "text": "She was an engineer."},
]
BRIDGE = "Who built the bridge of Zorba?"


@pytest.fixture
def talk(mem: MemOS) -> list[MemCube]:
    return mem.add(TALK, user_id="alice", session_id="s", timestamp="2023-06-08")


def by_text(hits: list[Hit]) -> dict[str, Hit]:
    return {hit.cube.text: hit for hit in hits}


def test_a_turn_tells_words_speaker_answer_and_the_question_before_it(
    mem: MemOS, talk: list[MemCube]
) -> None:
    hits = by_text(mem.search("When did Caroline adopt a dog for children?", user_id="alice"))
    assert hits[TALK[1]["content"]].why == {
        "words": "Caroline, adopt; kin of children",
        "conversation": talk[0].id,
        "speaker": "Caroline speaks",
        "answer": "asks when: it tells a time",
    }
    assert hits[TALK[0]["content"]].why == {"words": "adopt, dog"}
    assert "speaker" not in hits[TALK[2]["content"]].why


@pytest.mark.usefixtures("talk")
def test_a_time_that_is_asked_about_is_told_beside_that_of_the_memory(mem: MemOS) -> None:
    hits = by_text(mem.search("What was last May?", user_id="alice", as_of="2023-09-01"))
    asked = "asked: last May (2023-05-01 to 2023-05-31)"
    assert hits[TALK[1]["content"]].why["time"] == (
        f"{asked}; tells of last May (2023-05-01 to 2023-05-31)"
    )
    assert hits[TALK[2]["content"]].why["time"] == f"{asked}; said on 2023-06-08"


def test_a_passage_tells_its_title_the_names_it_shares_or_which_hit_leads_to_it(
    mem: MemOS,
) -> None:
    mem.add([*TITLED, {"title": "Oslo", "text": "Cold."}], user_id="alice")
    hits = mem.search(BRIDGE, user_id="alice")
    town, bridge, engineer, other = (by_text(hits)[text] for text in (
        *(each["text"] for each in TITLED), "Cold.",
    ))  # fmt: skip
    assert town.why["title"] == "the question names Zorba"
    assert "graph" not in town.why
    assert bridge.why["graph"] == "shares Zorba with the question"
    assert engineer.why["graph"] == bridge.cube.id
    assert hits.index(bridge) < hits.index(engineer)
    assert other.why == {}


def test_what_a_filter_excludes_is_not_named_as_what_led_to_another(mem: MemOS) -> None:
    mem.add(TITLED, user_id="alice")
    only = {"text": {"ne": TITLED[1]["text"]}}
    hits = by_text(mem.search(BRIDGE, user_id="alice", filters=only))
    assert TITLED[1]["text"] not in hits
    assert "graph" not in hits[TITLED[2]["text"]].why


@pytest.mark.usefixtures("talk")
def test_the_past_gives_reasons_too(mem: MemOS) -> None:
    (changed,) = mem.add("Caroline has a dog.", user_id="alice")
    then = mem.at(changed.created_at)
    mem.update(changed.id, "Caroline has a cat.")
    hits = by_text(then.search("Who is the dog of Caroline?", user_id="alice"))
    assert hits["Caroline has a dog."].why["words"] == "dog, Caroline"
    assert hits[TALK[1]["content"]].why["speaker"] == "Caroline speaks"
