"""Exports of chats: ChatGPT, Claude, Slack and WhatsApp, as they come."""

from __future__ import annotations

import json
from typing import Any

from memos.ingest.formats import Format, read_content


def read(content: object, name: str = "export.json") -> list[Any]:
    spelled = content if isinstance(content, str) else json.dumps(content)
    return list(read_content(spelled.encode(), name, None).entries)


def node(parent: str | None, role: str, *parts: object) -> dict[str, Any]:
    message = {
        "id": f"m{role}",
        "author": {"role": role},
        "content": {"content_type": "text", "parts": list(parts)},
        "create_time": 1714557600,
    }
    return {"parent": parent, "message": message}


def test_a_conversation_of_chatgpt_s_is_a_source_wherever_the_file_lies() -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://f1"}
    export = {
        "conversation_id": "c9",
        "title": "Cats",
        "current_node": "3",
        "mapping": {
            "1": node(None, "system", ""),
            "2": node("1", "user", "What is this?", picture),
            "x": node("1", "user", "thrown away"),
            "3": node("2", "assistant", "A cat"),
        },
    }
    empty, asked, answered = read([export])
    assert empty.is_empty
    assert asked.message["attributes"] == {"images": '["file-service://f1"]'}
    assert asked.message["session_id"] == "c9"
    assert asked.message["timestamp"] == "2024-05-01T10:00:00+00:00"
    assert answered.message["text"] == "A cat"
    assert {one.uri for one in (asked, answered)} == {"chatgpt:c9"}


def test_a_tree_that_does_not_say_its_current_branch_is_read_from_its_last_leaf() -> None:
    mapping = {"1": node(None, "user", "Hello"), "2": node("1", "assistant", "Hi")}
    said = [one.message["text"] for one in read([{"id": "c", "mapping": mapping}])]
    assert said == ["Hello", "Hi"]


def test_a_tree_that_bites_its_tail_ends() -> None:
    mapping = {"1": node("2", "user", "Hello"), "2": node("1", "assistant", "Hi")}
    export = {"id": "c", "current_node": "2", "mapping": mapping}
    assert [one.message["text"] for one in read([export])] == ["Hello", "Hi"]


def test_a_conversation_of_claude_s_keeps_its_speakers_times_and_attachments() -> None:
    attachment = {"file_name": "list.txt", "extracted_content": "milk"}
    turn = {
        "uuid": "t1",
        "sender": "human",
        "text": "What is on it?",
        "content": [{"type": "text", "text": "What is on it?"}],
        "created_at": "2024-05-01T10:00:00Z",
        "attachments": [attachment],
        "files": [{"file_name": "photo.png"}],
    }
    other = {"uuid": "t2", "sender": "assistant", "text": "Milk."}
    export = {"uuid": "c1", "name": "Shopping", "chat_messages": [turn, other]}
    asked, answered = read([export])
    assert (asked.message["role"], answered.message["role"]) == ("user", "assistant")
    assert asked.message["metadata"] == {
        "title": "Shopping",
        "source_id": "t1",
        "attachments": ["list.txt", "photo.png"],
        "attached_texts": ["milk"],
    }
    assert asked.uri == "claude:c1"


def test_a_day_of_slack_is_read_with_names_for_ids() -> None:
    profile = {"real_name": "Ann Berg"}
    day = [
        {"type": "message", "user": "U1", "ts": "1714557600.000100", "text": "Hi &amp; bye",
         "user_profile": profile},
        {"type": "message", "user": "U2", "ts": "1714557660.000200",
         "thread_ts": "1714557600.000100",
         "text": "<@U1> see <https://a.example|the page> &lt;now&gt;"},
        {"type": "message", "subtype": "bot_message", "username": "robot", "ts": "1714557661",
         "text": "",
         "files": [{"mimetype": "image/png", "url_private": "https://f.example/1.png"}]},
    ]  # fmt: skip
    reading = read_content(json.dumps(day).encode(), "/x/general/2024-05-01.json", None)
    assert reading.format is Format.SLACK
    one, two, three = (entry.message for entry in reading.entries)
    assert one is not None
    assert two is not None
    assert three is not None
    assert (one["speaker"], one["text"]) == ("Ann Berg", "Hi & bye")
    assert one["session_id"] == "general/2024-05-01"
    assert two["text"] == "@Ann Berg see the page (https://a.example) <now>"
    assert two["metadata"] == {"source_id": "1714557660.000200", "thread_ts": "1714557600.000100"}
    assert (three["speaker"], three["text"]) == ("robot", "[picture]")


def test_a_chat_of_whatsapp_s_is_read_on_either_system() -> None:
    android = (
        "12/05/2024, 14:33 - Messages are encrypted\n"
        "12/05/2024, 14:34 - Ann: See you: at 8\nat the pier\n"
    )
    ios = "[13.05.24, 09:00:10] Ann: Hi\n\u200e[13.05.24, 09:01:00] Bob: \u200e<attached: 01.jpg>\n"
    system, turn = read(android, "WhatsApp Chat with Ann.txt")
    assert system.message["role"] == "system"
    assert turn.message["speaker"] == "Ann"
    assert turn.message["text"] == "See you: at 8\nat the pier"
    assert turn.message["timestamp"] == "2024-05-12T14:34:00+00:00"
    assert turn.message["session_id"] == "WhatsApp Chat with Ann/2024-05-12"
    _, sent = read(ios, "_chat.txt")
    assert sent.message["timestamp"] == "2024-05-13T09:01:00+00:00"
    assert sent.message["metadata"] == {"attachments": ["01.jpg"]}


def test_day_and_month_are_told_apart_by_which_dates_exist_and_go_forward() -> None:
    def days(*lines: str) -> list[str]:
        chat = "".join(f"{line} - Ann: x\n" for line in lines)
        return [one.message["timestamp"][:16] for one in read(chat, "chat.txt")]

    assert days("1/2/24, 10:00", "13/2/24, 10:00") == ["2024-02-01T10:00", "2024-02-13T10:00"]
    assert days("1/2/24, 10:00", "1/13/24, 10:00") == ["2024-01-02T10:00", "2024-01-13T10:00"]
    assert days("3/1/24, 10:00", "2/2/24, 10:00") == ["2024-01-03T10:00", "2024-02-02T10:00"]
    assert days("2/3/24, 2:05\u202fPM", "2/4/24, 12:05 AM")[0] == "2024-02-03T14:05"
    assert days("2024-05-01, 10:00") == ["2024-05-01T10:00"]


def test_a_date_that_does_not_exist_is_told_and_the_others_are_read() -> None:
    lines = "1/2/24, 10:00 - Ann: a\n31/2/24, 10:00 - Ann: b\n15/2/24, 10:00 - Ann: c\n"
    assert [one.message is not None for one in read(lines, "chat.txt")] == [True, False, True]


def test_what_stands_before_the_first_message_is_kept() -> None:
    found = list(
        read_content(b"My chat\n1/2/24, 10:00 - Ann: a\n", "c.txt", Format.WHATSAPP).entries
    )
    assert [one.message["text"] for one in found if one.message] == ["My chat", "a"]
