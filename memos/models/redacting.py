"""From what was found in a text to the text without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.ports.redactor import Finding, Redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_STRONGEST = ("key", "card", "email", "phone")
"""What a stretch is called in which several things were found: the first of these."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of the redacted text, and the stretch of the original that it stands for."""

    shown_at: int
    shown: str
    start: int
    end: int
    finding: Finding | None


def redact(text: str, find: Callable[[str], Iterable[Finding]]) -> Redacted:
    """The text without what ``find`` finds in it, nor in what is left when that is gone.

    A placeholder may bring to light what was hidden before: the end of a number whose beginning
    belonged to another one. So the text is searched again until nothing is found any more, and
    redacting a redacted text changes nothing.
    """
    findings = joined(find(text))
    while findings:
        pieces = _pieces(text, findings)
        shown = "".join(piece.shown for piece in pieces)
        fresh = [_in_original(finding, pieces) for finding in find(shown)]
        together = joined([*findings, *fresh])
        if together == findings:
            return Redacted(shown, tuple(findings))
        findings = together
    return Redacted(text)


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """In ascending order, and those that overlap made one."""
    result: list[Finding] = []
    for finding in sorted(findings):
        last = result[-1] if result else None
        if last is None or finding.start >= last.end:
            result.append(finding)
            continue
        what = min(last.what, finding.what, key=_rank)
        result[-1] = Finding(last.start, max(last.end, finding.end), what)
    return result


def _rank(what: str) -> int:
    return _STRONGEST.index(what) if what in _STRONGEST else len(_STRONGEST)


def _pieces(text: str, findings: Sequence[Finding]) -> list[_Piece]:
    pieces: list[_Piece] = []
    read = shown_at = 0

    def lay(shown: str, end: int, finding: Finding | None) -> None:
        nonlocal read, shown_at
        pieces.append(_Piece(shown_at, shown, read, end, finding))
        read, shown_at = end, shown_at + len(shown)

    for finding in findings:
        if finding.start > read:
            lay(text[read : finding.start], finding.start, None)
        lay(finding.placeholder, finding.end, finding)
    if read < len(text):
        lay(text[read:], len(text), None)
    return pieces


def _in_original(finding: Finding, pieces: Sequence[_Piece]) -> Finding:
    """Where a finding of the redacted text is in the original; placeholders are taken whole."""
    touched = [
        piece
        for piece in pieces
        if piece.shown_at < finding.end and finding.start < piece.shown_at + len(piece.shown)
    ]
    first, last = touched[0], touched[-1]
    start = first.start + (finding.start - first.shown_at if first.finding is None else 0)
    end = last.end if last.finding is not None else last.start + finding.end - last.shown_at
    return Finding(start, end, finding.what)
