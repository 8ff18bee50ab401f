"""How a new text is akin to an older one of the same mind: pure, and without a language model.

    the same words                                               SAME
    the same but for small words                                 NEAR
    one thing, another value: claims, or one slot of a frame     CHANGE
    what was said, denied or ended                               CHANGE
    one occasion, told with another value                        nothing: both happened

A change hides what it changes, so in doubt there is none. What decides whether a change is a
supersession is time: see :func:`verdict`. The frame is what is left of two texts when their common
beginning and end, and what stays between equal slots, is set aside; word by word, as in Myers'
"An O(ND) Difference Algorithm" (1986), of which Python's difflib does the work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING

from memos.kinds.claims import Claim, claims_in, core
from memos.kinds.statement import FUNCTION, Statement, read_statement, stem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_LONGEST = 600
"""Words beyond which a text is compared as a whole only."""
_SLOT = 9
"""Words of a value, at most."""
_RUN = 3
"""Equal words that part two slots; fewer are a part of both values."""
_FRAME = 5
"""Content words around a slot that make it sure that both texts speak of one thing."""
_PASSAGE = 14
"""Content words around a slot that are a passage: nobody writes it twice of two things."""
_SHARE = 0.5
"""Of all words, at least so many are of the frame."""
_SHORT = 16
"""Words of a statement that another may end as a whole."""
_DID = (
    r"(?:\w+ed|went|bought|ran|saw|had|got|made|took|ate|met|did|said|told|gave|found|came|won|"
    r"lost|read|wrote|spent|paid|sent|drove|flew|watched|been|left|began|drank|slept|swam|rode|"
    r"sang|sold|taught|thought|felt|heard|kept|put)\b"
)
_HAPPENED = re.compile(rf"(?:I|we)(?: \w+){{0,2}}? (?:was|were|{_DID})", re.IGNORECASE)
_BEFELL = re.compile(rf"[A-Z]\w*(?: [A-Z]\w*)* {_DID}")
"""What somebody else did, as one sentence tells it; a passage may tell of anybody's life."""
_ENDED = re.compile(
    r"\b(?:no longer|any ?more|stopped|quit|gave up|given up|used to|do(?:es)? not)\b",
    re.IGNORECASE,
)
_SWITCHED = re.compile(
    r"\b(?:switched|changed|went) from (?P<old>.+?) to (?P<new>.+)", re.IGNORECASE
)
_NOW = re.compile(r"\b(?:now|nowadays|these days|instead|currently)\b", re.IGNORECASE)
_CUES = frozenset(
    "longer anymore any more stopped stop quit gave given up used not no never now nowadays "
    "these days instead currently actually since recently just finally anymore".split()
)
_VERBS = frozenset(
    "is are am was were be been has have had do does did will can lives live works work likes like "
    "prefers prefer drinks drink eats eat uses use drives drive keeps keep wants want needs need "
    "speaks speak plays play became becomes stars follows features contains consists led met won "
    "wrote made took gave found sang began ran goes went comes came".split()
)
"""Words that part what a sentence is about from what it says; others end in -ed."""
_WIDE = frozenset(
    (name,)
    for name in (
        "germany france spain italy portugal greece austria switzerland belgium netherlands poland "
        "ireland england scotland wales britain denmark sweden norway finland iceland hungary "
        "romania ukraine russia turkey israel egypt morocco nigeria kenya ghana india pakistan "
        "china japan korea thailand vietnam indonesia australia canada mexico brazil argentina "
        "chile peru colombia cuba america usa uk us europe asia africa california texas florida"
    ).split()
)
"""Countries and the like: a town does not contradict them."""
_MANY = frozenset("like love enjoy hate dislike know own speak visit need want remember".split())
_WEIGHED = frozenset("prefer".split())


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Which older texts a new one is compared with."""

    most: int
    least: float
    """Cosine."""


_CLAIMING = Neighbourhood(24, 0.25)
"""Of a claim: "Where I work: Acme" and "I started at Beta" have hardly a word in common."""
_TELLING = Neighbourhood(4, 0.55)
"""Of other texts: kin beyond this is recognised by its words, which make it near."""


def neighbourhood(text: str) -> Neighbourhood:
    """How far to look for the kin of a text."""
    return _CLAIMING if claims_in(read_statement(text)) else _TELLING


class Kin(StrEnum):
    """What two texts have to do with each other."""

    SAME = "same"
    NEAR = "near"
    CHANGE = "change"


class Verdict(StrEnum):
    """What follows for the two cubes."""

    DUPLICATES = "duplicates"
    SUPERSEDES = "supersedes"
    SUPERSEDED = "superseded"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was said."""

    valid: datetime | None
    """Since when it is true, where somebody said so."""
    recorded: datetime
    order: tuple[str, int] | None = None
    """Its session and its turn."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where two texts differ."""

    start: int
    """From which word of the new text on."""
    new: tuple[str, ...]
    old: tuple[str, ...]


def kin(new: str, old: str) -> Kin | None:
    """How the new text is akin to the old one, whoever said them and whenever."""
    one, other = read_statement(new), read_statement(old)
    if one.words == other.words:
        return Kin.SAME if one.words or new.strip() == old.strip() else None
    if max(len(one.words), len(other.words)) > _LONGEST:
        return None
    if one.firm == other.firm and len(one.firm) > 1:
        return Kin.NEAR
    if one.asks != other.asks or _ends_in_question(one) or _ends_in_question(other):
        return None
    return Kin.CHANGE if _changes(one, other) else None


def verdict(kinship: Kin, new: Moment, old: Moment) -> Verdict:
    """What follows from a kinship, by the order in time.

    Of two values the later holds. Times that somebody gave are compared with each other, and
    where neither has one, the order of recording counts. Equal times are ordered by the turns of
    one session, or not at all: then both stay, and contradict each other.
    """
    if kinship is not Kin.CHANGE:
        return Verdict.DUPLICATES
    later = _later(new, old)
    if later is None:
        return Verdict.CONTRADICTS
    return Verdict.SUPERSEDES if later else Verdict.SUPERSEDED


def _later(new: Moment, old: Moment) -> bool | None:
    if new.valid is None and old.valid is None:
        return True
    one, other = new.valid or new.recorded, old.valid or old.recorded
    if one != other:
        return one > other
    if new.order is None or old.order is None or new.order[0] != old.order[0]:
        return None
    return new.order[1] > old.order[1]


def _ends_in_question(statement: Statement) -> bool:
    return bool(statement.words) and statement.words[-1] == "?"


def _changes(one: Statement, other: Statement) -> bool:
    return (
        _claims_otherwise(one, other)
        or _denies(one, other)
        or _ends(one, other)
        or _prefers_otherwise(one, other)
        or _in_one_frame(one, other)
    )


def _claims_otherwise(new: Statement, old: Statement) -> bool:
    """Whether something has another value now; what is said in passing closes nothing."""
    if len(old.sentences) > 1:
        return False
    before = {(claim.whose, claim.what): claim for claim in claims_in(old)}
    return any(
        (known := before.get((claim.whose, claim.what))) is not None and _differ(claim, known)
        for claim in claims_in(new)
    )


def _differ(one: Claim, other: Claim) -> bool:
    # A value within the other says it more or less exactly: "Berlin" and "Berlin, Germany".
    here, there = set(one.value) - FUNCTION, set(other.value) - FUNCTION
    if not here or not there or here <= there or there <= here:
        return False
    return (one.value in _WIDE) == (other.value in _WIDE)


def _denies(new: Statement, old: Statement) -> bool:
    """Whether one says what the other denies, of a state."""
    if new.negated == old.negated or _happened(new) or _happened(old):
        return False
    here, there = _bare(new), _bare(old)
    return len(there) >= 1 and here == there and len(old.sentences) == 1


def _ends(new: Statement, old: Statement) -> bool:
    """Whether it says that what the other tells is over."""
    if len(old.sentences) > 1 or len(old.words) > _SHORT or new.words[:1] != old.words[:1]:
        return False
    told = set(_bare(old))
    switched = _SWITCHED.search(new.text)
    if switched is not None:
        left = {stem(word) for word in read_statement(switched["old"]).content}
        return bool(left) and left <= told
    first = new.sentences[0] if new.sentences else ""
    over = _ENDED.search(first) is not None and not old.negated and _ENDED.search(old.text) is None
    # What it says beyond that may be where, when or with whom it is over, and the rest is not.
    return over and bool(told) and told == set(_bare(read_statement(first)))


def _prefers_otherwise(new: Statement, old: Statement) -> bool:
    """Whether a preference is turned round: tea to coffee, coffee to tea."""
    weighs = _WEIGHED & {stem(word) for word in new.content}
    return bool(weighs) and sorted(_bare(new)) == sorted(_bare(old)) and _bare(new) != _bare(old)


def _in_one_frame(new: Statement, old: Statement) -> bool:
    """Whether both are one sentence or passage, in which one thing has another value."""
    slots = _slots(new.words, old.words)
    if not _is_one_value(slots) or _happened(new) or _happened(old):
        return False
    before = new.words[: slots[0].start]
    if not set(before) - FUNCTION:
        return False  # what stands first is what it is about
    said = sum(word not in FUNCTION for slot in slots for word in slot.new)
    around = len(new.content) - said
    if around < _PASSAGE and (_BEFELL.match(core(new.text)) or not _has_verb(before)):
        return False  # and so is what stands before the verb of a sentence
    frame = len(new.words) - sum(len(slot.new) for slot in slots)
    if around >= _FRAME and frame >= _SHARE * max(len(new.words), len(old.words)):
        return True
    return bool(slots[0].old) and _NOW.search(new.text) is not None and _is_habit(before)


def _is_one_value(slots: Sequence[_Slot]) -> bool:
    """Whether one value stands in all slots, or forms of it: Serbia and Serbian.

    An old text that lacks the value is only less exact: nothing is lost with it. Where nothing but
    a number differs, it tells items of a series apart, or measurements: both are right.
    """
    if not slots or all(_is_number(slot.new) and _is_number(slot.old) for slot in slots):
        return False
    here = min((" ".join(slot.new) for slot in slots), key=len)
    there = min((" ".join(slot.old) for slot in slots), key=len)
    return all(
        max(len(slot.new), len(slot.old)) <= _SLOT
        and set(slot.new) - FUNCTION
        and (not slot.old or set(slot.old) - FUNCTION)
        and " ".join(slot.new).startswith(here)
        and " ".join(slot.old).startswith(there)
        for slot in slots
    )


def _has_verb(words: Sequence[str]) -> bool:
    return any(word in _VERBS or (word.endswith("ed") and len(word) > 4) for word in words)


def _is_number(words: Sequence[str]) -> bool:
    return all(any(sign.isdigit() for sign in word) for word in words)


def _is_habit(before: Sequence[str]) -> bool:
    """Whether it is what somebody does, in the present, and does one of at a time: ``I drink``."""
    return 2 <= len(before) <= 4 and before[0] in {"i", "we"} and stem(before[-1]) not in _MANY


def _slots(new: Sequence[str], old: Sequence[str]) -> list[_Slot]:
    """Where the texts differ: one slot between their common beginning and end, if it is short."""
    start, end = _common(new, old), _common(new[::-1], old[::-1])
    end = min(end, min(len(new), len(old)) - start)
    one = _Slot(start, tuple(new[start : len(new) - end]), tuple(old[start : len(old) - end]))
    if max(len(one.new), len(one.old)) <= _SLOT:
        return [one]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    runs = [run for run in matcher.get_matching_blocks() if run.size >= _RUN or run.b == 0]
    slots, here, there = [], 0, 0
    for run in [*runs, Match(len(old), len(new), 0)]:
        if run.b > here or run.a > there:
            slots.append(_Slot(here, tuple(new[here : run.b]), tuple(old[there : run.a])))
        here, there = run.b + run.size, run.a + run.size
    return slots


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    count = 0
    for here, there in zip(one, other, strict=False):
        if here != there:
            break
        count += 1
    return count


def _bare(statement: Statement) -> tuple[str, ...]:
    """Its content without cues of change and grammar."""
    words = read_statement(core(statement.text)).content
    return tuple(stem(word) for word in words if word not in _CUES)


def _happened(statement: Statement) -> bool:
    return any(_HAPPENED.match(core(sentence)) for sentence in statement.sentences)
