"""A question or the beginning of a statement in other words, by rules of grammar alone."""

from __future__ import annotations

import re

from memos.kinds.fact import Wordings

_NAMED = re.compile(
    r"^(?:what|who|whom|which|where|when)(?:'s| is| was| are| were) "
    r"(?P<what>(?:the )?[^?]*\{s\}[^?]*)$",
    re.IGNORECASE,
)
_TURNED = re.compile(
    r"^(?P<what>.*\{s\}.*) (?P<be>is|was|are|were) (?:what|who|whom|which|where|when)$",
    re.IGNORECASE,
)
_OF = re.compile(r"^the (?P<x>[\w' -]+?) (?:of|for) \{s\}$", re.IGNORECASE)
_OWN = re.compile(r"^\{s\}'s? (?P<x>[\w -]+)$")
_SHORT = re.compile(r"^(what|who|where|when|how) is\b", re.IGNORECASE)
_LONG = re.compile(r"^(what|who|where|when|how)'s\b", re.IGNORECASE)
_PREPOSITION = r"in|on|at|of|to|for|from|by|under|during|with|after"
_FRONT = re.compile(
    rf"^(?P<at>{_PREPOSITION}) (?P<wh>what|which|whom?)\b(?P<rest>.+)$", re.IGNORECASE
)
_BACK = re.compile(
    rf"^(?P<wh>what|which|whom?)\b(?P<rest>.+) (?P<at>{_PREPOSITION})$", re.IGNORECASE
)
_WHICH = re.compile(
    r"\b(what|which)(?= (?!is\b|was\b|are\b|were\b|did\b|does\b|do\b)\w)", re.IGNORECASE
)
_BEING = re.compile(
    rf"^(?:(?P<at>{_PREPOSITION}) )?(?:what|which) (?P<x>[\w -]+?) (?P<be>is|was) \{{s\}}"
    r"(?: (?P<rest>.+))?$",
    re.IGNORECASE,
)
_DOING = re.compile(
    rf"^(?:(?P<at>{_PREPOSITION}) )?(?:what|which) (?P<x>[\w -]+?) (?P<do>did|does) \{{s\}} "
    r"(?P<verb>[a-z]+)(?: (?P<rest>.+))?$",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"^(?P<wh>where|when) (?P<do>did|does|is|was) \{s\}(?: (?P<verb>[a-z]+)(?P<rest>.*))?$",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"^(?:who|what|which \w+) (?P<rest>(?!is\b|was\b|did\b|does\b)\w+ .+)$", re.IGNORECASE
)
_PAST = {
    "go": "went", "fight": "fought", "get": "got", "take": "took", "begin": "began",
    "write": "wrote", "make": "made", "come": "came", "win": "won", "sing": "sang",
    "hold": "held", "have": "had", "speak": "spoke", "become": "became", "find": "found",
    "study": "studied", "marry": "married", "grow": "grew", "leave": "left", "lead": "led",
}  # fmt: skip
_RELATIVE = re.compile(r"^\{s\}, (?:who|which|that) ")
_WHOSE = re.compile(r"^\{s\}, whose ")
_PARTICIPLE = re.compile(r"^\{s\}, (?=(?:\w+ed|known|made|found) )")
_NOUN = re.compile(r"^\{s\}, (?=an? )")
_THE_OF = re.compile(
    r"^the (?P<x>[\w ]+?) of \{s\} (?P<rest>(?:is|was|are|were)\b.*)$", re.IGNORECASE
)
_S_OWN = re.compile(r"^\{s\}'s (?P<x>[\w ]+?) (?P<rest>(?:is|was|are|were)\b.*)$")


def of_question(question: str) -> Wordings:
    """A question in other words; ``{s}`` stands in it for whom it asks of."""
    core = re.sub(r"\s*\?$", "", " ".join(question.split()))
    what = _description(core)
    other = what and _possessive(what)
    asked = [f"{core}?"]
    if other:
        asked.append(f"What is {other}?")
    asked += [f"{variant}?" for variant in (_contracted(core), _moved(core), _swapped(core))]
    statement = what or _clause(core)
    if statement:
        asked += [f"Tell me {statement}.", _low(core), f"Do you know {statement}?"]
    asked += [_low(core), f"Question: {core}?", f"I wonder: {_low(core)}?"]
    say = [f"{core}?"]
    said = what or _nominal(core)
    if said:
        say.append(f"{said} is")
    if other:
        say.append(f"{other} is")
    held = [f"Please say {other or statement}."] if statement else []
    return Wordings(
        ask=_distinct(asked),
        check=(f"Can you answer this: {_low(core)}?",),
        hold=(*held, f"I would like to know: {_low(core)}?", f"Could you say, {_low(core)}?")[:2],
        say=_distinct(say),
    )


def of_beginning(begin: str) -> tuple[str, ...]:
    """The beginning of a statement, first as it stands, then in other words."""
    others = [begin]
    for pattern, words in (
        (_RELATIVE, "{s} "), (_WHOSE, "{s}'s "), (_PARTICIPLE, "{s} was "), (_NOUN, "{s} is "),
    ):  # fmt: skip
        if pattern.search(begin):
            others.append(pattern.sub(words, begin))
    for pattern, form in ((_THE_OF, "{{s}}'s {x} {rest}"), (_S_OWN, "The {x} of {{s}} {rest}")):
        match = pattern.match(begin)
        if match:
            others.append(form.format(x=match["x"], rest=match["rest"]))
    return _distinct(others)


def _description(core: str) -> str:
    """What "what is" asks for: "the mother of Mia"; empty where it asks otherwise."""
    match = _NAMED.match(core) or _TURNED.match(core)
    if match is None:
        return ""
    what = match["what"]
    if not re.match(r"(?:the|\{s\}'s?) ", what, re.IGNORECASE):
        return ""
    return what[:1].lower() + what[1:] if what[:1] != "{" else what


def _possessive(what: str) -> str:
    """For "the mother of Mia" the words "Mia's mother", and the other way round."""
    match = _OF.match(what)
    if match:
        return "{s}'s " + match["x"]
    match = _OWN.match(what)
    return f"the {match['x']} of {{s}}" if match else ""


def _contracted(core: str) -> str:
    if _SHORT.match(core):
        return _SHORT.sub(r"\1's", core)
    return _LONG.sub(r"\1 is", core)


def _moved(core: str) -> str:
    """The preposition moved from the beginning to the end, or the other way round."""
    match = _FRONT.match(core)
    if match:
        return f"{match['wh'].capitalize()}{match['rest']} {match['at'].lower()}"
    match = _BACK.match(core)
    return f"{match['at'].capitalize()} {match['wh'].lower()}{match['rest']}" if match else core


def _swapped(core: str) -> str:
    """For "Which town" the words "What town", and the other way round."""
    return _WHICH.sub(_other_word, core, count=1)


def _other_word(match: re.Match[str]) -> str:
    other = "which" if match[0].lower() == "what" else "what"
    return other.capitalize() if match[0][0].isupper() else other


def _clause(core: str) -> str:
    """The question as a clause behind "Do you know"; empty where the rules do not reach."""
    match = _WHERE.match(core)
    if match:
        do, verb = match["do"].lower(), match["verb"] or ""
        told = f"{do} {verb}".rstrip() if do in {"is", "was"} else _inflected(do, verb)
        return f"{match['wh'].lower()} {{s}} {told}{match['rest'] or ''}"
    noun = _nominal(core)
    if noun:
        return noun
    match = _WHO.match(core)
    return f"who {match['rest']}" if match and core.lower().startswith("who ") else ""


def _nominal(core: str) -> str:
    """For "Which town did Mia go to" the words "the town Mia went to"; else nothing."""
    match = _BEING.match(core) or _DOING.match(core)
    if match is None:
        return ""
    groups = match.groupdict()
    rest = f" {match['rest']}" if match["rest"] else ""
    verb = groups.get("be") or _inflected(groups["do"] or "", groups["verb"] or "")
    where = f"{match['at'].lower()} which " if match["at"] else ""
    return f"the {match['x']} {where}{{s}} {verb.lower()}{rest}"


def _inflected(do: str, verb: str) -> str:
    if do.lower() == "does":
        return f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "o")) else f"{verb}s"
    return _PAST.get(verb) or (f"{verb}d" if verb.endswith("e") else f"{verb}ed")


def _low(core: str) -> str:
    return core[:1].lower() + core[1:] if not core.startswith("{s}") else core


def _distinct(wordings: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wordings))
