"""What an extractor claims, sorted into what its evidence says and what it does not: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.errors import BadInput
from memos.kinds.drafts import checked_text
from memos.kinds.evidence import stands_in, unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.cube import MemCube
    from memos.ports.steps import Assertion, Quote

_MOST = 200
"""Claims that are looked at, of one reading."""
_LONGEST_CLAIM = 400
"""Characters; a fact is one sentence."""
_LONGEST_QUOTE = 2_000
_MOST_QUOTES = 4


@dataclass(frozen=True, slots=True)
class Proven:
    """A claim whose evidence says it."""

    text: str
    evidence: tuple[str, ...]
    sources: tuple[MemCube, ...]
    """Where the evidence stands, in the order of the reading, each once."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A claim whose evidence does not say it."""

    text: str
    why: str
    sources: tuple[MemCube, ...]


def judged(
    claims: Sequence[Assertion], cubes: Sequence[MemCube]
) -> tuple[list[Proven], list[Refused]]:
    """Which claims are proven by their evidence; ``cubes`` are what was read.

    Each claim is judged alone, and a bad one takes no other along: a model that is right nine
    times and wrong once has found nine facts.
    """
    proven: list[Proven] = []
    refused: list[Refused] = []
    for claim in claims[:_MOST]:
        quoted = [quote.cube for quote in claim.evidence if 0 <= quote.cube < len(cubes)]
        sources = tuple(cubes[place] for place in sorted(set(quoted)))
        why = _fault(claim, cubes) or _gap(claim, sources)
        if why:
            refused.append(Refused(claim.text[:_LONGEST_CLAIM], why, sources))
        else:
            evidence = tuple(dict.fromkeys(quote.words.strip() for quote in claim.evidence))
            proven.append(Proven(claim.text.strip(), evidence, sources))
    left = len(claims) - _MOST
    if left > 0:
        refused.append(Refused(f"{left} further claims", f"only {_MOST} are looked at", ()))
    return proven, refused


def _fault(claim: Assertion, cubes: Sequence[MemCube]) -> str:
    """What is wrong with the form of a claim; empty where nothing is."""
    try:
        checked_text(claim.text, "the claim", most=_LONGEST_CLAIM)
    except BadInput as error:
        return error.message
    if not 1 <= len(claim.evidence) <= _MOST_QUOTES:
        return f"it has {len(claim.evidence)} quotes, and needs 1 to {_MOST_QUOTES}"
    faults = (_misquoted(quote, cubes) for quote in claim.evidence)
    return next((fault for fault in faults if fault), "")


def _misquoted(quote: Quote, cubes: Sequence[MemCube]) -> str:
    if not 0 <= quote.cube < len(cubes):
        return f"it quotes memory {quote.cube + 1}, which was not read"
    if len(quote.words) > _LONGEST_QUOTE:
        return f"it quotes {len(quote.words):,} characters at once"
    if not stands_in(quote.words, cubes[quote.cube].text):
        return f"memory {quote.cube + 1} does not say {quote.words[:60]!r}"
    return ""


def _gap(claim: Assertion, sources: Sequence[MemCube]) -> str:
    """What the evidence does not say of a claim; empty where it says all."""
    missing = unsupported(claim.text, [quote.words for quote in claim.evidence], sources)
    return f"its evidence does not say: {', '.join(missing)}" if missing else ""
