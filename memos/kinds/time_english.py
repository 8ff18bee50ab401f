"""Where an English expression of time begins and ends, and which form it has.

The libraries that resolve expressions are bad at finding them: they take "we" for a Wednesday,
"sat" for a Saturday and every "may" for a month. So what could be anything else is taken for a
time only beside a word that says so: "in May", "May 2022" and "7 May", but not "you may".
Another language is another module like this one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LANGUAGE = "en"

_PARTS = {
    "YEAR": r"(?:19|20)\d\d(?![\d:%]|[.,]\d)",
    "WHOLE": "(?:january|february|april|june|july|august|september|october|november|december)",
    "SHORT": r"(?:jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?",
    "PROPER": r"(?-i:May|March|Mar\b\.?)",  # in lower case they are words
    "MONTH": r"(?:<WHOLE>|<SHORT>|<PROPER>)",
    "ANYMONTH": r"(?:<WHOLE>|<SHORT>|may|march|mar\b\.?)",
    "DAY": r"\d{1,2}(?:st|nd|rd|th)?",
    "WEEKDAY": "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)",
    "SHORTDAY": r"(?-i:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b",
    "COUNT": r"(?:\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen"
    "|eighteen|twenty|thirty|forty|fifty|(?:a )?(?:couple(?: of)?|few)|several)",
    "UNIT": "(?:day|week|weekend|month|year|decade)s?",
    "HOLIDAY": "(?:christmas(?: day| eve)?|new year(?:['\u2019]s)?(?: day| eve)?|halloween"
    "|thanksgiving|easter|valentine['\u2019]?s day)",
    "DATE": r"(?:(?:<WEEKDAY>|<SHORTDAY>),? )?(?:the )?(?:(?:19|20)\d\d[-/]\d{1,2}[-/]\d{1,2}"
    r"|\d{1,2}/\d{1,2}/(?:19|20)\d\d|<DAY> (?:<MONTH>|of <ANYMONTH>)(?:,? <YEAR>)?"
    r"|<DAY> <ANYMONTH>,? <YEAR>|<ANYMONTH> <DAY>,? <YEAR>"
    r"|<MONTH> (?:the )?<DAY>(?![\d:%]|[.,]\d)(?:,? <YEAR>)?)",
    "MONTHYEAR": r"<ANYMONTH>,?(?: of)? <YEAR>",
    "WHICH": "(?:(?:this )?(?:past|coming)|last|previous|this|next|upcoming)",
    "LEAD": "(?:in|on|at|by|during|around|over|for|since|until|till|before|after|throughout)",
    "PORTION": r"(?:early|late|mid|(?:the )?(?:beginning|start|middle|end) of)[ -]",
    "PARTOFDAY": "(?: (?:morning|afternoon|evening|night))?",
    "THINGS": "(?:people|dollars|euros|pounds|steps|words|miles|km|meters|calories|times|points)",
}


@dataclass(frozen=True, slots=True)
class Form:
    """What some expressions look like."""

    reading: str
    """How it is read; see :mod:`memos.kinds.dating`."""
    needs: tuple[frozenset[str], ...]
    """Of each of these sets, at least one word is in it."""
    pattern: re.Pattern[str]
    """Where it stands; its groups are what the reading is told."""


def _form(reading: str, needs: tuple[str, ...], pattern: str) -> Form:
    while re.search("<[A-Z]+>", pattern):
        pattern = re.sub("<([A-Z]+)>", lambda part: _PARTS[part[1]], pattern)
    spaced = pattern.replace("[ -]", r"[\s-]").replace(" ", r"\s{1,2}")
    return Form(
        reading,
        tuple(frozenset(words.split()) for words in needs),
        re.compile(rf"(?<![\w$€£#-])(?:{spaced})(?!\w)", re.IGNORECASE),
    )


_MONTHS = (
    "january february march april may june july august september october november december"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
_SHORTDAYS = "mon tue tues wed thu thur thurs fri sat sun"
_SEASONS = "spring summer fall autumn winter"
_HOLIDAYS = "christmas year halloween thanksgiving easter valentine valentines"
_WHICH = "last past previous this next coming upcoming"
_UNITS = "day week weekend month year decade days weeks weekends months years decades"


FORMS = (
    _form(
        "range",
        (f"# #### {_MONTHS}", "between from"),
        "(?:between|from) (?P<first><DATE>|<MONTHYEAR>|<YEAR>|<ANYMONTH>|<DAY>)"
        "(?: and | to | until | till | through | ?[-\u2013] ?)"
        "(?P<last><DATE>|<MONTHYEAR>|<YEAR>|<WHOLE>|<PROPER>)",
    ),
    _form(
        "beside",
        (f"#### {_MONTHS} {_HOLIDAYS}", "before after following of prior"),
        "(?:the |a )?(?:(?P<count><COUNT>) )?(?:last |next )?(?P<what><UNIT>|<WEEKDAY>) "
        "(?P<side>before|after|following|of|prior to) "
        "(?P<point><DATE>|<MONTHYEAR>|<HOLIDAY>(?: <YEAR>)?)",
    ),
    _form("point", (f"#### {_MONTHS}", "# ####"), "(?:(?P<lead><LEAD>) )?(?P<point><DATE>)"),
    _form("point", ("may march", "#"), "(?P<lead>on) (?P<point>(?:the )?<DAY> (?:may|march))"),
    _form("point", ("may march", "#"), "(?P<lead>on) (?P<point>(?:may|march) (?:the )?<DAY>)"),
    _form(
        "point",
        (_MONTHS, "####"),
        "(?:(?P<lead><LEAD>) )?(?:<PORTION>)?(?P<point><MONTHYEAR>)",
    ),
    _form(
        "season",
        (_SEASONS, "####"),
        "(?:(?P<lead><LEAD>) )?(?:the )?(?:<PORTION>)?"
        "(?P<name>spring|summer|fall|autumn|winter)(?: of)? (?P<year><YEAR>)",
    ),
    _form(
        "season",
        (_SEASONS, _WHICH),
        "(?P<which><WHICH>) (?P<name>spring|summer|fall|autumn|winter)",
    ),
    _form(
        "season",
        (_SEASONS,),
        "(?P<lead>in|during|over|since|until|before|after|for|throughout) (?:the )?"
        r"(?:<PORTION>)?(?:the )?(?P<name>summer|winter|autumn|(?:(?<=the\s)(?:spring|fall)))",
    ),
    _form(
        "holiday",
        (_HOLIDAYS, "####"),
        "(?:(?P<lead><LEAD>) )?(?:<WHICH> )?(?P<name><HOLIDAY>)(?: of)? (?P<year><YEAR>)",
    ),
    _form("holiday", (_HOLIDAYS, _WHICH), "(?P<which><WHICH>) (?P<name><HOLIDAY>)"),
    _form("holiday", (_HOLIDAYS,), "(?P<lead><LEAD>) (?P<name><HOLIDAY>)"),
    _form("month", (_MONTHS, _WHICH), "(?P<which><WHICH>) (?P<name><WHOLE>|(?-i:May|March))"),
    _form(
        "month",
        (_MONTHS,),
        "(?P<lead>in|by|during|around|since|until|till|before|after|throughout) "
        "(?:<PORTION>)?(?P<name><WHOLE>|(?-i:May|March))",
    ),
    _form(
        "month",
        ("may march", "in since until"),
        "(?P<lead>in|since|until) (?P<name>may|march)",
    ),
    _form(
        "rolling",
        (_UNITS, "last past previous"),
        "(?:(?:in|over|during|for|within) )?(?:the |this )?"
        "(?:(?:last|past|previous) (?P<count><COUNT>)|(?:the|this) past) "
        "(?P<unit>(?:day|week|month|year|decade)s?)",
    ),
    _form(
        "step",
        ("yesterday tomorrow",),
        "(?:the )?(?P<said>day before yesterday|day after tomorrow)",
    ),
    _form(
        "step",
        ("yesterday tomorrow today tonight night morning afternoon evening",),
        "(?:(?P<lead>since|until|till|before|after) )?"
        "(?P<said>yesterday|tomorrow|today|tonight|last night|this morning|this afternoon"
        "|this evening)<PARTOFDAY>",
    ),
    _form(
        "step",
        (_UNITS, "ago now"),
        "(?P<said>(?P<count><COUNT>|an?|one)(?: and a half)? (?P<unit><UNIT>)"
        " (?P<ago>ago|from now))",
    ),
    _form(
        "step",
        (_UNITS, "in"),
        "(?P<said>in (?P<count><COUNT>) (?P<unit><UNIT>))(?: time)?",
    ),
    _form(
        "step",
        (_UNITS, _WHICH),
        "(?:(?P<lead>since|until|till|before|after) )?(?:the )?"
        "(?P<said>(?P<which>last|previous|this|(?:this )?coming|next|upcoming) "
        "(?P<unit>week|month|year|decade))(?! of )",
    ),
    _form("weekend", ("weekend", _WHICH), "(?P<which><WHICH>) weekend"),
    _form("weekend", ("weekend",), "(?:over|at|on|during|for) the weekend"),
    _form(
        "weekday",
        (_WEEKDAYS,),
        "(?:(?P<lead>since|until|till|before|after) )?(?:(?P<which><WHICH>) )?"
        r"(?<!every\s)(?<!each\s)(?<!black\s)(?<!good\s)(?<!ash\s)(?<!palm\s)"
        "(?P<name><WEEKDAY>)<PARTOFDAY>",
    ),
    _form(
        "weekday",
        (_SHORTDAYS, f"on {_WHICH}"),
        "(?:on|(?P<which><WHICH>)) (?P<name><SHORTDAY>)",
    ),
    _form("decade", ("####",), r"(?:the )?(?:(?:early|late|mid)[ -])?(?P<year>(?:19|20)\d0)s"),
    _form(
        "year",
        ("####",),
        "(?:(?P<lead>in|by|during|since|until|till|before|after|throughout|around|from)"
        "|the(?: year)?|early|late|mid|(?:beginning|start|middle|end) of) "
        "(?P<year><YEAR>)(?! <THINGS>)",
    ),
)
"""All that we know; an earlier one is preferred to a later.

Most texts have none of the words that a form needs, and are read no further: to look for every
form in every text would take ten times as long.
"""

HINTS = frozenset().union(*(form.needs[0] for form in FORMS))
"""Of these, every expression has at least one."""
_WORD = re.compile("[a-z]+|[0-9]+")


def words_of(text: str) -> set[str]:
    """The words of a text in lower case; a number is ``#``, and one of four digits ``####``."""
    words = set(_WORD.findall(text.lower()))
    numbers = {word for word in words if word.isdigit()}
    if numbers:
        words.update("####" if len(number) == 4 else "#" for number in numbers)
    return words


AHEAD = re.compile(
    r"\b(?:will|gonna|going to|plan|plans|planning|planned for|upcoming|can't wait|looking forward"
    r"|scheduled)\b|['\u2019]ll\b",
    re.IGNORECASE,
)
"""A sentence about what is to come: in it, a bare "in June" is the next one."""

BEHIND = re.compile(
    r"\b(?:was|were|did|had|went|took|made|got|ran|won|lost|learned|\w\w+ed)\b", re.IGNORECASE
)
"""A sentence about what was: in it, "in two weeks" is how long it took."""

SENTENCE = re.compile(r"[!?]\s|\.\s(?=[A-Z])|\n\s*\n")
"""Where one ends, as far as can be told: not within "Sept. 7"."""

THREE = re.compile(r"(?:a )?few|several", re.IGNORECASE)
"""Numbers that are about three."""

USUAL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{words})\b"), usual)
    for words, usual in (
        ("(?:a )?few|several", "three"),
        ("(?:a )?couple(?: of)?", "two"),
        ("weekend", "week"),
        ("weekends", "weeks"),
        ("(?:this )?past|previous", "last"),
        ("(?:this )?coming|upcoming", "next"),
    )
)
"""Words that the library does not know, and what is said in their place."""
