"""Whether what is claimed stands in the words that it is said to stand in: pure, and no model.

    claim       "Alice moved to Lisbon in May 2023."     said by Alice on 8 June 2023
    evidence    "I moved to Lisbon last month!"
                 Alice: who speaks   moved, Lisbon: said   May 2023: what "last month" means

It is a check of form. It cannot tell that words were put together wrongly, only that each is
there; a claim that it refuses may still be right.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from snowballstemmer.english_stemmer import EnglishStemmer

from memos.cube import MemCube, Plaintext
from memos.kinds.said_dates import dates_in, meant_dates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EVIDENCE = "evidence"
"""The attribute of a fact: the words of its sources that it was drawn from."""
BETWEEN = " […] "
"""What stands between the words of several sources."""

_WORD = re.compile(r"[^\W_]+(?:[.,:][0-9]+)*")
_NOT = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|nowhere|neither|nor|without|cannot|no longer)\b|n't\b",
    re.IGNORECASE,
)
_IRREGULAR = {
    form: base
    for base, *forms in (
        line.split()
        for line in """
        become became, begin began begun, break broke broken, bring brought, build built,
        buy bought, catch caught, choose chose chosen, come came, drink drank drunk,
        drive drove driven, eat ate eaten, fall fell fallen, feel felt, find found,
        fly flew flown, forget forgot forgotten, get got gotten, give gave given,
        go goes went gone, grow grew grown, hear heard, hold held, keep kept, know knew known,
        leave left, lose lost, make made, mean meant, meet met, pay paid, ride rode,
        run ran, say said, see saw seen, sell sold, send sent, sing sang sung, sleep slept,
        speak spoke spoken, spend spent, stand stood, swim swam, take took taken,
        teach taught, tell told, think thought, understand understood, wake woke, wear wore worn,
        win won, write wrote written, child children, man men, woman women, person people,
        wife wives, foot feet, tooth teeth
        """.split(",")
    )
    for form in forms
}
"""Forms that no ending explains, to the word that they are forms of."""
_EMPTY = frozenset(
    """
    a about also am an and any are as at be been being both but by can could did do does doing for
    from had has have having he her hers herself him himself his i if in into is it its itself just
    ll m may me mine might must my myself now of off on or our ours ourselves re s shall she should
    so some such t than that the their theirs them themselves then there these they this those to
    too user us ve was we were what when where which while who whom whose why will with would you
    your yours yourself not no never n don doesn didn isn wasn
    """.split()
)
"""Words without which a claim says the same; negations are counted apart from these."""

_stemmer = EnglishStemmer()
_stemming = threading.Lock()


def is_fact(cube: MemCube) -> bool:
    """Whether the cube was drawn from others, and speaks for them as they were."""
    return isinstance(cube.payload, Plaintext) and EVIDENCE in cube.payload.attributes


def stands_in(quote: str, text: str) -> bool:
    """Whether a text holds exactly these words; white space and forms of quotes do not count."""
    return bool(quote.strip()) and _plain(quote) in _plain(text)


def negates(text: str) -> bool:
    """Whether a text says *not*, in whatever form."""
    return _NOT.search(_plain(text)) is not None


def unsupported(claim: str, evidence: Sequence[str], sources: Sequence[MemCube]) -> list[str]:
    """What of a claim is not in its evidence: words, numbers, dates, or a negation.

    Args:
        claim: what is said to be so.
        evidence: the words that it rests on.
        sources: where they stand; who speaks there, and when, may be named in the claim.

    Returns:
        What is missing, in the claim's order; empty where all is there.
    """
    said = " ".join(evidence)
    missing = [date for date in dates_in(claim) if not _is_meant(date, evidence, sources)]
    there = _stems(_WORD.findall(_plain(" ".join([said, *_speakers(sources)]))))
    dated = claim
    for date in dates_in(claim):
        dated = dated.replace(date, " ")
    words = _WORD.findall(_plain(dated))
    missing += [word for word in words if word not in _EMPTY and _stem(word) not in there]
    if negates(claim) != negates(said):
        missing.append("not")
    return list(dict.fromkeys(missing))


def _is_meant(date: str, evidence: Sequence[str], sources: Sequence[MemCube]) -> bool:
    """Whether the evidence says this date, or words that mean it when they are said."""
    if any(stands_in(date, words) for words in evidence):
        return True
    return any(
        meant_dates(date, words, source.header.valid_from)
        for words in evidence
        for source in sources
        if source.header.valid_from is not None and stands_in(words, source.text)
    )


def _speakers(sources: Iterable[MemCube]) -> list[str]:
    names = [cube.speaker or cube.user_id or "" for cube in sources]
    return list(dict.fromkeys(names))


def _plain(text: str) -> str:
    quotes = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
    return " ".join(text.translate(quotes).casefold().split())


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(_stem(word) for word in words)


@lru_cache(maxsize=1 << 14)
def _stem(word: str) -> str:
    if not word.isalpha():
        return word
    word = _IRREGULAR.get(word, word)
    with _stemming:  # the stemmer works in place
        stem: str = _stemmer.stemWord(word)
    return stem
