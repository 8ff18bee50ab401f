"""Messages as LangChain writes them, as plain ones: who speaks stands in ``type`` there.

{"type": "human", "content": ...}                           a message
{"type": "human", "data": {"content": ...}}                 messages_to_dict
{"type": "constructor", "id": [..., "HumanMessage"], "kwargs": {"content": ...}}   dumps
HumanMessage(content=...)                                   the object itself
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue, TypeAdapter, ValidationError

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
    "chat": None,
}
_CLASS = "Message"
_FIELDS = ("content", "name", "tool_calls", "tool_call_id", "id", "role", "additional_kwargs",
           "response_metadata")  # fmt: skip
_BESIDE = ("additional_kwargs", "response_metadata", "usage_metadata", "invalid_tool_calls")
"""What LangChain keeps beside a message; kept as metadata where there is anything."""
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


def plain(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A copy of the message that has its role under ``role``, and its content under ``content``."""
    kind = value.get("type")
    if kind == "constructor" and isinstance(value.get("kwargs"), dict):
        return _constructed(value)
    data = value.get("data")
    if isinstance(data, dict) and _role(kind) is not None:
        return _named({**data, "type": kind})
    if isinstance(kind, str) and ("content" in value or "text" in value):
        return _named(dict(value))
    return dict(value)


def spelled(thing: object) -> JsonValue:
    """A message object, such as LangChain's, as a mapping; a mapping as JSON.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(thing, Mapping):
        return _json(dict(thing))
    kind, content = getattr(thing, "type", None), getattr(thing, "content", None)
    if not isinstance(kind, str) or not isinstance(content, str | Sequence):
        raise ValueError(  # noqa: TRY004 - the value of an entry, not an argument
            "neither a mapping nor a message with a type and a content"
        )
    fields = {name: getattr(thing, name, None) for name in _FIELDS}
    return _json({"type": kind, **{name: one for name, one in fields.items() if one is not None}})


def _constructed(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    kwargs = value["kwargs"]
    inside = dict(kwargs) if isinstance(kwargs, dict) else {}
    path = value.get("id")
    name = str(path[-1]) if isinstance(path, list) and path else ""
    kind = name.removesuffix("Chunk").removesuffix(_CLASS).lower()
    return _named({"type": kind, **inside})


def _named(message: dict[str, JsonValue]) -> dict[str, JsonValue]:
    kind = message.pop("type", None)
    role = _role(kind)
    if role is not None:
        message.setdefault("role", role)
        message.pop("example", None)
        _without_repeats(message)
    elif kind not in (None, "", "message", "chat"):
        message["type"] = kind
    return message


def _role(kind: JsonValue) -> str | None:
    name = kind.removesuffix("MessageChunk").lower() if isinstance(kind, str) else ""
    return _ROLES.get(name)


def _without_repeats(message: dict[str, JsonValue]) -> None:
    """Calls that stand in ``additional_kwargs``, as the provider wrote them, stand there once."""
    beside = message.get("additional_kwargs")
    if isinstance(beside, dict):
        beside = dict(beside)
        calls = beside.pop("tool_calls", None)
        if calls and not message.get("tool_calls"):
            message["tool_calls"] = calls
        message["additional_kwargs"] = beside
    for name in _BESIDE:
        if not message.get(name):
            message.pop(name, None)


def _json(value: object) -> JsonValue:
    try:
        return _JSON.validate_python(value)
    except ValidationError as error:
        raise ValueError(f"it cannot be written as JSON: {error.errors()[0]['msg']}") from error
