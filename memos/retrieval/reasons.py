"""What the parts of a score come from, in words: pure; told of the hits that are returned alone.

    words           adopt, dog; kin of kids
    conversation    the id of the turn before, a question that this one answers
    speaker         Caroline speaks
    answer          asks when: it tells a time
    time            asked: last May (2023-05-01 to 2023-05-31); said on 2023-05-08
    graph           shares Lisbon with the question, or the id of a better hit that shares a name
    title           the question names Lisbon

A reason is of a part that adds to the score, where more can be told of it than its number.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from memos.kinds.entities import name_of
from memos.kinds.whens import spans_in
from memos.retrieval import traits
from memos.retrieval.hit import Hit
from memos.retrieval.times import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from memos.cube import MemCube
    from memos.kinds.whens import When
    from memos.retrieval.evidence import Evidence
    from memos.retrieval.rank import Ranked

_MOST = 12
"""Words, or names, that one reason tells."""
_LEADING = 20
"""So many of the best hits lead to others."""
_SHARES = "shares "
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_ANSWERS = (
    ("when", traits.tells_time, "asks when: it tells a time"),
    ("many", traits.tells_number, "asks how many: it tells a number"),
    ("where", traits.names_something, "asks where: it has a name"),
)


def reasons(evidence: Evidence, found: Ranked, better: Sequence[Ranked] = ()) -> dict[str, str]:
    """What the parts of a candidate's score come from, by part.

    Args:
        evidence: on all candidates; no text and no id comes from elsewhere.
        found: the candidate.
        better: the hits before it, best first.
    """
    tellers: dict[str, Callable[[Evidence, int], str | None]] = {
        "words": _words,
        "conversation": _question_before,
        "speaker": _speaker,
        "answer": _answer,
        "time": _time,
        "graph": partial(_graph, better=better),
        "title": _title,
    }
    told = {
        part: tellers[part](evidence, found.row)
        for part, value in found.parts.items()
        if value > 0 and part in tellers
    }
    return {part: reason for part, reason in told.items() if reason is not None}


def explained(
    evidence: Evidence, best: Sequence[Ranked], cubes: Mapping[str, MemCube]
) -> list[Hit]:
    """The hits that these candidates are, with their reasons.

    Args:
        evidence: on all candidates.
        best: those that are returned, best first.
        cubes: theirs, by id.
    """
    return [
        Hit(
            cube=cubes[one.id],
            score=one.score,
            parts=one.parts,
            why=reasons(evidence, one, best[: min(place, _LEADING)]),
        )
        for place, one in enumerate(best)
    ]


def as_shown(hits: Sequence[Hit], cubes: Sequence[MemCube]) -> list[Hit]:
    """The hits with their cubes as a reader sees them, and no reason that tells more of one.

    Of a memory that is shown otherwise than it is no reason is told, for they quote it; and none of
    another that it led to, for that says that a name is in both.

    Args:
        hits: with their cubes as they are.
        cubes: the same, as they are shown.
    """
    whole = {
        cube.id for hit, cube in zip(hits, cubes, strict=True) if hit.cube.header == cube.header
    }
    return [
        hit.model_copy(update={"cube": cube, "why": _told(hit, whole)})
        for hit, cube in zip(hits, cubes, strict=True)
    ]


def _told(hit: Hit, whole: Collection[str]) -> dict[str, str]:
    if hit.cube.id not in whole:
        return {}
    return {
        part: reason
        for part, reason in hit.why.items()
        if part != "graph" or reason.startswith(_SHARES) or reason in whole
    }


def _words(evidence: Evidence, row: int) -> str | None:
    """Which words of the question the text has, and of which others it has kin."""
    shares = evidence.match.shares[row].tolist()
    pairs = list(zip(evidence.terms, shares, strict=True))
    own = _listed(term for term, share in pairs if share == 1)
    kin = _listed(term for term, share in pairs if 0 < share < 1)
    return "; ".join([*([own] if own else []), *([f"kin of {kin}"] if kin else [])]) or None


def _question_before(evidence: Evidence, row: int) -> str | None:
    before = int(evidence.before[row])
    if before < 0 or not traits.asks(evidence.outlines[before].text):
        return None
    return evidence.outlines[before].id


def _speaker(evidence: Evidence, row: int) -> str | None:
    speaker = evidence.outlines[row].speaker
    return f"{speaker} speaks" if evidence.question.names(speaker) else None


def _answer(evidence: Evidence, row: int) -> str | None:
    text = evidence.outlines[row].text
    told = [
        reason for asked, has, reason in _ANSWERS if getattr(evidence.question, asked) and has(text)
    ]
    return "; ".join(told) or None


def _time(evidence: Evidence, row: int) -> str | None:
    """Which time is asked about, and which of the memory's is nearest to it."""
    outline = evidence.outlines[row]
    if outline.valid_from is None:
        return None
    said = _EPOCH + timedelta(microseconds=outline.valid_from)
    pair = nearest(evidence.times, spans_in(outline.text, anchor=said), said)
    if pair is None:
        return None
    asked, told = pair
    memory = f"said on {said.date()}" if told is None else f"tells of {_spoken(told)}"
    return f"asked: {_spoken(asked)}; {memory}"


def _spoken(when: When) -> str:
    first, last = when.start.date(), (when.end - _INSTANT).date()
    days = f"{first}" if first == last else f"{first} to {last}"
    return f"{' '.join(when.text.split())} ({days})"


# --- names --------------------------------------------------------------------------------------


def _title(evidence: Evidence, row: int) -> str | None:
    title = evidence.named.titles[row]
    if title is None or title not in evidence.named.asked:
        return None
    return f"the question names {_spelled(evidence, row, title)}"


def _graph(evidence: Evidence, row: int, *, better: Sequence[Ranked]) -> str | None:
    return _shared_with_question(evidence, row) or _leading(evidence, row, better)


def _shared_with_question(evidence: Evidence, row: int) -> str | None:
    """The names that both have, the rarest first; its title is told as such."""
    named, title = evidence.named, evidence.named.titles[row]
    inside = named.mentions[row]
    both = sorted(named.asked & inside.keys() - {title}, key=lambda name: (-inside[name], name))
    if not both:
        return None
    names = _listed(_spelled(evidence, row, name) for name in both)
    return f"{_SHARES}{names} with the question"


def _leading(evidence: Evidence, row: int, better: Sequence[Ranked]) -> str | None:
    """The better hit with which it shares most by name."""
    mentions = evidence.named.mentions
    shared = {
        each.id: sum(weight for name, weight in mentions[row].items() if name in mentions[each.row])
        for each in better
    }
    best = max(shared, key=lambda one: shared[one], default=None)
    return best if best is not None and shared[best] > 0 else None


def _spelled(evidence: Evidence, row: int, entity: str) -> str:
    """A name as the text has it, or else the question."""
    outline = evidence.outlines[row]
    name = name_of(entity, outline.user_id, outline.agent_id)
    for text in (outline.text, evidence.question.text):
        found = re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE)
        if found is not None:
            return found[0]
    return name


def _listed(words: Iterable[str]) -> str:
    return ", ".join(islice(words, _MOST))
