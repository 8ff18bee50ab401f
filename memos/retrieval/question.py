"""What a question asks for, as far as its wording tells: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memos.retrieval.newest import asks_for_newest

_WORD = re.compile(r"\w+")
_WHEN = re.compile(r"\b(when|how long|(what|which) (date|day|week|month|year))\b", re.IGNORECASE)
_MANY = re.compile(r"\bhow (many|much|often|old|far)\b", re.IGNORECASE)
_WHERE = re.compile(r"\bwhere\b|\b(what|which) (city|country|state|place|town)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and which kinds of answer it asks for."""

    text: str
    words: frozenset[str]
    """In lower case."""
    when: bool
    many: bool
    where: bool
    newest: bool

    @classmethod
    def read(cls, text: str) -> Question:
        """The question that ``text`` asks."""
        return cls(
            text=text,
            words=frozenset(_WORD.findall(text.lower())),
            when=bool(_WHEN.search(text)),
            many=bool(_MANY.search(text)),
            where=bool(_WHERE.search(text)),
            newest=asks_for_newest(text),
        )

    def names(self, speaker: str | None) -> bool:
        """Whether it names somebody: the first word of a speaker's name is among its own."""
        first = _WORD.match((speaker or "").lower())
        return first is not None and first[0] in self.words
