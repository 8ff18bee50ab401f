"""A text as a statement: its words without their clothes, and what can be told from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_APART = re.compile(r"[^\W_]+|[?]")
_SENTENCE = re.compile(r"(?<=[.!?;])(?<!\b(?:Dr|Mr|Ms|St)\.)(?<!\bMrs\.)\s+|\n+")
_CONTRACTED = (
    (re.compile(r"[\u2018\u2019`]"), "'"),
    (re.compile(r"\bcan(?:'t|not)\b", re.IGNORECASE), "can not"),
    (re.compile(r"\bwon't\b", re.IGNORECASE), "will not"),
    (re.compile(r"n't\b", re.IGNORECASE), " not"),
    (re.compile(r"\bI'm\b", re.IGNORECASE), "I am"),
    (re.compile(r"'re\b", re.IGNORECASE), " are"),
    (re.compile(r"'ve\b", re.IGNORECASE), " have"),
    (re.compile(r"'ll\b", re.IGNORECASE), " will"),
    (re.compile(r"\b(it|that|he|she)'s\b", re.IGNORECASE), r"\1 is"),
)
FUNCTION = frozenset(
    "a an the and or but so of to in on at for from by with as is am are was were be been being do "
    "does did has have had will would this that these those it its s i my me we our you your he "
    "she his her they their there just really very also too still well oh hey yes quite".split()
)
"""Words that say little by themselves."""
_SMALL = frozenset("a an the is am are be been being have has really very quite just oh".split())
"""Words that may come or go, and a statement says the same."""
_NEGATIONS = frozenset("not no never none nothing nobody neither nor without".split())
_IDLE = re.compile(
    r"^(?:no|nope|nah)\b[,.!]+|"
    r"\b(?:no (?:doubt|problem|worries|wonder)|not (?:only|just)|why not)\b",
    re.IGNORECASE,
)
"""Where a word that denies denies nothing."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One text, read."""

    text: str
    """With contractions written out."""
    sentences: tuple[str, ...]
    words: tuple[str, ...]
    """In lower case, without punctuation; numbers are words."""
    negated: bool
    """Whether an odd number of words deny something."""

    @property
    def asks(self) -> bool:
        """Whether there is a question in it."""
        return "?" in self.words

    @property
    def firm(self) -> tuple[str, ...]:
        """The words without which it would say something else, in their order."""
        return tuple(word for word in self.words if word not in _SMALL)

    @property
    def content(self) -> tuple[str, ...]:
        """The words that are no function words, in their order."""
        return tuple(word for word in self.words if word not in FUNCTION)


@lru_cache(maxsize=4096)
def read_statement(text: str) -> Statement:
    """A text as a statement; one of a batch is compared with several, and read once."""
    plain = text
    for pattern, written in _CONTRACTED:
        plain = pattern.sub(written, plain)
    words = tuple(_APART.findall(plain.lower()))
    denying = _APART.findall(_IDLE.sub("", plain).lower())
    return Statement(
        text=plain,
        sentences=tuple(part.strip() for part in _SENTENCE.split(plain) if part.strip()),
        words=words,
        negated=sum(word in _NEGATIONS for word in denying) % 2 == 1,
    )


def stem(word: str) -> str:
    """A word without the ending that its grammar gives it; rough, and for comparing only.

    >>> [stem(word) for word in ("moved", "moves", "moving", "running", "glass")]
    ['mov', 'mov', 'mov', 'run', 'glass']
    """
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            bare = word[: -len(ending)]
            return bare[:-1] if bare[-1] == bare[-2] and ending in {"ing", "ed"} else bare
    return word
