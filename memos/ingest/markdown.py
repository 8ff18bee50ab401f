"""Markdown as paragraphs under their headings; a block of code stays whole.

    # Guide              -> headings ("Guide",)
    ## Install           -> headings ("Guide", "Install")
    Do this:             -> a paragraph under ("Guide", "Install")

A heading that nothing stands under is an entry itself, so that no word is lost.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memos.ingest.text import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memos.ingest.entry import Entry

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CODE = ("    ", "\t")
_LINE = re.compile(r"[^\n]*(?:\n|$)")


def read_markdown(text: str) -> Iterator[Entry]:
    """A paragraph, list or block of code an entry; its span is counted in characters."""
    pieces = Pieces(text)
    for first, last, headings in _Scan(text).blocks():
        yield pieces.entry(first, last, headings)


_Block = tuple[int, int, tuple[str, ...]]


class _Scan:
    """Goes through the lines once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._path: list[tuple[int, str]] = []
        self._start: int | None = None
        self._end = 0
        self._lines = 0
        self._fence = ""
        self._paused = False
        """Whether an empty line came after the block; more code may follow."""
        self._lonely: tuple[int, int] | None = None
        """The newest heading, while nothing stands under it."""

    def blocks(self) -> Iterator[_Block]:
        for match in _LINE.finditer(self._text):
            if match.end() > match.start():
                yield from self._line(match.group().rstrip("\n"), *match.span())
        yield from self._flushed()
        yield from self._left_alone()

    def _line(self, line: str, start: int, end: int) -> Iterator[_Block]:
        heading = None if self._fence else _HEADING.match(line)
        if self._fence:
            self._extend(start, end)
            if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
                self._fence = ""
        elif not line.strip():
            self._paused = self._start is not None
        elif heading is not None:
            yield from self._flushed()
            yield from self._head(len(heading[1]), heading[2] or "", (start, end))
        elif self._is_underline(line):
            yield from self._underlined(line, end)
        else:
            yield from self._words(line, start, end)

    def _words(self, line: str, start: int, end: int) -> Iterator[_Block]:
        if self._paused and not (
            line.startswith(_CODE) and self._text.startswith(_CODE, self._start)
        ):
            yield from self._flushed()
        fence = _FENCE.match(line)
        if fence is not None:
            self._fence = fence[1]
        self._extend(start, end)

    def _extend(self, start: int, end: int) -> None:
        if self._start is None:
            self._start, self._lines = start, 0
        self._end, self._paused = end, False
        self._lines += 1

    def _is_underline(self, line: str) -> bool:
        plain = self._start is not None and self._lines == 1 and not self._paused
        return plain and _UNDERLINE.match(line) is not None and not _is_list(self._opening)

    @property
    def _opening(self) -> str:
        return self._text[self._start : self._end]

    def _underlined(self, line: str, end: int) -> Iterator[_Block]:
        start = self._start or 0
        title, self._start = self._opening.strip(), None
        yield from self._head(1 if "=" in line else 2, title, (start, end))

    def _head(self, level: int, title: str, span: tuple[int, int]) -> Iterator[_Block]:
        if self._path and self._path[-1][0] >= level:
            yield from self._left_alone()
        self._path = [one for one in self._path if one[0] < level] + [(level, title.strip())]
        self._lonely = span

    def _left_alone(self) -> Iterator[_Block]:
        if self._lonely is not None and self._path[-1][1]:
            yield (*self._lonely, self._headings)
        self._lonely = None

    def _flushed(self) -> Iterator[_Block]:
        if self._start is not None:
            yield self._start, self._end, self._headings
            self._lonely = None
        self._start, self._paused, self._fence = None, False, ""

    @property
    def _headings(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._path if title)


def _is_list(text: str) -> bool:
    return text.lstrip().startswith(("- ", "* ", "+ ", ">", "|"))
