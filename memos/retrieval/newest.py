"""Whether a question asks for what is newest, as far as its wording tells: pure."""

from __future__ import annotations

import re

_CUE = re.compile(
    r"\b(?:newest|lately|nowadays|currently|presently|right now|as of now|at present)\b"
    r"|\b(?:until|till|up to) now\b"
    r"|(?<!\bat the )(?<!\bat )(?<!\bto )\blatest\b"
    r"|(?<!\buntil )(?<!\btill )\brecent(?:ly)?\b"
    r"|(?<!\bone of )(?<!\bin )\bthese days\b"
    r"|\bof late\b(?=\W*$|,)"
    r"|(?<!\bfrom )(?<!\bto )\bnow\b(?=\W*$)"
    r"|\bat the moment\b(?! (?:of|when|that|you|he|she|it|we|they|i)\b)"
    r"|\bso far\b(?! (?:away|as|from|apart|off|out|back|ahead|behind|to)\b)"
    r"|(?:\b(?:my|your|his|her|its|our|their|the)|['\u2019]s) current (?=\w)"
    r"(?!(?:in|of|from|and|or|is|was|will|events|affairs|accounts?)\b)",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"(?<!\bat )(?<!\band )(?<!\bto )(?<!\bsecond )\blast (?=\w)(?!(?-i:(?<=Last )[A-Z]))",
    re.IGNORECASE,
)
"""Not of the title of a work: "The Last Samurai"."""
_NUMBER = (
    r"\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|few|several|many"
    "|couple(?: of)?"
)
_CALENDAR = (
    "second|minute|hour|day|night|morning|afternoon|evening|week|weekend|fortnight|month|quarter"
    "|semester|term|season|year|decade|century|centurie|spring|summer|autumn|fall|winter|monday"
    "|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|wed|thur?|fri|sat|sun|january"
    "|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar"
    "|apr|jun|jul|aug|sept?|oct|nov|dec|easter|christmas|thanksgiving|halloween|new year"
)
_PHRASE = (
    "names?|resort|straw|words?|but|of|long|longer|forever|for|until|till|from|in|on|at|about"
    "|around|over|through|all|more|less|the|an?|only|and|or|is|was|that"
)
_NO_CUE = re.compile(
    rf"(?:(?:{_NUMBER}) )?(?:(?:school|academic|fiscal) )?(?:{_CALENDAR})s?\b|(?:{_PHRASE})\b",
    re.IGNORECASE,
)
"""What makes of the "last" before it a time, a verb, or a phrase."""


def asks_for_newest(text: str) -> bool:
    """Whether a question asks for the newest of several: "latest", "so far", "the last book".

    A stretch of time is something else: "last May", "the last two weeks". English only.
    """
    return _CUE.search(text) is not None or any(
        not _NO_CUE.match(text, last.end()) for last in _LAST.finditer(text)
    )
