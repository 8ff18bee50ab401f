"""Which relation a question or the beginning of a statement is about, told by its words."""

from __future__ import annotations

import re


def _family(name: str, words: str) -> tuple[str, re.Pattern[str]]:
    return name, re.compile(words)


_FAMILIES = (
    _family("headquarters", r"\bhead(?:quarter|office| office)|\bmain office"),
    _family("twin", r"\btwin(?:ned)?\b|\bsister city"),
    _family("capital", r"\bcapital\b"),
    _family("continent", r"\bcontinent\b"),
    _family("gender", r"\b(?:gender|sex|male or female)\b"),
    _family("status", r"\bendangered|\bconservation status"),
    _family("constellation", r"\bconstellation"),
    _family("airport", r"\bairport|\bairline hub"),
    _family("code", r"\bprogramming language"),
    _family(
        "cause", r"\bcause (?:of|for) .*death|\bcause of death|\bdie (?:of|from)\b|\bdied of\b"
    ),
    _family(
        "death", r"\b(?:date|year|when)\b.*\b(?:die[ds]?|death)\b|\bdeath\b.*\b(?:date|year)\b"
    ),
    _family(
        "deathplace",
        r"\b(?:where|place|city|town|location|country)\b.*\b(?:die[ds]?|death)\b"
        r"|\bpassed away|\b(?:died|expired) (?:in|at)\b|\blife ended"
        r"|\blost (?:his|her|their) life",
    ),
    _family("birth", r"\b(?:date|year|when)\b.*\b(?:birth|born)\b|\bborn on\b"),
    _family(
        "birthplace",
        r"\bborn\b.* (?:in|at)\b|\bplace of birth|\bbirth ?place|\bcity of birth"
        r"|\bwhere .*born|\b(?:is|was) (?:originally from|native to)\b|\bgrew up\b",
    ),
    _family("citizenship", r"\bcitizen|\bnationality|\bnational identity|\bpassport"),
    _family("religion", r"\breligion|\bfaith\b|\bfollower of\b|\bworships?\b"),
    _family("tongue", r"\bnative language|\bnative speaker|\bmother tongue|, a native$"),
    _family(
        "official",
        r"\bofficial language|^in \{s\}, .*\b(?:language|understand|speak)"
        r"|\blaw in \{s\} .*language",
    ),
    _family("speaks", r"\b(?:speaks|spoke|speaker)\b|\bwrites in\b"),
    _family("language", r"\blanguage|\bwritten in\b"),
    _family("mother", r"\bmother\b"),
    _family("father", r"\bfather\b"),
    _family("spouse", r"\b(?:spouse|wife|husband|married)\b"),
    _family("school", r"\b(?:college|university|alma mater)\b|\beducated\b"),
    _family("war", r"\b(?:war|conflict)\b"),
    _family("league", r"\bleague\b"),
    _family("team", r"\bteam\b|\bplays? for\b"),
    _family("voice", r"\bvoice\b|\btype of tone"),
    _family("position", r"\bpositions?\b.*\bplay|\bplays (?:in the position|as|the position)\b"),
    _family("post", r"\bpositions?\b|\btitle\b|\bholds the office\b"),
    _family("sport", r"\bsport\b|\bis a professional$"),
    _family("instrument", r"\binstrument\b|\bperform(?:s|ing)? on\b"),
    _family("genre", r"\bgenre\b|\btype of music|\bperform(?:s|ing)$"),
    _family("field", r"\bfield\b|\bdomain\b|\bexpertise\b"),
    _family("job", r"\boccupation|\bprofession|\bworks as\b"),
    _family("employer", r"\bemployed by\b|\bemployer\b|\bplace of employment"),
    _family(
        "workplace", r"\bwork(?:ed)? in\b|\bemployed in\b|\bemployment in\b|\btook up work in\b"
    ),
    _family("director", r"\bdirector\b|\bdirected\b|\bunder whose direction"),
    _family("illustrator", r"\billustrat"),
    _family("designer", r"\bdesigner\b|\bdesigned by\b|\bwho designed|\barchitect\b"),
    _family("finder", r"\bdiscover"),
    _family("label", r"\blabel\b"),
    _family("publisher", r"\bpublish"),
    _family("performer", r"\bperformer\b|\bperformed\b"),
    _family("studio", r"\bproduction company|\bstudio\b"),
    _family("owner", r"\bowner\b|\bowned by\b|\bowns\b"),
    _family("namesake", r"\bnamed (?:after|for)\b|\bcalled after\b|\bnamesake\b"),
    _family(
        "maker",
        r"\b(?:produced|developed|created|made|manufactured|built) by\b|\bproduct of\b"
        r"|\bmanufacturer\b|\bdeveloper\b|\bcreator\b"
        r"|\bwho (?:made|developed|created|built)\b",
    ),
    _family(
        "network",
        r"\bnetwork\b|\bchannel\b"
        r"|\b(?:air(?:ed|s)|premier\w*|debut\w*|broadcast|released) on\b",
    ),
    _family("series", r"\b(?:series|fictional work|work of fiction|show)\b"),
    _family("family", r"\bfamily\b"),
    _family("material", r"\bmade of\b|\bmaterial\b"),
    _family("crosses", r"\bcross(?:es)?(?: over)?\b"),
    _family("founded", r"\b(?:year|when)\b.*\b(?:start|founded|created|established|introduced)\b"),
    _family("ended", r"\b(?:date|year|when)\b.*\b(?:end|dissolved?|abolished)\b"),
    _family("held", r"\b(?:date|when)\b.*\b(?:happen|take place|occur)|\bthe date of\b"),
    _family(
        "origin",
        r"\b(?:founded|formed|started|created|formulated|developed|originated) in\b"
        r"|\boriginat\w+|\b(?:city|country) of origin\b|(?:,| was) from$",
    ),
    _family("member", r"\baffiliated with\b|\bmember of\b"),
    _family("parent", r"\bpart of\b|\bparent company"),
    _family("based", r"\bbased in\b"),
    _family(
        "location",
        r"\blocat(?:ed|ion)\b|\bfound in\b|\b(?:is|lies) (?:in|within)\b|, in$|\bsituated\b",
    ),
    _family("plays", r"\bplays?\b"),
)
"""The first that fits is taken, so that the narrower one stands before the wider."""
NAMING = frozenset(
    "headquarters location continent capital twin citizenship owner maker network school employer "
    "workplace birthplace deathplace director mother father spouse label publisher team".split()
)
"""Relations in which the answer is a name."""
_WIDE = frozenset("maker parent member origin location language plays series".split())
"""Relations in which several things are true of one at a time, told in several wordings."""


def family_of(wording: str) -> str | None:
    """The relation that a wording is of, or None.

    ``wording`` is a question, or a statement up to its answer, with ``{s}`` in the place of whom
    it is about.
    """
    lowered = wording.lower().rstrip("? ")
    return next((name for name, pattern in _FAMILIES if pattern.search(lowered)), None)


def about_of(whom: str, family: str | None, wording: str) -> tuple[str, ...]:
    """What a fact is about: its relation, where one thing at a time is true of that."""
    if family is None or family in _WIDE:
        return (whom.lower(), "said", wording.lower())
    return (whom.lower(), family, "")
