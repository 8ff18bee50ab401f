"""Questions and answers that somebody claims of a text, as facts where the text bears them: pure.

    text       "I moved to Lisbon last month!"      said by Alice
    answer     Lisbon                                it stands in the text, in no question
    subject    Alice                                 who speaks, or words of the text
    questions  "Where does Alice live?"              each names the subject, and not the answer
    reversed   "Who lives in Lisbon?"                each names the answer, and not the subject

It is a check of form. A question is in words of its own, but no name and no number stands in it
that is not in the text; that it is the right question for the answer, nobody checks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

from memos.kinds.evidence import negates
from memos.kinds.examination import is_right
from memos.kinds.fact import VALUE, Fact, Wordings, slotted
from memos.kinds.families import about_of, family_of
from memos.kinds.relations import RELATIONS
from memos.kinds.third_person import speaker
from memos.kinds.wordings import table, wordings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memos.cube import MemCube

MOST_PAIRS = 20
"""Answers that are looked at, of one text."""
_LONGEST_ANSWER = 8
"""Words, as in what the rules read."""
_LONGEST_SUBJECT = 8
_LONGEST_QUESTION = 200
"""Characters."""
_FEWEST = 3
"""Questions of one answer: to train, to check and to examine."""
_MANY = 6
"""From so many on, two of them examine."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"\w+")
_NAMED = re.compile(r"(?<!\w)(?:\d[\w.,:]*|[A-Z\u00c0-\u00d6\u00d8-\u00de][\w-]*)")


@dataclass(frozen=True, slots=True)
class Pairs:
    """One short answer, and the questions that it is the answer to."""

    subject: str
    """Of whom or what the questions ask."""
    answer: str
    questions: tuple[str, ...]
    reversed: tuple[str, ...] = ()
    """Questions that the subject is the answer to."""


@dataclass(frozen=True, slots=True)
class Borne:
    """An answer that its text bears, with wordings that have places for names."""

    whom: str
    value: str
    asked: tuple[str, ...]
    back: tuple[str, ...]


def borne(pairs: Sequence[Pairs], cube: MemCube) -> tuple[list[Borne], list[tuple[Pairs, str]]]:
    """Which answers the text bears, and which it does not, each with the reason.

    Each is judged alone. A question that will not do is left out; an answer goes where too few
    are left. The reasons repeat nothing of the text.
    """
    good: list[Borne] = []
    bad: list[tuple[Pairs, str]] = []
    for at, one in enumerate(pairs):
        found = _judged(one, cube) if at < MOST_PAIRS else "there are too many answers of one text"
        if isinstance(found, str):
            bad.append((one, found))
        else:
            good.append(found)
    return good, bad


def facts_of_pairs(told: Iterable[Sequence[Borne]]) -> list[list[Fact]]:
    """The facts of each text, oldest first.

    Two of them are about the same where they are of one relation, or where one question of theirs
    is the same. Which wordings train, check and examine is told by the wording alone, so that it
    seldom trains for one and examines for another.
    """
    about: dict[tuple[str, str], tuple[str, ...]] = {}
    facts = [_several([_fact(one, about) for one in of_one]) for of_one in told]
    return _with_shared_reversals(facts)


def _judged(one: Pairs, cube: MemCube) -> Borne | str:
    """The answer as a fact has it, or why it is none."""
    said, name = _plain(cube.text), speaker(cube)
    value, whom = _standing(one.answer, said), _subject(one.subject, said, name)
    if value is None:
        return "its answer does not stand in the text"
    if len(value.split()) > _LONGEST_ANSWER:
        return "its answer is long"
    if whom is None:
        return "its subject is neither in the text nor who speaks"
    stated = _stated(cube.text) if "?" in said else [said]
    saying = [part for part in stated if _standing(value, part) is not None]
    if not saying:
        return "its answer stands in a question"
    there = {word.casefold() for word in _WORD.findall(f"{said} {name}")}
    found = _worded(one, whom, value, there, denied=all(map(negates, saying)))
    return found or f"fewer than {_FEWEST} of its questions will do"


def _worded(one: Pairs, whom: str, value: str, there: set[str], *, denied: bool) -> Borne | None:
    """The answer with those of its questions that will do; None where they are too few."""

    def usable(texts: Iterable[str], named: str, hidden: str) -> list[str]:
        forms = [_form(text, there) for text in texts]
        return [
            text
            for text in forms
            if _times(named, text) == 1
            and not is_right(text, hidden)
            and (negates(text) or not denied)
        ]

    asked = _distinct(slotted(text, whom) for text in usable(one.questions, whom, value))
    back = _distinct(_whole(value).sub(VALUE, text) for text in usable(one.reversed, value, whom))
    return Borne(whom, value, asked, back) if len(asked) >= _FEWEST else None


def _stated(text: str) -> list[str]:
    """The sentences of a text that are no questions, and what follows its last question."""
    parts = [_plain(part) for part in _SENTENCE.split(text)]
    return [part for part in parts if not part.endswith("?")]


def _plain(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").split())


def _standing(words: str, text: str) -> str | None:
    """The words as a text spells them; None where it does not hold them."""
    wanted = _plain(words).strip(".,;!?\"' ")
    if not _WORD.search(wanted) or {"{", "}"} & set(wanted):
        return None
    found = _whole(wanted).search(text)
    return found[0] if found else None


def _subject(words: str, text: str, name: str) -> str | None:
    """Who speaks, or something whose every word is in the text or in the name of who speaks."""
    wanted = _plain(words).strip(".,;!? ")
    if wanted.casefold() == name.casefold():
        return name
    parts = _WORD.findall(wanted.replace("'s", " "))
    there = {word.casefold() for word in _WORD.findall(f"{text} {name}")}
    usable = 0 < len(parts) <= _LONGEST_SUBJECT and not {"{", "}"} & set(wanted)
    known = all(part.casefold() in there for part in parts)
    return wanted if usable and known else None


def _form(question: str, there: set[str]) -> str:
    """A question that may be asked; empty where it is too long or names what the text does not."""
    text = _plain(question)
    if not text or len(text) > _LONGEST_QUESTION or {"{", "}"} & set(text):
        return ""
    named = [match[0] for match in _NAMED.finditer(text) if match.start() > 0]
    parts = [part for name in named for part in _WORD.findall(name)]
    return text if all(part.casefold() in there for part in parts) else ""


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(words)}(?!\w)", re.IGNORECASE)


def _times(words: str, text: str) -> int:
    """How often a text holds the words; none where it only spells them otherwise."""
    found = _whole(words).findall(text)
    return len(found) if all(one == words for one in found) else 0


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple({_key(text): text for text in reversed(list(texts))}.values())[::-1]


def _key(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _in_order(texts: Iterable[str]) -> list[str]:
    """In an order that their words alone tell."""
    return sorted(texts, key=lambda text: (crc32(_key(text).encode()), text))


@cache
def _relations() -> dict[str, str]:
    """The relation by a wording of it, where that names nothing else."""
    return {
        _key(wording): name
        for name, of_it in table().items()
        for wording in (*of_it.ask, *of_it.check, *of_it.hold)
        if "{x}" not in wording
    }


def _relation(asked: Sequence[str]) -> tuple[str, str] | None:
    """Which relation questions are of, and the question that tells it."""
    exact = ((_relations().get(_key(text)), text) for text in asked)
    near = ((family_of(text), text) for text in asked)
    return next(((name, text) for name, text in (*exact, *near) if name), None)


def _fact(one: Borne, about: dict[tuple[str, str], tuple[str, ...]]) -> Fact:
    found, low = _relation(one.asked), one.whom.lower()
    several = False
    if found is not None and found[0] in RELATIONS:
        key, several = RELATIONS[found[0]]
        of_it: tuple[str, ...] = (low, key, "")
    elif found is not None:
        of_it = about_of(one.whom, *found)
    else:
        of_it = about_of(one.whom, None, _in_order(one.asked)[0])
    if of_it[1] == "said":
        keys = [(low, _key(text)) for text in one.asked]
        of_it = next((about[key] for key in keys if key in about), of_it)
        about.update(dict.fromkeys(keys, of_it))
    ask, check, hold = _split(one.asked)
    say = wordings(found[0]).say if found is not None else ()
    words = Wordings(ask=ask, check=check, hold=hold, say=say, back=one.back)
    return Fact(
        about=of_it,
        value=one.value,
        wordings=words,
        whom=one.whom,
        several=several,
        sure=found is not None,
    )


def _split(asked: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """To train, to check and to examine."""
    texts = _in_order(asked)
    held = 2 if len(texts) >= _MANY else 1
    return tuple(texts[held + 1 :]), tuple(texts[held : held + 1]), tuple(texts[:held])


def _several(facts: list[Fact]) -> list[Fact]:
    """Two values that one text gives to one thing are both true."""
    values: dict[tuple[str, ...], set[str]] = {}
    for fact in facts:
        values.setdefault(fact.about, set()).add(fact.value)
    return [replace(fact, several=True) if len(values[fact.about]) > 1 else fact for fact in facts]


def _with_shared_reversals(facts: list[list[Fact]]) -> list[list[Fact]]:
    """Who shares a value is asked for in the same words, so that all of them are the answer."""
    shared: dict[tuple[str, ...], list[str]] = {}
    for fact in (fact for of_one in facts for fact in of_one):
        shared.setdefault(_shares(fact), []).extend(fact.wordings.back)
    return [[_turned(fact, shared[_shares(fact)]) for fact in of_one] for of_one in facts]


def _shares(fact: Fact) -> tuple[str, ...]:
    return (*fact.about[1:], fact.value.casefold())


def _turned(fact: Fact, back: Iterable[str]) -> Fact:
    texts = _in_order(_distinct(back))
    held, checked = int(len(texts) > 1), int(len(texts) > 2)
    words = replace(
        fact.wordings,
        back=tuple(texts[held + checked :]),
        back_check=tuple(texts[held : held + checked]),
        back_hold=tuple(texts[:held]),
    )
    return replace(fact, wordings=words)
