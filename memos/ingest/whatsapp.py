"""A chat exported by WhatsApp: a text whose lines begin with a date, a time and a name.

    [12/05/2024, 14:33:10] Alice: See you at eight      iOS
    12/05/2024, 14:33 - Alice: See you at eight         Android

A line that begins otherwise goes on with the message before it. Whether the day or the month
stands first, the file does not say: what makes the times go forward is taken.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.ingest.records import as_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import JsonValue

    from memos.ingest.entry import Entry

_MARKS = "[\u200e\u200f\u202a-\u202e]*"
_LINE = re.compile(
    rf"^{_MARKS}(?P<open>\[)?(\d{{1,4}})[./-](\d{{1,2}})[./-](\d{{1,4}}),?\s+"
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\s*([AaPp])\.?\s?[Mm]\.?)?"
    rf"(?(open)\]|\s+[-\u2013])\s+{_MARKS}(?P<rest>.*)$"
)
_SAMPLE = 20
_NAME = 480
"""Characters of a chat's name that are kept; with the day, a session's is 512 at most."""
_ORDERS = ("dmy", "mdy", "ymd")
_ATTACHED = re.compile(r"<attached: ([^<>]+)>|^(\S.*?) \(file attached\)")


def is_whatsapp(text: str) -> bool:
    """Whether a text is such a chat: its first line begins as one, and so do some others."""
    lines = [line for line in text[:20_000].split("\n") if line.strip()][:_SAMPLE]
    found = [_LINE.match(line) is not None for line in lines]
    return bool(found) and found[0] and sum(found) >= (len(found) + 3) // 4


def read_whatsapp(text: str, name: str) -> Iterator[Entry]:
    """Its messages; a session is a day of the chat, which is called as folder and file are."""
    chat = "/".join(name.removesuffix(".txt").split("/")[-2:])[-_NAME:]
    lines = text.split("\n")
    heads = [(number, match) for number, line in enumerate(lines) if (match := _LINE.match(line))]
    if not heads:
        hint = "name an exported chat, or say which other format it is"
        raise BadInput(f"no line of {name} begins with a date, a time and a name", hint=hint)
    order, first = _order([match for _, match in heads]), heads[0][0]
    if any(line.strip() for line in lines[:first]):
        yield as_entry("line 1", {"text": "\n".join(lines[:first]), "session": chat})
    ends = [number for number, _ in heads[1:]] + [len(lines)]
    for (number, match), end in zip(heads, ends, strict=True):
        said = "\n".join([match["rest"], *lines[number + 1 : end]])
        yield as_entry(f"line {number + 1}", _message(match, said, chat, order))


def _message(match: re.Match[str], said: str, chat: str, order: str) -> dict[str, JsonValue]:
    speaker, colon, words = said.partition(": ")
    if not colon or "\n" in speaker:
        speaker, words = "", said
    at = _time(match, order)
    message: dict[str, JsonValue] = {
        "text": words,
        "speaker": speaker,
        "role": "" if speaker else "system",
        "session": chat if at is None else f"{chat}/{at.date()}",
        "timestamp": " ".join(match.group(2, 3, 4)) if at is None else at.isoformat(),
    }
    attached = _ATTACHED.search(words)
    if attached:
        message["attachments"] = [attached[1] or attached[2]]
    return message


def _order(matches: Sequence[re.Match[str]]) -> str:
    """The order of day and month under which most dates exist, and fewest go back."""
    halves = any(match[8] for match in matches)  # with am and pm the month mostly comes first

    def flaws(order: str) -> tuple[int, int, bool]:
        times = [_time(match, order) for match in matches]
        there = [time for time in times if time is not None]
        back = sum(later < sooner for sooner, later in pairwise(there))
        return len(times) - len(there), back, (order == "mdy") != halves

    return min(_ORDERS, key=flaws)


def _time(match: re.Match[str], order: str) -> datetime | None:
    parts = dict(zip(order, match.group(2, 3, 4), strict=True))
    year, month, day = (int(parts[name]) for name in "ymd")
    if year < 100:
        year += 2000 if order != "ymd" else -year  # no year of two digits comes first
    hour = int(match[5])
    if match[8]:
        hour = hour % 12 + (12 if match[8] in "pP" else 0)
    try:
        return datetime(year, month, day, hour, int(match[6]), int(match[7] or 0), tzinfo=UTC)
    except ValueError:
        return None
