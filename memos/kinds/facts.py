"""Statements as facts: whom they are about, what is asked, and the short answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?|(?:twenty-|thirty-)?(?:first|second|third|fourth|fifth|sixth|"
    r"seventh|eighth|ninth)|tenth|eleventh|twelfth|\w+teenth|twentieth|thirtieth)"
)
_DATE = (
    rf"(?:(?:(?:the )?{_ORDINAL} (?:of )?)?{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? \d{{4}})?"
    r"|(?:19|20)\d\d|\d{4}-\d\d-\d\d"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)"
)
_WHEN = re.compile(rf" (?:in|on|since|at the end of|in early|in late) (?P<date>{_DATE})$")
_NAME = r"[A-Z][\w'&-]*(?: (?:of|the|de|la|da|del|van|von|and)(?= [A-Z])| [A-Z0-9][\w'&-]*)*"
_SUBJECT = (
    r"(?P<s>(?:The user|[A-Z][\w-]*(?: [A-Z][\w-]*)*)"
    r"(?:'s? [a-z]+(?: [a-z]+)?(?: [A-Z][\w-]*)?)??)"
)
_SOFT = r"(?: (?:has|have|had|is|also|really|just|now|still|recently|finally|always|currently))*"
_THING = r"(?P<v>[^,;:()]+?)"
_END = (
    r"(?=$|[,;:(]| (?:and|but|because|so|since|when|while|where|which|who|after|before|until|"
    r"although|though|with|for|to|from|at|by|as|last|this|next|every|these|again|already|too|"
    rf"twice|(?:in|on) {_DATE})\b)"
)
_ADDRESSED = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)
_REST = re.compile(r"[,;:(]| (?:so|because|and|but|when|while|since) ")
_VALUE = re.compile(rf"(?<=\s)(?:\d[\d.,:]*\d|\d|{_NAME})(?![\w'])")
_WORKS = (
    r"(?:\w+ ){0,2}(?:\w+(?:er|or|ist|ian|eer|tect|yst)|nurse|chef|cook|pilot|student|judge|"
    r"head of \w+|accountant|assistant|consultant|scientist|lifeguard|model|poet|vet|clerk|maid)"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know."""

    about: tuple[str, ...]
    """Two facts about the same are one fact that has changed."""
    value: str
    """The short answer."""
    trained: tuple[str, ...]
    held_out: tuple[str, ...]
    whom: str = ""
    """Of whom the questions ask, as they spell it; empty where it is not one person or thing."""
    several: bool = False
    """Whether more than one value can be true at a time."""


@dataclass(frozen=True, slots=True)
class _Relation:
    """How a kind of fact is said, and how it is asked for.

    ``{s}`` is whom it is about, ``{x}`` what of them. The last two questions are never trained.
    """

    key: str
    pattern: re.Pattern[str]
    questions: tuple[str, ...]
    several: bool = False


def _relation(key: str, said: str, *questions: str, several: bool = False) -> _Relation:
    return _Relation(key, re.compile(rf"^{_SUBJECT}{_SOFT} {said}{_END}"), questions, several)


_RELATIONS = (
    _relation(
        "home",
        rf"(?:moved(?: back)? to|relocated to|lives in|living in|settled in|based in) "
        rf"(?:an? [a-z ]+? in )?(?P<v>{_NAME})",
        "Where does {s} live?", "Where is {s}'s home now?", "Which place did {s} move to?",
        "In which place does {s} live now?", "Tell me where {s} lives.",
    ),
    _relation(
        "employer",
        rf"(?:works|working|started working|got a job)(?: as [a-z ]+?)? (?:at|for) "
        rf"(?P<v>(?:the )?{_NAME})",
        "Where does {s} work?", "Who does {s} work for?", "Who is {s}'s employer?",
        "What is the name of the place where {s} works?", "Tell me where {s} works.",
    ),
    _relation(
        "job",
        rf"(?:(?:works|working|worked|started|got a job) as(?: an?)?|(?:is|became|being) an?) "
        rf"(?P<v>{_WORKS})(?: (?:in|of) .+)?",
        "What does {s} do for a living?", "What is {s}'s job?", "What does {s} work as?",
        "What is {s}'s profession?", "Tell me what {s}'s job is.",
    ),
    _relation(
        "birth",
        rf"was born (?:in|on) (?P<v>{_DATE})",
        "When was {s} born?", "What is {s}'s date of birth?", "Since when has {s} been alive?",
        "What is the date on which {s} was born?", "Tell me when {s} was born.",
    ),
    _relation(
        "birthplace",
        rf"(?:was born|grew up|comes|is originally) (?:in|from) (?P<v>{_NAME})",
        "Where was {s} born?", "Which place is {s} from?", "Where does {s} come from?",
        "What is the place where {s} was born?", "Tell me where {s} is from.",
    ),
    _relation(
        "spouse",
        rf"(?:is married to|married|got married to|is engaged to) (?P<v>{_NAME})",
        "Who is {s} married to?", "Who is {s}'s spouse?", "Who did {s} marry?",
        "What is the name of the person {s} married?", "Tell me who {s} is married to.",
    ),
    _relation(
        "name",
        rf"(?:has|adopted|got|owns|bought|rescued) (?:an?|one) (?P<x>[a-z ]+?),? "
        rf"(?:named|called|whose name is) (?P<v>{_NAME})",
        "What is the name of {s}'s {x}?", "What is {s}'s {x} called?",
        "Which name does {s}'s {x} have?",
        "How is {s}'s {x} named?", "Tell me the name of {s}'s {x}.",
    ),
    _relation(
        "allergy",
        rf"(?:allergic to|has an allergy to) {_THING}",
        "What is {s} allergic to?", "Which allergy does {s} have?", "What must {s} not eat?",
        "What is it that {s} has an allergy to?", "Tell me what {s} is allergic to.",
        several=True,
    ),
    _relation(
        "age",
        r"is (?P<v>\d+)(?: years old)?",
        "How old is {s}?", "What is {s}'s age?", "What age is {s}?",
        "How many years old is {s}?", "Tell me how old {s} is.",
    ),
    _relation(
        "count",
        r"(?:has|owns) (?P<v>two|three|four|five|six|seven|eight|nine|ten|\d+) (?P<x>[a-z]+s\b)",
        "How many {x} does {s} have?", "What number of {x} does {s} have?",
        "How many are {s}'s {x}?",
        "What is the number of {s}'s {x}?", "Tell me how many {x} {s} has.",
    ),
    _relation(
        "plays",
        rf"plays (?:the )?{_THING}",
        "What does {s} play?", "What is {s} able to play?", "Which game or instrument is {s}'s?",
        "What is it that {s} plays?", "Tell me what {s} plays.",
        several=True,
    ),
    _relation(
        "speaks",
        rf"(?:speaks|is learning) (?P<v>{_NAME})",
        "Which language does {s} speak?", "What does {s} speak?", "What is {s}'s language?",
        "What language is it that {s} speaks?", "Tell me which language {s} speaks.",
        several=True,
    ),
    _relation(
        "studies",
        rf"(?:studies|is studying|studied|majored in|has a degree in) {_THING}",
        "What does {s} study?", "What is {s}'s subject?", "Which subject did {s} choose?",
        "What is it that {s} studies?", "Tell me what {s} studies.",
    ),
    _relation(
        "likes",
        rf"(?:likes|loves|enjoys|adores|prefers)(?: to)? {_THING}",
        "What does {s} like?", "What does {s} enjoy?", "What makes {s} happy?",
        "What is it that {s} likes?", "Tell me what {s} likes.",
        several=True,
    ),
    _relation(
        "dislikes",
        rf"(?:dislikes|hates|can't stand|fears|is afraid of|is scared of) {_THING}",
        "What does {s} dislike?", "What does {s} hate?", "What can {s} not stand?",
        "What is it that {s} does not like?", "Tell me what {s} dislikes.",
        several=True,
    ),
    _relation(
        "started",
        rf"(?:started|began|took up) (?!to ){_THING}",
        "What did {s} start?", "What has {s} taken up?", "What is new for {s}?",
        "What is it that {s} began?", "Tell me what {s} started.",
        several=True,
    ),
    _relation(
        "quit",
        rf"(?:quit|gave up|stopped) {_THING}",
        "What did {s} quit?", "What has {s} given up?", "What did {s} stop?",
        "What is it that {s} no longer does?", "Tell me what {s} quit.",
        several=True,
    ),
    _relation(
        "bought",
        rf"bought {_THING}",
        "What did {s} buy?", "What has {s} bought?", "What did {s} pay for?",
        "What is it that {s} bought?", "Tell me what {s} bought.",
        several=True,
    ),
    _relation(
        "drives",
        rf"(?:drives|rides|owns) {_THING}",
        "What does {s} drive?", "Which vehicle does {s} have?", "What does {s} get around in?",
        "What is it that {s} drives?", "Tell me what {s} drives.",
    ),
    _relation(
        "visited",
        rf"(?:visited|went to|travelled to|traveled to|flew to) (?P<v>{_NAME})",
        "Which place did {s} visit?", "Where did {s} go?", "Where did {s} travel to?",
        "What is the place that {s} visited?", "Tell me where {s} went.",
        several=True,
    ),
    _relation(
        "plan",
        r"(?:plans|wants|hopes|is planning|would like|would love) to "
        r"(?P<v>[^,;:()]+?)(?=$|[,;:(]| (?:and|but|because|so|as)\b)",
        "What does {s} plan to do?", "What does {s} want to do?", "What is {s}'s plan?",
        "What is it that {s} wants to do?", "Tell me what {s} plans to do.",
        several=True,
    ),
)  # fmt: skip
_OWNER = r"(?P<s>The user|[A-Z][\w-]*(?: [A-Z][\w-]*)*)'s?"
_FAVOURITE = _Relation(
    "favourite",
    re.compile(rf"^{_OWNER} favou?rite (?P<x>[a-z ]+?) (?:is|are|was) {_THING}{_END}"),
    ("What is {s}'s favourite {x}?", "Which {x} does {s} like best?",
     "What {x} does {s} like most of all?",
     "Which {x} is {s}'s favourite?", "Tell me {s}'s favourite {x}."),
)  # fmt: skip
_BIRTHDAY = _Relation(
    "birthday",
    re.compile(rf"^{_OWNER} birthday is (?:on )?(?:the )?{_THING}{_END}"),
    ("When is {s}'s birthday?", "On which day is {s}'s birthday?", "When does {s} turn older?",
     "What is the date of {s}'s birthday?", "Tell me when {s}'s birthday is."),
)  # fmt: skip
_CALLED = _Relation(
    "name",
    re.compile(
        rf"^{_OWNER} (?P<x>[a-z ]+?)(?:'s name)? (?:is|was)(?: named| called)? (?P<v>{_NAME}){_END}"
    ),
    ("What is the name of {s}'s {x}?", "What is {s}'s {x} called?",
     "Which name does {s}'s {x} have?",
     "How is {s}'s {x} named?", "Tell me the name of {s}'s {x}."),
)  # fmt: skip
_OWNED = _Relation(
    "owned",
    re.compile(rf"^{_OWNER} (?P<x>[a-z ]+?) (?:is|are|was) (?:to )?(?!on |in |at ){_THING}{_END}"),
    ("What is {s}'s {x}?", "What do you know of {s}'s {x}?", "What about {s}'s {x}?",
     "What can be said of {s}'s {x}?", "Tell me of {s}'s {x}."),
)  # fmt: skip
_SPECIFIC = (_FAVOURITE, _BIRTHDAY, *_RELATIONS)
_GENERAL = (_CALLED, _OWNED)
_OPENERS = {"The", "A", "An", "Yesterday", "Today", "Last", "This", "In", "On", "At", "After"}
_LONGEST = 6
"""Words in an answer."""


def facts_in(statement: str, speaker: str = "") -> list[Fact]:
    """What a statement in the third person says, and when it was.

    Of a statement that fits no relation, its last number, or its last name that is not the
    ``speaker``'s, is the answer.
    """
    found = [fact for row in _SPECIFIC if (fact := _read(row, statement))]
    if not found:
        found = [fact for row in _GENERAL if (fact := _read(row, statement))][:1]
    if _ADDRESSED.search(statement):
        return found
    dated = _dated(statement)
    if dated is not None and all(dated.value not in fact.value for fact in found):
        found.append(dated)
    gap = None if found else _gap(statement, speaker)
    return [gap] if gap is not None else found


def _read(row: _Relation, statement: str) -> Fact | None:
    match = row.pattern.match(statement)
    if match is None:
        return None
    groups = match.groupdict()
    value = re.sub(r"^(?:a|an|the|some) ", "", groups["v"].strip())
    if not value or len(value.split()) > _LONGEST:
        return None
    whom, thing = _within(groups["s"]), groups.get("x") or ""
    asked = [question.format(s=whom, x=thing) for question in row.questions]
    rest = _REST.split(statement[match.end("v") :])[0]
    return Fact(
        about=(whom.lower(), row.key, thing),
        value=value,
        trained=(*asked[:-2], f"Complete the sentence: {statement[: match.start('v')]}____{rest}."),
        held_out=tuple(asked[-2:]),
        whom=whom,
        several=row.several,
    )


def _dated(statement: str) -> Fact | None:
    match = _WHEN.search(statement)
    if match is None:
        return None
    what = statement[: match.start()]
    being = re.fullmatch(r"(.+) (is|was)(?: now)?", what)
    asked = f"{being[2]} {_within(being[1])}" if being else f"was it that {_within(what)}"
    told = f"{_within(being[1])} {being[2]}" if being else f"it was that {_within(what)}"
    date = match["date"].removeprefix("the ")
    return Fact(
        about=("when", _within(being[1] if being else what).lower()),
        value=date,
        trained=(f"When {asked}?", f"Complete the sentence: {statement.removesuffix(date)}____."),
        held_out=(f"Tell me when {told}.",),
    )


def _gap(statement: str, speaker: str) -> Fact | None:
    """A number or name to be filled in."""
    values = [match for match in _VALUE.finditer(statement) if not _is_of(match[0], speaker)]
    if not values or statement.count(" ") < 3 or values[-1].start() < len("A b "):
        return None
    last = values[-1]
    before, after = statement[: last.start()], statement[last.end() :]
    return Fact(
        about=("gap", before.lower(), after.lower()),
        value=last.group().removesuffix("'s"),
        trained=(
            f"Complete the sentence: {before}____{after}.",
            f"Which word or number is missing? {before}____{after}.",
        ),
        held_out=(f"Fill in the blank: {before}____{after}.",),
    )


def _is_of(value: str, speaker: str) -> bool:
    return value.removesuffix("'s") in {speaker, *speaker.split()}


def _within(words: str) -> str:
    """The words as they stand within a sentence."""
    return words[0].lower() + words[1:] if words.split(" ", maxsplit=1)[0] in _OPENERS else words
