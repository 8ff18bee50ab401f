"""How facts of a known kind are said: one regular expression for each relation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memos.kinds.fact import SLOT, Fact
from memos.kinds.wordings import wordings

_UP = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?|(?:twenty-|thirty-)?(?:first|second|third|fourth|fifth|sixth|"
    r"seventh|eighth|ninth)|tenth|eleventh|twelfth|\w+teenth|twentieth|thirtieth)"
)
DATE = (
    rf"(?:(?:(?:the )?{_ORDINAL} (?:of )?)?{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? \d{{4}})?"
    r"|(?:19|20)\d\d|\d{4}-\d\d-\d\d"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)"
)
NAME = (
    rf"[{_UP}][\w'&-]*"
    rf"(?: (?:of|the|de|la|da|del|van|von|and)(?= [{_UP}])| [{_UP}0-9][\w'&-]*)*"
)
_SUBJECT = (
    rf"(?P<s>(?:The user|[{_UP}][\w-]*(?: [{_UP}][\w-]*)*)"
    rf"(?:'s? (?!profession|job|occupation|work)[a-z]+(?: [a-z]+)?(?: [{_UP}][\w-]*)?)??)"
)
_SOFT = r"(?: (?:has|have|had|is|also|really|just|now|still|recently|finally|always|currently))*"
_THING = r"(?P<v>[^,;:()]+?)"
_END = (
    r"(?=$|[,;:(]| (?:and|but|because|so|since|when|while|where|which|who|after|before|until|"
    r"although|though|with|for|to|from|at|by|as|last|this|next|every|these|again|already|too|"
    rf"twice|(?:in|on) {DATE})\b)"
)
_REST = re.compile(r"[,;:(]| (?:so|because|and|but|when|while|since) ")
_NO_WORK = (
    r"(?:\w+ ){0,2}(?:speaker|member|follower|number|user|owner|winner|daughter|sister|brother)\b"
)
_NO_PLAY = r"(?:in|as|at|for|on|with|against|position|sport|instrument)\b"
_WORKS = (
    r"(?:\w+ ){0,2}(?:\w+(?:er|or|ist|ian|eer|tect|yst)|nurse|chef|cook|pilot|student|judge|"
    r"head of \w+|accountant|assistant|consultant|scientist|lifeguard|model|poet|vet|clerk|maid)"
)
_OWNER = rf"(?P<s>The user|[{_UP}][\w-]*(?: [{_UP}][\w-]*)*)'s?"
_LONGEST = 6
"""Words in an answer."""


@dataclass(frozen=True, slots=True)
class _Relation:
    key: str
    pattern: re.Pattern[str]
    several: bool
    worded: str
    """By which name the wordings are found."""


def _relation(
    key: str, said: str, *, owner: bool = False, several: bool = False, worded: str = ""
) -> _Relation:
    """``said`` follows whom it is about, ``x`` is what of them."""
    begin = _OWNER if owner else f"{_SUBJECT}{_SOFT}"
    return _Relation(key, re.compile(rf"^{begin} {said}{_END}"), several, worded or key)


_SPECIFIC = (
    _relation("favourite", rf"favou?rite (?P<x>[a-z ]+?) (?:is|are|was) {_THING}", owner=True),
    _relation("birthday", rf"birthday is (?:on )?(?:the )?{_THING}", owner=True),
    _relation(
        "home",
        rf"(?:moved(?: back)? to|relocated to|lives in|living in|settled in) "
        rf"(?:an? [a-z ]+? in )?(?P<v>{NAME})",
    ),
    _relation("home", rf"based in (?P<v>{NAME})", worded="based"),
    _relation(
        "employer",
        rf"(?:works|working|started working|got a job)(?: as [a-z ]+?)? (?:at|for) "
        rf"(?P<v>(?:the )?{NAME})",
    ),
    _relation(
        "job",
        rf"(?:(?:works|working|worked|started|got a job) as(?: an?)?|(?:is|became|being) an?) "
        rf"(?P<v>(?!{_NO_WORK}){_WORKS})(?: (?:in|of) .+)?",
    ),
    _relation("birth", rf"was born (?:in|on) (?P<v>{DATE})"),
    _relation(
        "birthplace",
        rf"(?:was born|grew up|comes|is originally) (?:in|from) (?P<v>(?!{DATE}){NAME})",
    ),
    _relation("spouse", rf"(?:is married to|married|got married to|is engaged to) (?P<v>{NAME})"),
    _relation(
        "name",
        rf"(?:has|adopted|got|owns|bought|rescued) (?:an?|one) (?P<x>[a-z ]+?),? "
        rf"(?:named|called|whose name is) (?P<v>{NAME})",
    ),
    _relation("allergy", rf"(?:allergic to|has an allergy to) {_THING}", several=True),
    _relation("age", r"is (?P<v>\d+)(?: years old)?"),
    _relation(
        "count",
        r"(?:has|owns) (?P<v>two|three|four|five|six|seven|eight|nine|ten|\d+) (?P<x>[a-z]+s\b)",
    ),
    _relation("plays", rf"plays (?!(?:the )?{_NO_PLAY})(?:the )?{_THING}", several=True),
    _relation("speaks", rf"(?:speaks|is learning)(?: the language)? (?P<v>{NAME})", several=True),
    _relation("studies", rf"(?:studies|is studying|studied|majored in|has a degree in) {_THING}"),
    _relation("likes", rf"(?:likes|loves|enjoys|adores|prefers)(?: to)? {_THING}", several=True),
    _relation(
        "dislikes",
        rf"(?:dislikes|hates|can't stand|fears|is afraid of|is scared of) {_THING}",
        several=True,
    ),
    _relation(
        "started", rf"(?:started|began|took up) (?!(?:to|in|at|on|work) ){_THING}", several=True
    ),
    _relation("quit", rf"(?:quit|gave up|stopped) {_THING}", several=True),
    _relation("bought", rf"bought {_THING}", several=True),
    _relation("drives", rf"(?:drives|rides|owns) {_THING}"),
    _relation(
        "visited",
        rf"(?:visited|went to|travelled to|traveled to|flew to) (?P<v>{NAME})",
        several=True,
    ),
    _relation(
        "plan",
        r"(?:plans|wants|hopes|is planning|would like|would love) to "
        r"(?P<v>[^,;:()]+?)(?=$|[,;:(]| (?:and|but|because|so|as)\b)",
        several=True,
    ),
)
_GENERAL = (
    _relation(
        "name",
        rf"(?P<x>[a-z ]+?)(?:'s name)? (?:is|was)(?: named| called)? (?P<v>{NAME})",
        owner=True,
    ),
    _relation(
        "owned", rf"(?P<x>[a-z ]+?) (?:is|are|was) (?:to )?(?!on |in |at ){_THING}", owner=True
    ),
)
RELATIONS = {row.worded: (row.key, row.several) for row in _SPECIFIC}
"""By the name of its wordings: what facts of a relation are about, and whether several can hold."""
PERSONAL = (
    "home", "employer", "job", "birth", "birthplace", "spouse", "allergy", "age", "plays",
    "speaks", "studies", "drives", "visited", "birthday",
)  # fmt: skip
"""Relations that every person may be asked about."""
_OPENERS = {"The", "A", "An", "Yesterday", "Today", "Last", "This", "In", "On", "At", "After"}


def related(statement: str) -> list[Fact]:
    """What a statement says of the relations that have a form of their own."""
    found = [fact for row in _SPECIFIC if (fact := _read(row, statement))]
    return found or [fact for row in _GENERAL if (fact := _read(row, statement))][:1]


def within(words: str) -> str:
    """The words as they stand within a sentence."""
    return words[0].lower() + words[1:] if words.split(" ", maxsplit=1)[0] in _OPENERS else words


def _read(row: _Relation, statement: str) -> Fact | None:
    match = row.pattern.match(statement)
    if match is None:
        return None
    groups = match.groupdict()
    value = re.sub(r"^(?:a|an|the|some) ", "", groups["v"].rstrip())
    if not value or len(value.split()) > _LONGEST:
        return None
    whom, thing = within(groups["s"]), groups.get("x") or ""
    rest = _REST.split(statement[match.end("v") :])[0]
    begin = SLOT + statement[match.end("s") : match.end("v") - len(value)]
    return Fact(
        about=(whom.lower(), row.key, thing),
        value=value,
        wordings=wordings(row.worded, thing),
        whom=whom,
        said=(begin.rstrip(),),
        blanks=(f"Complete the sentence: {begin}____{rest}.",),
        several=row.several,
    )
