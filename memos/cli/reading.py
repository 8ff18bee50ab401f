"""What ``memos add`` reads: JSON lines, chat exports, and plain text, entry by entry.

    JSON lines        {"text": "...", "speaker": "...", "date": "..."}      one memory a line
                      {"messages": [...]}  or  {"memories": [...]}          one conversation a line
    a JSON document   an array of messages or of conversations, or one conversation
    plain text        one memory; with ``lines``, one memory a line

A message is in the form that ``MemOS.add`` takes: see :mod:`memos.cli.message`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cli.message import Unreadable, conversation, message
from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

_SAMPLE = 20
"""How many lines are tried to find out whether a file is JSON lines."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was read: a message, or the reason why there is none."""

    place: str
    """Where in the file, for people: ``line 12``."""
    message: Mapping[str, JsonValue] | None
    problem: str = ""


def read(content: bytes, *, lines: bool = False) -> Iterator[Entry]:
    """The entries of a file, in its order; what cannot be read is an entry with a problem.

    Raises:
        BadInput: plain text that is not UTF-8.
    """
    text = content.decode("utf-8-sig", errors="surrogateescape")
    rows = text.split("\n")
    if lines:
        return _from_lines(rows)
    if text.lstrip()[:1] in {"{", "["}:
        if _are_json_lines(rows):
            return _from_json_lines(rows)
        document = _document(text)
        if document is not None:
            return _from_document(document)
    return iter([_from_text(text)])


def _from_lines(rows: list[str]) -> Iterator[Entry]:
    for number, row in enumerate(rows, 1):
        if row.strip():
            yield _entry(f"line {number}", {"text": row.strip()})


def _from_text(text: str) -> Entry:
    if not text.strip():
        raise BadInput("there is nothing to add: the text is empty")
    if not _is_text(text):
        raise BadInput("the text is not UTF-8", hint="convert it, for instance with iconv")
    return Entry("the text", {"text": text.strip()})


def _are_json_lines(rows: list[str]) -> bool:
    sample = [row for row in rows if row.strip()][:_SAMPLE]
    return any(row.lstrip()[:1] == "{" and isinstance(_document(row), dict) for row in sample)


def _from_json_lines(rows: list[str]) -> Iterator[Entry]:
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            value = _parsed(row)
        except (ValueError, RecursionError) as error:
            yield Entry(f"line {number}", None, _why(error))
            continue
        yield from _from_value(value, f"line {number}")


def _from_document(document: JsonValue) -> Iterator[Entry]:
    if not isinstance(document, list):
        yield from _from_value(document, "the document")
        return
    for number, value in enumerate(document, 1):
        yield from _from_value(value, f"element {number}")


def _from_value(value: JsonValue, place: str) -> Iterator[Entry]:
    """The entries of one object: itself, or the messages inside."""
    inside = conversation(value)
    if inside is None:
        yield _entry(place, value)
        return
    for number, one in enumerate(inside, 1):
        yield _entry(f"{place}, message {number}", one)


def _entry(place: str, value: JsonValue) -> Entry:
    try:
        found = message(value)
    except Unreadable as error:
        return Entry(place, None, str(error))
    if not _is_text(json.dumps(found, ensure_ascii=False)):
        return Entry(place, None, "not UTF-8")
    return Entry(place, found)


def _document(text: str) -> JsonValue:
    try:
        return _parsed(text)
    except (ValueError, RecursionError):
        return None


def _parsed(text: str) -> JsonValue:
    value: JsonValue = json.loads(text, parse_constant=_refuse)
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    return f"not JSON: {error}"


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
