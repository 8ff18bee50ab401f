"""What ``memos add`` takes: JSON lines, chat exports, and plain text, entry by entry.

    JSON lines        {"text": "...", "speaker": "...", "date": "..."}      one memory a line
                      {"messages": [...]}  or  {"memories": [...]}          one conversation a line
    a JSON document   an array of messages or of conversations, or one conversation
    plain text        one memory; with ``lines``, one memory a line

A message is in the form that ``MemOS.add`` takes: see :mod:`memos.cli.message`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.ingest.conversation import conversation, uri_of
from memos.ingest.entry import Entry
from memos.ingest.message import Unreadable, read_message, says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

_SAMPLE = 20
"""How many lines are tried to find out whether a file is JSON lines."""


def read(content: bytes, *, lines: bool = False) -> Iterator[Entry]:
    """The entries of a file, in its order; what cannot be read is an entry with a problem.

    Raises:
        BadInput: plain text that is not UTF-8.
    """
    text = content.decode("utf-8-sig", errors="surrogateescape")
    if lines:
        return _from_lines(text.split("\n"))
    records = read_records(text)
    return iter([_from_text(text)]) if records is None else records


def read_records(text: str) -> Iterator[Entry] | None:
    """The entries of JSON lines, or of a JSON document; None for what is neither."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    rows = text.split("\n")
    if _are_json_lines(rows):
        return _from_json_lines(rows)
    document = parsed_or_none(text)
    return None if document is None else from_document(document)


def _from_lines(rows: list[str]) -> Iterator[Entry]:
    for number, row in enumerate(rows, 1):
        if row.strip():
            yield _read(f"line {number}", {"text": row.strip()})


def _from_text(text: str) -> Entry:
    if not text.strip():
        raise BadInput("there is nothing to add: the text is empty")
    if not _is_text(text):
        raise BadInput("the text is not UTF-8", hint="convert it, for instance with iconv")
    return Entry("the text", {"text": text.strip()})


def _are_json_lines(rows: list[str]) -> bool:
    sample = [row for row in rows if row.strip()][:_SAMPLE]
    return any(row.lstrip()[:1] == "{" and isinstance(parsed_or_none(row), dict) for row in sample)


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


def from_document(document: JsonValue) -> Iterator[Entry]:
    """The entries of an array of messages or conversations, or of one of them."""
    if not isinstance(document, list):
        yield from _from_value(document, "the document")
        return
    for number, value in enumerate(document, 1):
        yield from _from_value(value, f"element {number}")


def _from_value(value: JsonValue, place: str) -> Iterator[Entry]:
    """The entries of one object: itself, or the messages inside."""
    inside = conversation(value)
    if inside is None:
        yield _read(place, value)
        return
    uri = uri_of(value)
    for number, one in enumerate(inside, 1):
        yield as_entry(f"{place}, message {number}", one, uri=uri)


def as_entry(place: str, value: JsonValue, *, uri: str | None = None) -> Entry:
    """A message of a conversation as an entry; what says nothing is an entry without one."""
    return Entry(place, None, uri=uri) if says_nothing(value) else _read(place, value, uri=uri)


def _read(place: str, value: JsonValue, *, uri: str | None = None) -> Entry:
    try:
        found, left_out = read_message(value)
    except Unreadable as error:
        return Entry(place, None, str(error), uri=uri)
    if not _is_text(json.dumps(found, ensure_ascii=False)):
        return Entry(place, None, "not UTF-8", uri=uri)
    return Entry(place, found, left_out=left_out, uri=uri)


def parsed_or_none(text: str) -> JsonValue:
    """The JSON value of a text; None for what is no JSON."""
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
