"""What ``add`` reads: JSON lines, exports of chats, plain text."""

from __future__ import annotations

import json

import pytest

from memos.errors import BadInput
from memos.ingest.records import read


def messages(content: str, *, lines: bool = False) -> list[object]:
    entries = read(content.encode(), lines=lines)
    return [entry.message for entry in entries if not entry.is_empty]


def places(content: str) -> list[tuple[str, bool]]:
    return [(entry.place, entry.message is not None) for entry in read(content.encode())]


def test_each_line_of_json_lines_is_a_message() -> None:
    assert messages('{"text": "a"}\n\n{"content": "b", "role": "user"}\n') == [
        {"text": "a"},
        {"text": "b", "role": "user"},
    ]


def test_a_file_whose_first_line_is_broken_is_still_json_lines() -> None:
    assert places('{"text": "a\n{"text": "b"}\n') == [("line 1", False), ("line 2", True)]


def test_a_chat_is_read_message_by_message_with_what_holds_for_all_of_them() -> None:
    chat = {
        "id": "c1",
        "title": "Tea",
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
        ],
    }
    shared = {"session_id": "c1", "metadata": {"title": "Tea"}}
    expected = [
        {"text": "Hello", "role": "user", **shared},
        {"text": "Hi", "role": "assistant", **shared},
    ]
    assert messages(json.dumps(chat)) == expected
    assert messages(json.dumps([chat, chat], indent=2)) == expected * 2
    assert messages(json.dumps(chat) + "\n" + json.dumps(chat)) == expected * 2


def test_an_array_of_messages_is_a_chat() -> None:
    chat = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    assert [one["text"] for one in messages(json.dumps(chat))] == ["Hello", "Hi"]  # type: ignore[index]


def test_of_a_tree_of_edits_the_current_branch_is_read() -> None:
    def node(parent: str | None, role: str, text: str) -> dict[str, object]:
        content = {"content_type": "text", "parts": [text]}
        message = {"author": {"role": role}, "content": content, "create_time": 1714557600}
        return {"parent": parent, "message": message}

    export = {
        "title": "Tea",
        "current_node": "3",
        "mapping": {
            "0": {"parent": None, "message": None},
            "1": node("0", "user", "Hello"),
            "2": node("1", "assistant", "thrown away"),
            "3": node("1", "assistant", "Hi"),
        },
    }
    read_messages = messages(json.dumps([export]))
    assert [(one["role"], one["text"]) for one in read_messages] == [  # type: ignore[index]
        ("user", "Hello"),
        ("assistant", "Hi"),
    ]
    assert read_messages[0]["timestamp"] == "2024-05-01T10:00:00+00:00"  # type: ignore[index]


def test_a_memory_space_is_read_with_its_name_as_the_user() -> None:
    memory = {
        "id": "D1:3",
        "text": "I paint.",
        "speaker": "Mia",
        "session": 1,
        "date": "1:56 pm on 8 May, 2023",
        "caption": "",
    }
    assert messages(json.dumps({"sid": "s7", "memories": [memory], "queries": []})) == [
        {
            "text": "I paint.",
            "timestamp": "2023-05-08T13:56:00+00:00",
            "speaker": "Mia",
            "session_id": "s7/1",
            "user_id": "s7",
            "metadata": {"source_id": "D1:3"},
        }
    ]


def test_unknown_fields_become_metadata() -> None:
    line = {"text": "a", "topic": "tea", "metadata": {"n": 1}, "labels": ["x"]}
    assert messages(json.dumps(line)) == [
        {"text": "a", "labels": ["x"], "metadata": {"topic": "tea", "n": 1}}
    ]


def test_plain_text_is_one_memory_or_one_a_line() -> None:
    assert messages("tea\ncoffee\n") == [{"text": "tea\ncoffee"}]
    assert messages("tea\n\ncoffee\n", lines=True) == [{"text": "tea"}, {"text": "coffee"}]
    assert messages("[draft] buy tea") == [{"text": "[draft] buy tea"}]
    assert messages("\ufefftea") == [{"text": "tea"}]
    assert messages("a\u2028b", lines=True) == [{"text": "a\u2028b"}]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": ', "not JSON"),
        (b'{"text": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"3", "not an object but a number"),
        (b'{"text": ""}', "no text"),
        (b'{"text": "\\ud800"}', "not UTF-8"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b'{"text": "a", "labels": "x"}', "labels: not a list"),
        (b'{"text": "a", "metadata": []}', "metadata: not an object"),
        (b'{"text": "a", "date": "soon"}', "'soon' is not a time"),
    ],
)
def test_a_line_that_cannot_be_read_is_an_entry_that_says_why(line: bytes, problem: str) -> None:
    good = b'{"text": "good"}\n'
    entries = list(read(good + line + b"\n" + good))
    assert [entry.message is not None for entry in entries] == [True, False, True]
    assert problem in entries[1].problem
    assert entries[1].place == "line 2"


def test_text_that_is_empty_or_not_utf8_is_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        read(b" \n")
    with pytest.raises(BadInput, match="not UTF-8"):
        read(b"caf\xe9")
