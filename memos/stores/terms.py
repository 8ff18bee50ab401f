"""What counts as a word: how a text, and a question, become terms.

    "Sie zog nach Zürich."    sie zog nach zurich
    "her movings, moved"      her move move
    "搬到里斯本"                搬 到 里 斯 本 搬到 到里 里斯 斯本

Case and accents do not count; English endings do not, by the Snowball stemmer ("Porter2", Porter
2001). In a script that puts no spaces between words each character and each pair of neighbours is
a term.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer

from memos.stores.stopwords import STOP_WORDS

_WORD = re.compile(r"[^\W_]+")
_CAPITAL = re.compile(r"(?<=[\w,;:'\"] )[^\W\d_a-z][\w'\u2019-]*")
_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED_CHARACTER = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_UNSPACED = re.compile(f"{_UNSPACED_CHARACTER}+")
_PIECE = re.compile(rf"{_UNSPACED_CHARACTER}|[^\W_]+")
_LONGEST = 64
"""Characters of a word that count: what is longer is no word, but may be an address or a key."""

_stemmer = EnglishStemmer()
_stemming = threading.Lock()


def terms_of(content: str) -> list[str]:
    """The terms of a text, in order, as often as they occur."""
    return [_stem(word) for word in _words(content)]


def asked_terms(query: str) -> list[str]:
    """The different terms of a question, without stop words unless it has no others."""
    words = list(dict.fromkeys(_words(query)))
    telling = [word for word in words if word not in STOP_WORDS]
    return list(dict.fromkeys(_stem(word) for word in telling or words))


def spellings(query: str) -> dict[str, str]:
    """How a question spells its terms, by term; of those that are pieces of a word, nothing."""
    found: dict[str, str] = {}
    for word in _PIECE.findall(query):
        for term in terms_of(word):
            found.setdefault(term, word)
    return found


def named_terms(query: str) -> frozenset[str]:
    """The terms of a question that are written as names are: with a capital within a sentence."""
    return frozenset(term for word in _CAPITAL.findall(query) for term in terms_of(word))


def matches(query: str, content: str) -> list[tuple[int, int]]:
    """Where a text has a term of the question: start and end of each such word, in order."""
    asked = set(asked_terms(query))
    return [
        piece.span() for piece in _PIECE.finditer(content) if asked.intersection(terms_of(piece[0]))
    ]


def _words(content: str) -> list[str]:
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", content.casefold()))
    spaced = _UNSPACED.sub(_pieces, unicodedata.normalize("NFC", folded))
    return [word[:_LONGEST] for word in _WORD.findall(spaced)]


def _pieces(run: re.Match[str]) -> str:
    """The characters of a run without spaces, and the pairs of neighbours."""
    characters = run[0]
    pairs = [characters[at : at + 2] for at in range(len(characters) - 1)]
    return f" {' '.join((*characters, *pairs))} "


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    if not word.isalpha():  # a number, or the name of something
        return word
    with _stemming:  # the stemmer works in place
        stem: str = _stemmer.stemWord(word)
    return stem
