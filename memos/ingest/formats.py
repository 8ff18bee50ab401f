"""The formats that sources come in, how one is recognised, and the reader of each.

json        messages, conversations, exports of ChatGPT and Claude; a document or JSON lines
slack       a day of a channel
whatsapp    an exported chat
text        paragraphs
markdown    paragraphs under headings
pdf         pages
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from memos.errors import BadInput, shown
from memos.ingest.entry import Entry
from memos.ingest.markdown import read_markdown
from memos.ingest.pdf import read_pdf
from memos.ingest.records import as_entry, from_document, parsed_or_none, read_records
from memos.ingest.roles import spelled
from memos.ingest.slack import is_slack, read_slack
from memos.ingest.text import decoded, read_text
from memos.ingest.whatsapp import is_whatsapp, read_whatsapp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import JsonValue


class Format(StrEnum):
    """The shapes that a source may have."""

    JSON = "json"
    SLACK = "slack"
    WHATSAPP = "whatsapp"
    TEXT = "text"
    MARKDOWN = "markdown"
    PDF = "pdf"


AUTO = "auto"
_ALIASES = dict.fromkeys(
    ("jsonl", "chatgpt", "claude", "openai", "anthropic", "langchain", "messages"), Format.JSON
) | {"md": Format.MARKDOWN, "txt": Format.TEXT}
_ENDINGS = {
    ".pdf": Format.PDF,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".jsonl": Format.JSON,
    ".ndjson": Format.JSON,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What is about to be read: the format, and the entries, as they come."""

    format: Format
    entries: Iterable[Entry]


def read_format(name: object) -> Format | None:
    """The format of that name; None for ``auto``.

    Raises:
        BadInput: there is none.
    """
    if name == AUTO:
        return None
    known = {one.value: one for one in Format} | _ALIASES
    if isinstance(name, str) and name in known:
        return known[name]
    hint = f"there are: {', '.join([AUTO, *sorted(known)])}"
    raise BadInput(f"there is no format {shown(name)}", hint=hint)


def read_content(content: bytes, name: str, wanted: Format | None) -> Reading:
    """The entries of a file's content; ``name`` is its path, with slashes.

    Raises:
        BadInput: it is empty, or not of the format that is wanted.
        MissingLibrary: it is a PDF, and pypdf is not installed.
    """
    if not content.strip():
        raise BadInput(f"{name} is empty", hint="there is nothing to remember in it")
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    chosen = wanted or _ENDINGS.get(ending)
    if chosen is Format.PDF or (chosen is None and content.startswith(b"%PDF-")):
        return Reading(Format.PDF, read_pdf(content))
    text = decoded(content)
    if chosen is None:
        return _recognised(text, name, must_be_json=ending == ".json")
    return Reading(chosen, _read(text, name, chosen))


def read_messages(messages: object) -> Reading:
    """The entries of messages that a program holds: mappings, or objects such as LangChain's.

    Raises:
        BadInput: they are none.
    """
    if isinstance(messages, Mapping):
        return Reading(Format.JSON, from_document(_document(messages)))
    if isinstance(messages, str | bytes) or not isinstance(messages, Sequence):
        found = type(messages).__name__
        raise BadInput(f"cannot ingest a {found}", hint="pass a path, bytes, or messages")
    if not messages:
        raise BadInput("there are no messages", hint="pass at least one")
    return Reading(Format.JSON, _from_objects(messages))


def _document(messages: Mapping[object, object]) -> JsonValue:
    try:
        return spelled(messages)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"this cannot be read: {error}", hint="pass messages as JSON") from error


def _from_objects(messages: Sequence[object]) -> Iterator[Entry]:
    for number, one in enumerate(messages, 1):
        place = f"element {number}"
        try:
            value = spelled(one)
        except (ValueError, RecursionError) as error:
            yield Entry(place, None, str(error)[:300])
            continue
        if isinstance(value, dict) and {"messages", "mapping", "chat_messages"} & set(value):
            yield from from_document([value])
        else:
            yield as_entry(place, value)


def _recognised(text: str, name: str, *, must_be_json: bool) -> Reading:
    if text.lstrip()[:1] == "[":
        document = parsed_or_none(text)
        if is_slack(document):
            return Reading(Format.SLACK, read_slack(document, name))
    records = read_records(text)
    if records is not None:
        return Reading(Format.JSON, records)
    if must_be_json:
        raise BadInput(f"{name} is no JSON", hint="say --format text to read it as a text")
    chosen = Format.WHATSAPP if is_whatsapp(text) else Format.TEXT
    return Reading(chosen, _read(text, name, chosen))


def _read(text: str, name: str, chosen: Format) -> Iterator[Entry]:
    if chosen is Format.SLACK:
        document = parsed_or_none(text)
        if not isinstance(document, list):
            raise BadInput(f"{name} is no list of messages", hint="name a day of a channel")
        return read_slack(document, name)
    if chosen is Format.JSON:
        records = read_records(text)
        if records is None:
            raise BadInput(f"{name} holds no JSON", hint="say which format it is")
        return records
    if chosen is Format.WHATSAPP:
        return read_whatsapp(text, name)
    return read_markdown(text) if chosen is Format.MARKDOWN else read_text(text)
