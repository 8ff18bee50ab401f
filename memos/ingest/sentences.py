"""Paragraphs as sentences, by their punctuation; code stays whole."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from memos.ingest.text import trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memos.ingest.entry import Entry

_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s)|[\u3002\uff01\uff1f]+")
_SHORT = frozenset(
    "mr mrs ms dr prof st vs etc no fig e.g i.e cf al inc ltd jr sr approx dept est".split()
)
_LAST = re.compile(r"[\w.]+$")


def in_sentences(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Each piece of a document as its sentences, each with its own span."""
    for entry in entries:
        text = str((entry.message or {}).get("text", ""))
        if entry.message is None or entry.span is None or text.startswith(("```", "~~~", "    ")):
            yield entry
            continue
        gap, before = entry.gap, 0
        for start, end in sentences(text):
            span = (entry.span[0] + start, entry.span[0] + end)
            gap = entry.gap if start == 0 else text[before:start]
            yield replace(
                entry, message={**entry.message, "text": text[start:end]}, span=span, gap=gap
            )
            before = end


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end; together they hold every word of it."""
    found, start = [], 0
    for match in _END.finditer(text):
        if _ends(text, match):
            found.append(trimmed(text, start, match.end()))
            start = match.end()
    if text[start:].strip():
        found.append(trimmed(text, start, len(text)))
    return found


def _ends(text: str, match: re.Match[str]) -> bool:
    after = text[match.end() :].lstrip()[:1]
    if after.islower():
        return False
    if match.group() != ".":
        return True
    word = _LAST.search(text[max(0, match.start() - 20) : match.start()])
    last = word.group() if word else ""
    initial = len(last) == 1 and last.isupper()
    return not initial and last.lower() not in _SHORT and not (last.isdigit() and len(last) < 3)
