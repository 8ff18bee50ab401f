"""One message of a source, in the form that ``MemOS.add`` takes, whatever the source called things.

    text        text, content (a string, or parts: see :mod:`memos.ingest.parts`)
    speaker     speaker, name                role        role
    timestamp   timestamp, date, ts, time, created_at, create_time
    session_id  session_id, session          user_id, agent_id, labels, caption, metadata
    attributes  pictures, calls of tools, and parts of other kinds

What else there is becomes metadata; an ``id`` becomes ``metadata.source_id``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.ingest.parts import Said
from memos.ingest.roles import plain
from memos.kinds.times import read_time

if TYPE_CHECKING:
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
_CALLS = ("tool_calls", "function_call")


class Unreadable(ValueError):
    """Why something is not a message."""


def message(value: JsonValue) -> dict[str, JsonValue]:
    """The message that ``value`` is.

    Raises:
        Unreadable: it says nothing, or has a field that cannot be what it should be.
    """
    return read_message(value)[0]


def read_message(value: JsonValue) -> tuple[dict[str, JsonValue], tuple[str, ...]]:
    """The message that ``value`` is, and what of it was left out.

    Raises:
        Unreadable: it says nothing, or has a field that cannot be what it should be.
    """
    if not isinstance(value, dict):
        raise Unreadable(f"not an object but {_kind(value)}")
    rest = plain(value)
    said = _said(rest)
    if not said.text:
        raise Unreadable("no text: expected 'text' or 'content'")
    found: dict[str, JsonValue] = {"text": said.text}
    time = _timestamp(rest)
    if time is not None:
        found["timestamp"] = time
    for name, spellings in _NAMES.items():
        one = first(rest, spellings)
        if one is not None:
            found[name] = str(one)
    beside: dict[str, JsonValue] = {
        "attributes": said.attributes | _answered(rest),
        "labels": _labels(rest.pop("labels", None)),
        "metadata": _metadata(rest),
    }
    found |= {name: one for name, one in beside.items() if one}
    return found, tuple(said.left_out)


def says_nothing(value: JsonValue) -> bool:
    """Whether it is a message without words, pictures and calls; False for what is no message."""
    if not isinstance(value, dict) or not {"text", "content"} & set(value):
        return False
    content = value.get("text", value.get("content"))
    if content is not None and not isinstance(content, str | list):
        return False
    return not _said(plain(value)).text


def first(rest: dict[str, JsonValue], spellings: tuple[str, ...]) -> JsonValue:
    """The first of the spellings that says something; all of them are taken out."""
    values = [rest.pop(name, None) for name in spellings]
    return next((value for value in values if value not in (None, "")), None)


def _said(rest: dict[str, JsonValue]) -> Said:
    """What it says; the fields that hold it are taken out."""
    said = Said()
    text, content = rest.pop("text", None), rest.pop("content", None)
    said.add(content if text is None else text)
    for name in _CALLS:
        calls = rest.pop(name, None)
        for call in calls if isinstance(calls, list) else [calls]:
            if call is not None:
                said.call(call)
    return said


def _answered(rest: dict[str, JsonValue]) -> dict[str, JsonValue]:
    call = rest.pop("tool_call_id", None)
    return {} if call in (None, "") else {"tool_call_id": str(call)}


def _timestamp(rest: dict[str, JsonValue]) -> str | None:
    named = first(rest, _TIMES)
    if named is None or named == "":
        return None
    try:
        return read_time(named).isoformat()  # type: ignore[arg-type]
    except BadInput as error:
        raise Unreadable(error.message) from error


def _labels(labels: JsonValue) -> list[JsonValue]:
    if labels is None:
        return []
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise Unreadable(f"labels: not a list of texts but {_kind(labels)}")
    return labels


def _metadata(rest: dict[str, JsonValue]) -> dict[str, JsonValue]:
    metadata = rest.pop("metadata", None)
    if metadata is not None and not isinstance(metadata, dict):
        raise Unreadable(f"metadata: not an object but {_kind(metadata)}")
    if "id" in rest:
        rest["source_id"] = rest.pop("id")
    kept = {key: value for key, value in rest.items() if value not in (None, "", [], {})}
    return {**kept, **(metadata or {})}


def _kind(value: JsonValue) -> str:
    names = {str: "a text", list: "a list", dict: "an object", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
