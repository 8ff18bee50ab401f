"""Whom or what a sentence is about: the longest name or title in it, told by capital letters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUOTED = re.compile(r"[\"\u201c\u00ab](?P<title>[^\"\u201d\u00bb]+)[\"\u201d\u00bb]")
_OPENERS = frozenset(
    "what who whom whose which where when why how in on at of to from for with by under during "
    "is are was were do does did has have had can could will would the a an this that these those "
    "there and or but tell name say give it he she they i we you my his her its their our your "
    "after before since until what's who's where's when's how's".split()
)
"""Words that begin a sentence with a capital letter and are no name."""
_WITHIN = frozenset(
    "of the and de la le las los da das do dos del della di du van von den der het ten ter zu "
    "zum zur y e et ben ibn bin al el i o og in on to for with at a an".split()
)
"""Small words that a name may have within."""
_ENGLISH = _OPENERS | frozenset(
    "whom be been done may might must as die live play end start begin began born found part "
    "member belong attend write written wrote make made speak spoke work go went come came take "
    "took place happen occur cross over use call name know known give given last first follow "
    "sing suffer study fight fought serve join get got form originate premiere debut air operate "
    "out own consider hold held set service exist appear originally professionally character "
    "mother father wife husband spouse sister brother son daughter child parent uncle aunt "
    "architect director author writer maker owner founder mayor king queen capital team label "
    "language position occupation job bought sold ran left won lost led met gave told like love "
    "want need eat drink drive move about when also now".split()
)
"""English words that are no part of a title where they follow it in lower case."""
_INFLECTED = re.compile(r"(?:ed|ing|ly|[^isu]s)$")
_DO = frozenset("do does did don't doesn't didn't".split())
"""Before a name they tell that the verb follows it."""
_BRIDGE = 3
"""Small words that may stand together within a name."""


def subject_of(text: str) -> str:
    """The longest name or title in a sentence; empty where there is none.

    A question mark at the end is the question's.
    """
    return max(_names(re.sub(r"\s*\?$", "", text.strip())), key=len, default="")


def opening_name(statement: str) -> str:
    """The first name or title in a statement: that is whom it is about."""
    if re.match(r"The user\b", statement):
        return "The user"
    return next(iter(_names(statement)), "")


def _names(text: str) -> list[str]:
    quoted = _QUOTED.search(text)
    if quoted:
        return [quoted["title"].strip(" ,.")]
    words = text.split()
    names: list[str] = []
    at = 0
    while at < len(words):
        if not _opens(words, at):
            at += 1
            continue
        end = _end(words, at)
        names.append(_bare(" ".join(words[at:end])))
        at = end
    return [name for name in names if name]


def _opens(words: Sequence[str], at: int) -> bool:
    word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
    if word[0].isdigit():
        return _is_name(following)
    if not _is_name(word):
        return False
    if at and words[at - 1][-1] not in ".!?:":
        return True
    if word in {"The", "A", "An"}:
        return _is_name(following)
    return word.lower().rstrip(",") not in _OPENERS


def _end(words: Sequence[str], first: int) -> int:
    """Behind the last word of the name that begins with the word at ``first``."""
    end = first + 1
    while end < len(words):
        further = _bracketed(words, end) or _bridged(words, end)
        if not further:
            asked = any(word.lower() in _DO for word in words[:first])
            return end if _closed(words[end - 1]) or asked else _tail(words, end)
        end = further
    return end


def _bracketed(words: Sequence[str], at: int) -> int:
    if not words[at].startswith("("):
        return 0
    ends = (end + 1 for end in range(at, len(words)) if words[end].rstrip(",").endswith(")"))
    return next(ends, 0)


def _bridged(words: Sequence[str], at: int) -> int:
    """Behind the next word in capitals, if nothing parts it from the name; else 0."""
    for end in range(at, min(at + _BRIDGE + 1, len(words))):
        if _is_name(words[end]) or words[end] == "&" or words[end][0].isdigit():
            return end + 1
        if _closed(words[end - 1]) or not (words[end] in _WITHIN or _is_foreign(words[end])):
            return 0
    return 0


def _tail(words: Sequence[str], at: int) -> int:
    """Lower-case words which no English verb or small word is among belong to the name."""
    end = at
    while end < len(words) and end - at < _BRIDGE and not _is_english(words[end]):
        end += 1
        if _closed(words[end - 1]):
            return end
    if end == len(words) or _is_english(words[end]):
        return end
    return at


def _closed(word: str) -> bool:
    return word.endswith((",", ";", ":", "?", "'s", "s'", "\u2019s", ")"))


def _is_name(word: str) -> bool:
    return any(letter.isupper() for letter in word)


def _is_foreign(word: str) -> bool:
    return not word.isascii()


def _is_english(word: str) -> bool:
    small = word.rstrip(",;:.!?").lower()
    return small in _ENGLISH or small in _WITHIN or bool(_INFLECTED.search(small))


def _bare(name: str) -> str:
    name = name.rstrip(",;:")
    return re.sub(r"(?<=s)['\u2019]$|['\u2019]s$", "", name)
