"""A channel of a Slack export: one file a day, in a folder with the channel's name."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from memos.ingest.records import as_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from memos.ingest.entry import Entry

_NAME = 500
"""Characters of the name of a channel and a day that are kept."""
_LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


def is_slack(document: JsonValue) -> bool:
    """Whether a JSON document is a day of a channel."""
    if not isinstance(document, list) or not document:
        return False
    return all(
        isinstance(one, dict) and one.get("type") == "message" and "ts" in one for one in document
    )


def read_slack(document: JsonValue, name: str) -> Iterator[Entry]:
    """Its messages; the session is the channel and the day, as the file's ``name`` has them."""
    messages = document if isinstance(document, list) else [document]
    session = "/".join(name.removesuffix(".json").split("/")[-2:])[-_NAME:]
    people = dict(filter(None, map(_person, messages)))
    for number, one in enumerate(messages, 1):
        place = f"message {number}"
        if not isinstance(one, dict):
            yield as_entry(place, one)
            continue
        yield as_entry(place, _message(one, session, people), uri=f"slack:{session}")


def _message(
    one: dict[str, JsonValue], session: str, people: dict[str, str]
) -> dict[str, JsonValue]:
    user = one.get("user")
    text = one.get("text")
    files = [file for file in _list(one.get("files")) if isinstance(file, dict)]
    shown: list[JsonValue] = [_picture(file) for file in files]
    said: list[JsonValue] = [_worded(text, people)] if isinstance(text, str) else []
    message: dict[str, JsonValue] = {
        "content": [*said, *shown],
        "speaker": people.get(str(user)) or one.get("username") or user,
        "session": session,
        "ts": _seconds(one.get("ts")),
        "id": one.get("ts"),
    }
    beside = {name: one.get(name) for name in ("thread_ts", "subtype", "reactions", "attachments")}
    return message | {name: value for name, value in beside.items() if value}


def _picture(file: dict[str, JsonValue]) -> JsonValue:
    address = file.get("url_private") or file.get("permalink")
    if str(file.get("mimetype", "")).startswith("image/") and isinstance(address, str):
        return {"type": "image_url", "image_url": address}
    kept = ("name", "title", "mimetype", "url_private")
    return {"type": "file", **{name: file[name] for name in kept if name in file}}


def _person(one: Any) -> tuple[str, str] | None:
    profile = one.get("user_profile") if isinstance(one, dict) else None
    if not isinstance(profile, dict):
        return None
    name = profile.get("real_name") or profile.get("display_name") or profile.get("name")
    return (str(one.get("user")), name) if isinstance(name, str) and name else None


def _worded(text: str, people: dict[str, str]) -> str:
    """The text as people read it: names for ids, addresses after what they are called."""

    def spelled(match: re.Match[str]) -> str:
        target, label = match[1], match[2] or ""
        if target[:1] in {"@", "#", "!"}:
            return target[0].replace("!", "@") + (label or people.get(target[1:], target[1:]))
        return f"{label} ({target})" if label and label != target else target

    return html.unescape(_LINK.sub(spelled, text))


def _seconds(ts: JsonValue) -> JsonValue:
    try:
        return float(str(ts))
    except ValueError:
        return ts


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
