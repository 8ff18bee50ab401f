"""What an application hands over becomes drafts, whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.cube import Scope
from memos.errors import BadInput, MemosError
from memos.kinds.drafts import TEXT_LIMIT, TITLE_LIMIT, Draft, read_drafts

OUTLINE = Draft(scope=Scope(user_id="alice"), metadata={"app": "test"}, labels=("all",))


def test_a_text_is_one_draft() -> None:
    (draft,) = read_drafts("  Alice moved.\n", OUTLINE)
    assert draft.text == "Alice moved."
    assert (draft.scope, draft.turn) == (Scope(user_id="alice"), False)


def test_every_field_of_a_message_is_kept() -> None:
    message = {
        "role": "user",
        "name": "Alice",
        "content": "I moved.",
        "timestamp": "2024-05-01T10:00:00+02:00",
        "session_id": "s1",
        "metadata": {"n": 1},
        "labels": ["home", "all"],
        "caption": "a house",
        "title": "Moving",
    }
    (draft,) = read_drafts(message, OUTLINE)
    assert (draft.role, draft.speaker, draft.text) == ("user", "Alice", "I moved.")
    assert draft.said_at == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert draft.scope == Scope(user_id="alice", session_id="s1")
    assert draft.metadata == {"app": "test", "n": 1}
    assert set(draft.labels) == {"all", "home"}
    assert draft.attributes == {"caption": "a house", "title": "Moving"}
    assert draft.turn


@pytest.mark.parametrize("name", ["role", "name", "speaker", "session_id"])
def test_what_somebody_said_is_a_turn(name: str) -> None:
    assert read_drafts({"content": "I moved.", name: "user"}, OUTLINE)[0].turn
    assert not read_drafts({"content": "I moved.", name: None}, OUTLINE)[0].turn


@pytest.mark.parametrize(
    "outline", [Draft(scope=Scope(session_id="s")), Draft(speaker="Alice")], ids=["session", "name"]
)
def test_messages_of_a_session_or_of_somebody_are_turns(outline: Draft) -> None:
    drafts = read_drafts([{"content": "I moved."}, {"text": "To Lisbon."}], outline)
    assert [draft.turn for draft in drafts] == [True, True]


def test_a_text_that_stands_alone_is_no_turn_whatever_else_is_said_of_it() -> None:
    passage = {
        "content": "Lisbon lies on the Tagus.",
        "title": "Lisbon",
        "timestamp": "2024-05-01",
        "user_id": "alice",
        "agent_id": "a",
        "metadata": {"n": 1},
        "labels": ["town"],
        "attributes": {"page": "7"},
    }
    assert not any(draft.turn for draft in read_drafts([passage, passage], OUTLINE))
    assert not read_drafts("Lisbon lies on the Tagus.", Draft(scope=Scope(session_id="s")))[0].turn


def test_text_parts_are_joined_and_other_parts_refused() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert read_drafts([{"role": "user", "content": parts}], OUTLINE)[0].text == "one\ntwo"
    image = [{"type": "image_url", "image_url": {"url": "x"}}]
    with pytest.raises(BadInput, match="image_url"):
        read_drafts([{"role": "user", "content": image}], OUTLINE)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        (None, "NoneType"),
        (7, "int"),
        (b"bytes", "bytes"),
        ([], "no messages"),
        ([{"content": "ok"}, {"content": " "}], "message 2"),
        ([{"content": "ok"}, "text"], "message 2"),
        ([{"contents": "typo"}], "contents"),
        ([{"role": "user"}], "message 1"),
        ([{"content": "x", "timestamp": "soon"}], "soon"),
        ([{"content": "x", "metadata": {"a": object()}}], "metadata"),
        ([{"content": "x", "labels": "home"}], "home"),
        ([{"content": "x", "user_id": ""}], "user_id"),
        ([{"content": "x", "title": 7}], "title"),
        ([{"content": "x", "title": "y" * (TITLE_LIMIT + 1)}], "513 characters"),
        ("half a pair \ud800", "surrogate"),
        ("a\x00b", "NUL"),
        ("x" * (TEXT_LIMIT + 1), "1,000,001"),
    ],
)
def test_what_cannot_be_remembered_is_refused_by_name(content: object, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        read_drafts(content, OUTLINE)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "text", "role", "metadata", "labels", "timestamp", "name", "x"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_anything_is_either_drafts_or_our_error(content: Any) -> None:
    try:
        drafts = read_drafts(content, OUTLINE)
    except MemosError:
        return
    assert drafts
    assert all(draft.text.strip() for draft in drafts)
