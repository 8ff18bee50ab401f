"""What holds messages together: a conversation, an export's tree of edits, a space of memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.ingest.message import first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import JsonValue

_SHARED = ("user_id", "user", "agent_id", "agent", "labels", "metadata", "title")
"""What a conversation says for all of its messages."""
_NAMES = ("session_id", "session", "conversation_id", "thread_id", "uuid", "id")


def conversation(value: JsonValue) -> list[JsonValue] | None:
    """The messages inside ``value``, with what it says for all of them; None for a message."""
    if not isinstance(value, dict):
        return None
    for name, kind, read in _SHAPES:
        if isinstance(value.get(name), kind):
            return list(read(value))
    return None


def uri_of(value: JsonValue) -> str | None:
    """Which conversation of an export it is, wherever the export lies; None where it is of none."""
    if not isinstance(value, dict):
        return None
    for mark, spellings, scheme in (
        ("mapping", ("conversation_id", "id"), "chatgpt"),
        ("chat_messages", ("uuid",), "claude"),
    ):
        name = next((value[one] for one in spellings if value.get(one)), None)
        if mark in value and isinstance(name, str):
            return f"{scheme}:{name[:500]}"
    return None


def _of_messages(around: dict[str, JsonValue]) -> Iterator[JsonValue]:
    yield from _within(around, _list(around["messages"]))


def _within(around: dict[str, JsonValue], inside: list[JsonValue]) -> Iterator[JsonValue]:
    session = first(dict(around), _NAMES)
    shared = {key: around[key] for key in _SHARED if around.get(key) is not None}
    given = {"session": session} if session is not None else {}
    for one in inside:
        yield {**shared, **given, **one} if isinstance(one, dict) else one


def _of_case(case: dict[str, JsonValue]) -> Iterator[JsonValue]:
    """One memory space: its name, ``sid``, is the user unless another is named."""
    space = case.get("sid")
    for one in _list(case["memories"]):
        if not isinstance(one, dict) or space is None:
            yield one
            continue
        session = one.get("session")
        own = {"session": f"{space}/{session}"} if session is not None else {}
        yield {"user": str(space), **one, **own}


def _of_mapping(export: dict[str, JsonValue]) -> Iterator[JsonValue]:
    """A conversation kept as a tree of edits: the branch that was current, oldest first."""
    nodes = export["mapping"]
    nodes = nodes if isinstance(nodes, dict) else {}
    current = export.get("current_node")
    if not isinstance(current, str) or current not in nodes:
        current = _leaf(nodes)
    branch: list[JsonValue] = []
    seen: set[object] = set()
    while isinstance(current, str) and current not in seen:
        seen.add(current)
        node = nodes.get(current)
        if not isinstance(node, dict):
            break
        said = _said(node.get("message"))
        if said is not None:
            branch.append(said)
        current = node.get("parent")
    yield from _within(export, branch[::-1])


def _leaf(nodes: dict[str, JsonValue]) -> JsonValue:
    """The last node that nothing follows: where an export does not say which branch was current."""
    parents = {str(node.get("parent")) for node in nodes.values() if isinstance(node, dict)}
    return next((name for name in reversed(list(nodes)) if name not in parents), None)


def _said(node: JsonValue) -> JsonValue:
    if not isinstance(node, dict):
        return None
    author, content = node.get("author"), node.get("content")
    if not isinstance(author, dict) or not isinstance(content, dict):
        return None
    parts = content.get("parts")
    return {
        "role": author.get("role"),
        "content": content.get("text") if parts is None else parts,
        "create_time": node.get("create_time"),
        "id": node.get("id"),
    }


def _of_chat(export: dict[str, JsonValue]) -> Iterator[JsonValue]:
    """A conversation of Claude's export."""
    around = {"session": export.get("uuid"), "title": export.get("name")}
    yield from _within(around, [_turn(one) for one in _list(export["chat_messages"])])


def _turn(one: JsonValue) -> JsonValue:
    if not isinstance(one, dict):
        return one
    sender = one.get("sender")
    said: dict[str, JsonValue] = {
        "role": "user" if sender == "human" else sender,
        "content": one.get("content") or one.get("text"),
        "created_at": one.get("created_at"),
        "id": one.get("uuid"),
    }
    attached = [*_list(one.get("attachments")), *_list(one.get("files"))]
    names = [file.get("file_name") for file in attached if isinstance(file, dict)]
    inside = [file.get("extracted_content") for file in attached if isinstance(file, dict)]
    if names:
        said["attachments"] = names
    if any(inside):
        said["attached_texts"] = [text for text in inside if text]
    return said


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


_SHAPES: tuple[tuple[str, type, Callable[[dict[str, JsonValue]], Iterator[JsonValue]]], ...] = (
    ("memories", list, _of_case),
    ("mapping", dict, _of_mapping),
    ("chat_messages", list, _of_chat),
    ("messages", list, _of_messages),
)
"""The field by which a shape is known, and what is in it."""
