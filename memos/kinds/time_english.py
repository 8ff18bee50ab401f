"""Where an English expression of time begins and ends, and which form it has.

The libraries that resolve expressions are bad at finding them: they take "we" for a Wednesday,
"sat" for a Saturday and every "may" for a month. So what could be anything else is taken for a
time only beside a word that says so: "in May", "May 2022" and "7 May", but not "you may".
Another language is another module like this one.
"""

from __future__ import annotations

import re

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


def _pattern(text: str) -> re.Pattern[str]:
    while re.search("<[A-Z]+>", text):
        text = re.sub("<([A-Z]+)>", lambda part: _PARTS[part[1]], text)
    spaced = text.replace("[ -]", r"[\s-]").replace(" ", r"\s{1,2}")
    return re.compile(rf"(?<![\w$€£#-])(?:{spaced})(?!\w)", re.IGNORECASE)


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


def _needs(*words: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(each.split()) for each in words)


FORMS: tuple[tuple[str, tuple[frozenset[str], ...], re.Pattern[str]], ...] = tuple(
    (form, needs, _pattern(text))
    for form, needs, text in (
        (
            "range",
            _needs("between from", f"# {_MONTHS}"),
            "(?:between|from) (?P<first><DATE>|<MONTHYEAR>|<YEAR>|<ANYMONTH>|<DAY>)"
            "(?: and | to | until | till | through | ?[-\u2013] ?)"
            "(?P<last><DATE>|<MONTHYEAR>|<YEAR>|<WHOLE>|<PROPER>)",
        ),
        (
            "beside",
            _needs("before after following of prior", f"# {_HOLIDAYS}"),
            "(?:the |a )?(?:(?P<count><COUNT>) )?(?:last |next )?(?P<what><UNIT>|<WEEKDAY>) "
            "(?P<side>before|after|following|of|prior to) "
            "(?P<point><DATE>|<MONTHYEAR>|<HOLIDAY>(?: <YEAR>)?)",
        ),
        ("point", _needs("#"), "(?:(?P<lead><LEAD>) )?(?P<point><DATE>)"),
        ("point", _needs("#"), "(?:(?P<lead><LEAD>) )?(?:<PORTION>)?(?P<point><MONTHYEAR>)"),
        (
            "season",
            _needs(_SEASONS, "#"),
            "(?:(?P<lead><LEAD>) )?(?:the )?(?:<PORTION>)?"
            "(?P<name>spring|summer|fall|autumn|winter)(?: of)? (?P<year><YEAR>)",
        ),
        (
            "season",
            _needs(_SEASONS, _WHICH),
            "(?P<which><WHICH>) (?P<name>spring|summer|fall|autumn|winter)",
        ),
        (
            "season",
            _needs(_SEASONS),
            "(?P<lead>in|during|over|since|until|before|after|for|throughout) (?:the )?"
            "(?:<PORTION>)?(?:the )?(?P<name>summer|winter|autumn|(?:(?<=the\\s)(?:spring|fall)))",
        ),
        (
            "holiday",
            _needs(_HOLIDAYS, "#"),
            "(?:(?P<which><WHICH>) )?(?P<name><HOLIDAY>)(?: of)? (?P<year><YEAR>)",
        ),
        ("holiday", _needs(_HOLIDAYS, _WHICH), "(?P<which><WHICH>) (?P<name><HOLIDAY>)"),
        ("holiday", _needs(_HOLIDAYS), "(?P<lead><LEAD>) (?P<name><HOLIDAY>)"),
        ("month", _needs(_MONTHS, _WHICH), "(?P<which><WHICH>) (?P<name><WHOLE>|(?-i:May|March))"),
        (
            "month",
            _needs(_MONTHS),
            "(?P<lead>in|by|during|around|since|until|till|before|after|throughout) "
            "(?:<PORTION>)?(?P<name><WHOLE>|(?-i:May|March))",
        ),
        (
            "month",
            _needs("may march", "in since until"),
            "(?P<lead>in|since|until) (?P<name>may|march)",
        ),
        (
            "rolling",
            _needs("last past previous", _UNITS),
            "(?:(?:in|over|during|for|within) )?(?:the |this )?"
            "(?:(?:last|past|previous) (?P<count><COUNT>)|(?:the|this) past) "
            "(?P<unit>(?:day|week|month|year|decade)s?)",
        ),
        (
            "step",
            _needs("yesterday tomorrow"),
            "(?:the )?(?P<said>day before yesterday|day after tomorrow)",
        ),
        (
            "step",
            _needs("yesterday tomorrow today tonight last this"),
            "(?:(?P<lead>since|until|till|before|after) )?"
            "(?P<said>yesterday|tomorrow|today|tonight|last night|this morning|this afternoon"
            "|this evening)<PARTOFDAY>",
        ),
        (
            "step",
            _needs("ago now"),
            "(?P<said>(?P<count><COUNT>|an?|one)(?: and a half)? (?P<unit><UNIT>)"
            " (?P<ago>ago|from now))",
        ),
        (
            "step",
            _needs("in", _UNITS),
            "(?P<said>in (?P<count><COUNT>) (?P<unit><UNIT>))(?: time)?",
        ),
        (
            "step",
            _needs(_WHICH, _UNITS),
            "(?:(?P<lead>since|until|till|before|after) )?(?:the )?"
            "(?P<said>(?P<which>last|previous|this|(?:this )?coming|next|upcoming) "
            "(?P<unit>week|month|year|decade))(?! of )",
        ),
        ("weekend", _needs("weekend", _WHICH), "(?P<which><WHICH>) weekend"),
        ("weekend", _needs("weekend"), "(?:over|at|on|during|for) the weekend"),
        (
            "weekday",
            _needs(_WEEKDAYS),
            "(?:(?P<lead>since|until|till|before|after) )?(?:(?P<which><WHICH>) )?"
            r"(?<!every\s)(?<!each\s)(?<!black\s)(?<!good\s)(?<!ash\s)(?<!palm\s)"
            "(?P<name><WEEKDAY>)<PARTOFDAY>",
        ),
        (
            "weekday",
            _needs(f"on {_WHICH}", _SHORTDAYS),
            "(?:on|(?P<which><WHICH>)) (?P<name><SHORTDAY>)",
        ),
        ("decade", _needs("#"), r"(?:the )?(?:(?:early|late|mid)[ -])?(?P<year>(?:19|20)\d0)s"),
        (
            "year",
            _needs("#"),
            "(?:(?P<lead>in|by|during|since|until|till|before|after|throughout|around|from)"
            "|the(?: year)?|early|late|mid|(?:beginning|start|middle|end) of) "
            "(?P<year><YEAR>)(?! <THINGS>)",
        ),
    )
)
"""What a form is read as, words of which it has at least one each, and what it looks like.

An earlier form is preferred to a later. Most texts have none of the words, and are read no further:
to look for every form in every text would take fifty times as long.
"""

_WORD = re.compile("[a-z]+|[0-9]")


def words_of(text: str) -> set[str]:
    """The words of a text in lower case; digits are ``#``."""
    return {"#" if "0" <= word <= "9" else word for word in set(_WORD.findall(text.lower()))}


AHEAD = re.compile(
    r"\b(?:will|gonna|going to|plan|plans|planning|planned for|upcoming|can't wait|looking forward"
    r"|scheduled)\b|['\u2019]ll\b",
    re.IGNORECASE,
)
"""A sentence about what is to come: in it, a bare "in June" is the next one."""

BEHIND = re.compile(
    r"\b(?:was|were|did|had|went|took|made|got|ran|won|lost|learned|\w\w+ed)\b", re.I
)
"""A sentence about what was: in it, "in two weeks" is how long it took."""

SENTENCE = re.compile(r"[.!?\n]\s")
"""Where one ends."""

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
