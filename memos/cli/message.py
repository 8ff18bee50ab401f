"""One message of a file, in the form that ``MemOS.add`` takes, whatever the export called things.

    text        text, content (a string, or parts of which the text is taken)
    speaker     speaker, name                role        role
    timestamp   timestamp, date, ts, time, created_at, create_time
    session_id  session_id, session          user_id, agent_id, labels, caption, metadata

What else there is becomes metadata; an ``id`` becomes ``metadata.source_id``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

_TIMES = ("timestamp", "date", "ts", "time", "created_at", "create_time")
_NAMES = {
    "speaker": ("speaker", "name"),
    "role": ("role",),
    "session_id": ("session_id", "session"),
    "user_id": ("user_id", "user"),
    "agent_id": ("agent_id", "agent"),
    "caption": ("caption",),
}
_SHARED = ("user_id", "user", "agent_id", "agent", "labels", "metadata", "title")
"""What a conversation says for all of its messages."""


class Unreadable(ValueError):
    """Why something is not a message."""


def message(value: JsonValue) -> dict[str, JsonValue]:
    """The message that ``value`` is.

    Raises:
        Unreadable: it has no text, or a field that cannot be what it should be.
    """
    if not isinstance(value, dict):
        raise Unreadable(f"not an object but {_kind(value)}")
    rest = dict(value)
    found: dict[str, JsonValue] = {"text": _text(rest)}
    time = _timestamp(rest)
    if time is not None:
        found["timestamp"] = time
    for name, spellings in _NAMES.items():
        one = _first(rest, spellings)
        if one is not None:
            found[name] = str(one)
    labels = rest.pop("labels", None)
    if labels is not None:
        found["labels"] = _labels(labels)
    metadata = _metadata(rest)
    if metadata:
        found["metadata"] = metadata
    return found


def conversation(value: JsonValue) -> list[JsonValue] | None:
    """The messages inside ``value``, with what it says for all of them; None for a message."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("memories"), list):
        return list(_of_case(value))
    if isinstance(value.get("mapping"), dict):
        return list(_of_mapping(value))
    if isinstance(value.get("messages"), list):
        return list(_of_messages(value, _list(value["messages"])))
    return None


def _of_messages(around: dict[str, JsonValue], inside: list[JsonValue]) -> Iterator[JsonValue]:
    session = _first(
        dict(around), ("session_id", "session", "conversation_id", "thread_id", "uuid", "id")
    )
    for one in inside:
        if not isinstance(one, dict):
            yield one
        elif _has_text(one):
            shared = {key: around[key] for key in _SHARED if around.get(key) is not None}
            given = {"session": session} if session is not None else {}
            yield {**shared, **given, **one}


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
    current = export.get("current_node")
    branch: list[JsonValue] = []
    seen: set[object] = set()
    while isinstance(nodes, dict) and isinstance(current, str) and current not in seen:
        seen.add(current)
        node = nodes.get(current)
        if not isinstance(node, dict):
            break
        said = _said(node.get("message"))
        if said is not None:
            branch.append(said)
        current = node.get("parent")
    yield from _of_messages(export, branch[::-1])


def _said(node: JsonValue) -> JsonValue:
    if not isinstance(node, dict):
        return None
    author, content = node.get("author"), node.get("content")
    if not isinstance(author, dict) or not isinstance(content, dict):
        return None
    return {
        "role": author.get("role"),
        "content": content.get("parts"),
        "create_time": node.get("create_time"),
        "id": node.get("id"),
    }


def _has_text(one: dict[str, JsonValue]) -> bool:
    """False for what carries no words at all, such as a call of a tool."""
    content = one.get("text", one.get("content"))
    return content is not None and (isinstance(content, str) or bool(_joined(content)))


def _text(rest: dict[str, JsonValue]) -> str:
    content = rest.pop("text", None)
    other = rest.pop("content", None)
    text = _joined(other if content is None else content)
    if not text:
        raise Unreadable("no text: expected 'text' or 'content'")
    return text


def _joined(content: JsonValue) -> str:
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else []
    texts: list[Any] = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n".join(text.strip() for text in texts if isinstance(text, str) and text.strip())


def _timestamp(rest: dict[str, JsonValue]) -> str | None:
    named = _first(rest, _TIMES)
    if named is None or named == "":
        return None
    from memos.kinds.times import read_time

    try:
        return read_time(named).isoformat()  # type: ignore[arg-type]
    except BadInput as error:
        raise Unreadable(error.message) from error


def _labels(labels: JsonValue) -> list[JsonValue]:
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise Unreadable(f"labels: not a list of texts but {_kind(labels)}")
    return labels


def _metadata(rest: dict[str, JsonValue]) -> dict[str, JsonValue]:
    metadata = rest.pop("metadata", None)
    if metadata is not None and not isinstance(metadata, dict):
        raise Unreadable(f"metadata: not an object but {_kind(metadata)}")
    if "id" in rest:
        rest["source_id"] = rest.pop("id")
    kept = {key: value for key, value in rest.items() if value not in (None, "")}
    return {**kept, **(metadata or {})}


def _first(rest: dict[str, JsonValue], spellings: tuple[str, ...]) -> JsonValue:
    """The first of the spellings that says something; all of them are taken out."""
    values = [rest.pop(name, None) for name in spellings]
    return next((value for value in values if value not in (None, "")), None)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _kind(value: JsonValue) -> str:
    names = {str: "a text", list: "a list", dict: "an object", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
