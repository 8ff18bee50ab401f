"""Claims: whose, of what, and the value, where a thing has one value at a time.

    I live in Lisbon now.                          i       home            lisbon
    Danielle Darrieux's mother tongue is French.   danielle darrieux   mother tongue   french
    Where I work: Acme                             i       work            acme

What may have several values at a time, such as what somebody likes or owns, is no claim, and so
is what happened once, what is wished for, asked, or said of an "it" that stands elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memos.kinds.statement import Statement

_LONGEST = 8
"""Words in a subject, and in a value."""
_WORDS = 24
"""In a sentence that claims something: a subject, a verb and a value."""
_OPENING = re.compile(
    r"^(?:(?:hey|hi|hello|oh|well|so|and|but|yes|yeah|ok|okay|also|actually|update|fyi|btw|"
    r"by the way|correction|news|now|currently|these days|today|anyway|honestly|remember that|"
    r"note that|just so you know|good news|big news|guess what|"
    r"(?:as of|since|starting) (?:today|now|this (?:week|month|year)|last (?:week|month|year)|"
    r"\w+ \d{4}|\d{4}|monday|tuesday|wednesday|thursday|friday|january|february|march|april|may|"
    r"june|july|august|september|october|november|december))\b[,:!.]*\s+)+",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:[,;]? (?:now|nowadays|these days|currently|at the moment|at present|instead|again|"
    r"any ?more|as of (?:today|now)|from now on|"
    r"(?:since|as of) (?:last |this )?\w+(?: \d{4})?))+$",
    re.IGNORECASE,
)
_SOFT = r"(?:(?:now|currently|just|recently|finally|actually|officially|still|has|have|had)\s+)*"
_BEING = r"(?:is|am|are)"
_VERBS = (
    ("home", rf"(?:lives?|resides?|{_BEING} (?:now )?(?:living|based|residing)) in"),
    ("home", r"(?:moved|relocated)(?: back)?(?: from .+?)? to"),
    ("work", rf"(?:works?|{_BEING} (?:now )?working) (?:at|for)"),
    ("work", rf"{_BEING} (?:now )?employed (?:at|by)"),
    ("work", r"(?:started|got)(?: working| (?:a|my) (?:new )?(?:job|position|role)) (?:at|with)"),
    ("job", r"works? as an?"),
    ("place", r"(?:is|are|was) (?:located|situated|headquartered|based) in(?: the city of)?"),
    ("birthplace", r"was born in(?: the city of)?"),
    ("birthday", r"was born on"),
    ("death", r"(?:died|passed away) (?:in|at|on)(?: the city of)?"),
    ("spouse", r"(?:is|am) married to"),
    ("faith", r"is affiliated with(?: the religion(?: of)?)?"),
    ("citizenship", r"(?:is|am) a citizen of"),
    ("citizenship", r"holds? citizenship of"),
    ("origin", r"(?:comes?|originates?|originated) (?:from|in)"),
    ("team", r"plays? for"),
    ("position", r"plays? (?:as|in) (?:an?|the position of)"),
    ("capital of", r"is the capital(?: city)? of"),
    ("age", r"(?:is|am)(?= \d+(?: years old)?$)"),
    ("size", r"wears? size"),
    ("field", r"works? in the field of"),
    *(
        (f"{verb} {link}", rf"(?:is|was|were) {verb} {link}(?: the city of)?")
        for verb in (
            "directed", "written", "composed", "produced", "created", "founded", "developed",
            "performed", "owned", "published", "designed", "invented", "discovered", "run",
            "formed", "built", "released", "scheduled",
        )
        for link in ("by", "in", "on", "for")
    ),
)  # fmt: skip
_CLAIMS = tuple(
    (key, re.compile(rf"^(?P<s>.+?) {_SOFT}{verb} (?P<v>.+)$", re.IGNORECASE))
    for key, verb in _VERBS
)
_ANY_VERB = re.compile("|".join(rf" {verb} " for _, verb in _VERBS), re.IGNORECASE)
_OWNER = r"(?P<s>my|our|[\w.&'\- ]+?(?:'s|s'))"
_ATTRIBUTE = r"(?:(?:new|current|own) )?(?P<x>[a-z][\w\- ]*?)"
_OWNED = re.compile(
    rf"^{_OWNER} {_ATTRIBUTE} (?:{_BEING}|has changed to|changed to|has been changed to|"
    rf"has moved to|moved to|was moved to) {_SOFT}(?P<v>.+)$",
    re.IGNORECASE,
)
_OF = re.compile(
    rf"^the (?:(?:new|current) )?(?P<x>[a-z][\w\- ]*?) of (?P<s>.+?) (?:{_BEING}|was) {_SOFT}"
    r"(?:located in |based in )?(?P<v>.+)$",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    rf"^I (?:have )?(?:just |recently )?(?:changed|moved|switched|updated|set) {_OWNER} "
    rf"{_ATTRIBUTE}(?: from .+?)? to (?P<v>.+)$",
    re.IGNORECASE,
)
_FAVOURITE = re.compile(
    r"^(?P<v>.+?) is (?:now )?(?P<s>my|[A-Z][\w-]*'s) (?:new )?(?P<x>favou?rite [\w ]+)$"
)
_CALLED = re.compile(r"^(?:please )?call (?P<s>me) (?P<v>.+)$", re.IGNORECASE)
_LISTED = re.compile(r"^(?P<x>[A-Za-z][\w\- ]{1,40}?) ?[:=] ?(?P<v>[^:=]+)$")
_NAMED = re.compile(rf"^{_OWNER} (?P<x>.+)$", re.IGNORECASE)
_WHERE = {"where i work": "work", "where i live": "home", "what i do": "job"}

_NAMES = frozenset(
    "boss manager doctor dentist wife husband spouse partner girlfriend boyfriend fiance owner ceo "
    "president director screenwriter composer producer author team school university hometown "
    "city country employer capital headquarters headquarter religion citizenship nationality "
    "language tongue editor browser major".split()
)
"""What one has one of at a time, and is a name; as the last word of an attribute."""
_FIGURES = frozenset(
    "address email mail phone number telephone birthday birthdate age salary budget deadline size "
    "timezone zone appointment meeting height weight price rate version limit target".split()
)
"""The same, and is a number, a date or an address."""
_WORDED = frozenset(
    "name username password passcode pin code wifi color colour genre diet pronouns currency "
    "title role position subscription seat gate".split()
)
"""The same, and may be any word."""
_JOBS = frozenset("job occupation profession".split())
_JOB = re.compile(
    r"(?:an? )?(?:[\w-]+ ){0,3}"
    r"(?:\w+(?:er|or|ist|ian|eer|tect|yst|ant)|nurse|chef|cook|pilot|judge)$",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d|@|\b[A-Z]")
_QUALIFIED = re.compile(r"(?<=\S) (?=(?:for|with|in) )")
"""Where a value is said to be one of several: 300 for food."""
_NO_HOME = re.compile(
    r"\b(?:linux|windows|mac\w*|android|ios|python|rust|go|java\w*|postgres\w*|mysql|git\w*|slack|"
    r"teams?|aws|azure|gcp|kubernetes|docker|vim|emacs|vs ?code|chrome|firefox|group|department|"
    r"marketing|sales|engineering|finance|operations|research|hr|legal|support|product)\b",
    re.IGNORECASE,
)
"""Where one moves to without moving house."""
_KIN = frozenset("boss manager doctor dentist wife husband spouse partner".split())
_ORIGIN = re.compile(r"\w+(?:ish|ian|ese|can)$|(?:German|French|Dutch|Greek|Swiss)$")
"""What a person is, and not who: Irish."""
_STATED = frozenset("favorite favourite mother native first last middle maiden".split())
_NOBODY = re.compile(
    r"\b(?:he|she|it|they|this|that|these|those|you|your|who|what|which|there|here|someone|"
    r"somebody|everyone|people|one|another|other|some|any|if|when|while|might|may|could|would|"
    r"should|will|want|wants|wanted|hope|hopes|wish|wishes|think|thinks|guess|plan|plans|going|"
    r"not|never|no|used|almost|dream|dreamed|imagine|like|once|and|or|said|says|heard|because)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(r"[Tt]he (?!user\b)[^A-Z]*$")
"""Said of something that was named before: the film."""
_NO_VALUE = re.compile(
    r"\b(?:not|never|no|if|or|than|great|good|bad|nice|fun|amazing|important|so|really|very|"
    r"too|going|coming|getting|to be|what|where|who|how|when|why|that|because|about|up|down|"
    r"his|her|their|your|my|me|him|them|it|you|one|an?|some|both|also|here|there|same)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_ARTICLE = re.compile(r"^(?:the|an?) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """That something has a value."""

    whose: str
    """In lower case; ``i`` is whoever speaks."""
    what: str
    value: tuple[str, ...]
    """Its words, in lower case."""


@lru_cache(maxsize=4096)
def claims_in(statement: Statement) -> tuple[Claim, ...]:
    """What a statement claims, sentence by sentence, questions left out."""
    claims = (
        _claim(core(sentence)) for sentence in statement.sentences if not sentence.endswith("?")
    )
    return tuple(claim for claim in claims if claim is not None)


def core(sentence: str) -> str:
    """A sentence without what leads into it and out of it.

    >>> core("Actually, I work at Beta now.")
    'I work at Beta'
    """
    bare = _OPENING.sub("", sentence).rstrip(".!; ")
    return _CLOSING.sub("", bare).rstrip(",; ")


def _claim(bare: str) -> Claim | None:
    """What the first pattern that fits reads out of a sentence; None where none fits."""
    return None if bare.count(" ") > _WORDS else next(_readings(bare), None)


def _readings(bare: str) -> Iterator[Claim | None]:
    if changed := _CHANGED.match(bare):
        yield _attribute(changed["s"], changed["x"], changed["v"])
    for key, pattern in _CLAIMS if _ANY_VERB.search(bare) else ():
        told = pattern.match(bare)
        if told is not None and not _POINTING.match(told["s"]):
            yield _checked(told["s"], key, told["v"])
    for form in (_FAVOURITE, _OWNED, _OF):
        if owned := form.match(bare):
            yield _attribute(owned["s"], owned["x"], owned["v"])
    if called := _CALLED.match(bare):
        yield _attribute("my", "name", called["v"])
    if listed := _LISTED.match(bare):
        yield _listed(listed["x"], listed["v"])


def _listed(name: str, value: str) -> Claim | None:
    known = _WHERE.get(name.lower())
    if known is not None:
        return _checked("I", known, value)
    owned = _NAMED.match(name)
    return None if owned is None else _attribute(owned["s"], owned["x"], value)


def _attribute(owner: str, what: str, value: str) -> Claim | None:
    words = what.lower().split()
    if not words or not (words[0] in _STATED or _fits(words[-1], _ARTICLE.sub("", value))):
        return None
    value, *scope = _QUALIFIED.split(value, maxsplit=1)
    spelled = (
        " ".join([*words, *scope])
        .lower()
        .replace("favorite", "favourite")
        .replace("color", "colour")
    )
    return _checked(owner.removesuffix("'s").removesuffix("'"), spelled, value)


def _fits(what: str, value: str) -> bool:
    """Whether it is a value of that, and not something else said of it: "my boss is ill"."""
    if what in _NAMES:
        return value[:1].isupper() and not (what in _KIN and _ORIGIN.match(value))
    if what in _FIGURES:
        return _FIGURE.search(value) is not None
    return what in _WORDED or (what in _JOBS and _JOB.match(value) is not None)


def _checked(whose: str, what: str, value: str) -> Claim | None:
    whose, value = _ARTICLE.sub("", whose.strip()), _ARTICLE.sub("", value.strip())
    said, given = _WORD.findall(whose.lower()), _WORD.findall(value.lower())
    too_long = len(said) > _LONGEST or len(given) > _LONGEST
    if too_long or not given or _NOBODY.search(whose) or _NO_VALUE.search(value):
        return None
    if what in {"home", "work"} and not (value[0].isupper() or value[0].isdigit()):
        return None  # "in a small flat" goes with any town
    if what == "home" and _NO_HOME.search(value):
        return None
    mine = {"my": "i", "me": "i", "our": "we"}
    spoken = " ".join(said)
    return Claim(mine.get(spoken, spoken), what, tuple(given))
