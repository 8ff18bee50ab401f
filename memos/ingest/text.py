"""Plain text as paragraphs: what stands between empty lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.ingest.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARAGRAPH = re.compile(r"(?:[^\n]*\S[^\n]*(?:\n|$))+")
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def decoded(content: bytes) -> str:
    r"""The text, with ``\n`` at the ends of its lines; bytes that are no UTF-8 stay as surrogates.

    Raises:
        BadInput: these are not the bytes of a text.
    """
    coding = _MARKS.get(content[:3], _MARKS.get(content[:2], "utf-8"))
    try:
        text = content.decode(coding, errors="surrogateescape")
    except UnicodeDecodeError as error:
        raise BadInput(f"the text is not {coding}", hint="convert it to UTF-8") from error
    if "\0" in text:
        message = "this is no text: it holds NUL bytes"
        raise BadInput(message, hint="name a text, Markdown, JSON or PDF file")
    return text.replace("\r\n", "\n")


def read_text(text: str) -> Iterator[Entry]:
    """A paragraph an entry; its span is counted in characters."""
    before = 0
    for number, match in enumerate(_PARAGRAPH.finditer(text), 1):
        start, end = trimmed(text, *match.span())
        yield piece(text, start, end, before=before, block=number)
        before = end


def piece(
    text: str, start: int, end: int, *, before: int, block: int, headings: tuple[str, ...] = ()
) -> Entry:
    """The characters from ``start`` to ``end`` of a document as an entry.

    ``before`` is where the piece before it ended: what lies between is the gap.
    """
    place = f"line {text.count(chr(10), 0, start) + 1}"
    said = text[start:end]
    if not said.isascii() and any("\ud800" <= letter <= "\udfff" for letter in said):
        return Entry(place, None, "not UTF-8", turn=False, span=(start, end))
    attributes = {"attributes": {"title": " > ".join(headings)}} if headings else {}
    return Entry(
        place,
        {"text": said, **attributes},
        turn=False,
        span=(start, end),
        headings=headings,
        gap=_gap(text[before:start]),
        block=block,
    )


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the white space at its ends."""
    said = text[start:end]
    return start + len(said) - len(said.lstrip()), start + len(said.rstrip())


def _gap(between: str) -> str:
    """What pieces are joined by again: the white space that parted them; headings stand aside."""
    return between if between and not between.strip() else "\n\n"
