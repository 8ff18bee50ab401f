"""Plain text as paragraphs: what stands between empty lines."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.ingest.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

_PARAGRAPH = re.compile(r"(?:[^\n]*\S[^\n]*(?:\n|$))+")
_HALF = re.compile("[\ud800-\udfff]")
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
    pieces = Pieces(text)
    for match in _PARAGRAPH.finditer(text):
        yield pieces.entry(*match.span())


class Pieces:
    """Cuts a document into entries, from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._before = 0
        self._counted = 0
        self._line = 1
        self._block = 0

    def entry(self, first: int, last: int, headings: tuple[str, ...] = ()) -> Entry:
        """The characters from ``first`` to ``last``, less the white space at their ends."""
        start, end = trimmed(self._text, first, last)
        self._line += self._text.count("\n", self._counted, start)
        between, self._before, self._counted = self._text[self._before : start], end, start
        self._block += 1
        said = self._text[start:end]
        entry = Entry(f"line {self._line}", None, "not UTF-8", turn=False, span=(start, end))
        if not is_unicode(said):
            return entry
        message: dict[str, JsonValue] = {"text": said}
        if headings:
            message["attributes"] = {"title": " > ".join(headings)}
        return replace(
            entry,
            message=message,
            problem="",
            headings=headings,
            gap=_gap(between),
            block=self._block,
        )


def is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8: it holds no half of a surrogate pair."""
    return text.isascii() or not _HALF.search(text)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the white space at its ends."""
    said = text[start:end]
    return start + len(said) - len(said.lstrip()), start + len(said.rstrip())


def _gap(between: str) -> str:
    """What pieces are joined by again: the white space that parted them; headings stand aside."""
    return between if between and not between.strip() else "\n\n"
