"""Messages in the shapes of OpenAI, Anthropic and LangChain: nothing said or shown is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from memos.errors import BadInput
from memos.ingest.formats import read_messages

if TYPE_CHECKING:
    from memos.ingest.entry import Entry


def entries(*messages: object) -> list[Entry]:
    return list(read_messages(messages).entries)


def said(message: object) -> dict[str, Any]:
    (entry,) = entries(message)
    assert entry.message is not None, entry.problem
    return dict(entry.message)


PICTURE = "https://pictures.example/cat.png"


def test_a_picture_of_openai_s_is_kept_beside_the_words() -> None:
    for kind, shown in (
        ("image_url", {"url": PICTURE}),
        ("image_url", PICTURE),
        ("input_image", PICTURE),
    ):
        parts = [{"type": "text", "text": "Look:"}, {"type": kind, "image_url": shown}]
        found = said({"role": "user", "content": parts})
        assert found == {
            "text": "Look:",
            "role": "user",
            "attributes": {"images": json.dumps([PICTURE])},
        }


def test_a_picture_without_words_is_a_turn_all_the_same() -> None:
    found = said({"role": "user", "content": [{"type": "image_url", "image_url": PICTURE}]})
    assert found["text"] == "[picture]"


def test_a_call_of_a_tool_is_said_by_its_name_and_arguments() -> None:
    function = {"name": "weather", "arguments": '{"in": "Graz"}'}
    call = {"id": "c1", "type": "function", "function": function}
    found = said({"role": "assistant", "content": None, "tool_calls": [call]})
    assert found["text"] == 'weather({"in":"Graz"})'
    kept = json.loads(found["attributes"]["tool_calls"])
    assert kept == [{"name": "weather", "arguments": {"in": "Graz"}, "id": "c1"}]
    answer = said({"role": "tool", "tool_call_id": "c1", "content": "12 degrees"})
    assert answer["attributes"] == {"tool_call_id": "c1"}


def test_anthropic_s_blocks_are_read_as_what_they_are() -> None:
    used = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"in": "Graz"}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "x"}
    found = said({"role": "assistant", "content": [thought, {"type": "text", "text": "So"}, used]})
    assert found["text"] == "So"
    assert json.loads(found["attributes"]["tool_calls"])[0]["arguments"] == {"in": "Graz"}
    assert json.loads(found["attributes"]["parts"]) == [thought]
    inside = [{"type": "text", "text": "12 degrees"}]
    result = {"type": "tool_result", "tool_use_id": "t1", "content": inside}
    found = said({"role": "user", "content": [result]})
    assert (found["text"], found["attributes"]) == ("12 degrees", {"tool_call_id": "t1"})


def test_of_a_picture_inside_a_message_the_digest_is_kept_and_that_is_told() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 5_000}
    (entry,) = entries({"role": "user", "content": [{"type": "image", "source": source}]})
    assert entry.message is not None
    images = entry.message["attributes"]["images"]  # type: ignore[index,call-overload]
    assert images.startswith('["data:image/png;sha256=')  # type: ignore[union-attr]
    assert "its digest is kept" in entry.left_out[0]
    small = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    found = said({"role": "user", "content": [{"type": "image", "source": small}]})
    assert "base64,AAAA" in found["attributes"]["images"]


def test_parts_of_an_unknown_kind_are_kept_and_large_ones_are_told_of() -> None:
    odd = {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}
    found = said({"role": "user", "content": [{"type": "text", "text": "a"}, odd]})
    assert json.loads(found["attributes"]["parts"]) == [odd]
    odd["input_audio"] = {"data": "A" * 9_000}
    (entry,) = entries({"role": "user", "content": [{"type": "text", "text": "a"}, odd]})
    assert "its kind is kept alone" in entry.left_out[0]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "human", "content": "Hello", "example": False},
        {"type": "human", "data": {"content": "Hello", "type": "human"}},
        {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "schema", "messages", "HumanMessage"],
            "kwargs": {"content": "Hello", "additional_kwargs": {}, "response_metadata": {}},
        },
    ],
)
def test_langchain_s_forms_are_one_message(message: dict[str, Any]) -> None:
    assert said(message) == {"text": "Hello", "role": "user"}


@dataclass
class Message:
    """Stands where LangChain's own class does: what counts is what it has."""

    content: Any
    type: str
    name: str | None = None
    id: str | None = None
    tool_calls: list[Any] = field(default_factory=list)
    additional_kwargs: dict[str, Any] = field(default_factory=dict)


def test_an_object_with_a_type_and_a_content_is_a_message() -> None:
    assert said(Message("Hello", "human", name="Ann")) == {
        "text": "Hello",
        "role": "user",
        "speaker": "Ann",
    }
    call = {"name": "weather", "args": {"in": "Graz"}, "id": "c1", "type": "tool_call"}
    found = said(Message("", "ai", tool_calls=[call], additional_kwargs={"tool_calls": [call]}))
    assert found["text"] == 'weather({"in":"Graz"})'
    assert found["role"] == "assistant"
    assert "metadata" not in found


def test_what_says_nothing_is_counted_and_what_is_no_message_says_why() -> None:
    found = entries({"role": "user", "content": ""}, {"role": "user"}, 7, Message(len, "human"))
    assert [one.is_empty for one in found] == [True, False, False, False]
    assert [one.problem for one in found[1:]] == [
        "no text: expected 'text' or 'content'",
        "neither a mapping nor a message with a type and a content",
        "neither a mapping nor a message with a type and a content",
    ]


@pytest.mark.parametrize("nothing", [[], "a text", b"bytes", 7, None, {1}])
def test_what_is_no_sequence_of_messages_is_refused(nothing: object) -> None:
    with pytest.raises(BadInput):
        read_messages(nothing)
