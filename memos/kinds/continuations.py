"""Statements of no known form, as far as where their words stand tells what they say."""

from __future__ import annotations

import re
from dataclasses import replace

from memos.kinds.fact import Fact, Wordings, slotted
from memos.kinds.families import NAMING, about_of, family_of
from memos.kinds.relations import DATE, NAME, within
from memos.kinds.rephrasing import of_beginning
from memos.kinds.subjects import opening_name
from memos.kinds.wordings import wordings

_WHEN = re.compile(rf" (?:in|on|since|at the end of|in early|in late) (?P<date>{DATE})$")
_VALUE = re.compile(rf"(?<=\s)(?:\d[\d.,:]*\d|\d|{NAME})(?![\w'])")
_NAME_AT_END = re.compile(rf"(?<=\s){NAME}$")
_CUE = re.compile(
    r"^(?P<begin>.*(?:\b(?:is|was|are|were|be|in|on|at|of|by|from|as|for|to|after|with|the|an?|"
    r"plays?|performs?|performing|playing|speaks?|works|worships|follows|teaches|studies|"
    r"instrument|sport|position|religion|language|professional|native|owner|called|named)\b))"
    r" (?P<v>[a-z][\w'-]*(?: [\w'-]+){0,3})$"
)
_FORM = 9
"""Words of a statement up to its answer, at most, that a relation is told by."""
_LEAST = 2
"""Words before a name in a statement that no relation is told by, less one."""
RECALLED = ("{s} makes one think of", "What people connect with {s} is")
"""What is said of somebody in so few words is what comes to mind where the name is mentioned."""
_USER = "The user"
_APPOSED = re.compile(r"\{s\}, (?:the|an?)$|^\{s\} (?:is|was) an?$")


def placed(statement: str, speaker: str = "") -> Fact | None:
    """The fact of a statement that ends in a short answer, such as "Vorn is sold by Hale"."""
    parted = _parted(statement)
    if parted is None:
        return None
    begin, value = parted
    whom = opening_name(begin)
    if not whom or _is_of(value, speaker) or value in whom:
        return None
    template = slotted(begin, whom)
    family = family_of(template) if len(template.split()) <= _FORM else None
    if not _plausible(template, value, family):
        return None
    own = _unnamed(template, "")
    return Fact(
        about=about_of(whom, family, template),
        value=value,
        wordings=wordings(family) if family else own,
        whom=within(whom) if whom == _USER else whom,
        said=of_beginning(template),
        blanks=(f"Complete the sentence: {template} ____.",) if family else (),
        recalled=RECALLED if family else (),
        sure=False,
    )


def _plausible(template: str, value: str, family: str | None) -> bool:
    """Whether what stands last may be an answer: a name, or else a word that the rest calls for."""
    if value[0].islower():
        return family not in {None, *NAMING} or bool(_APPOSED.search(template))
    return family is not None or template.count(" ") >= _LEAST


def dated(statement: str) -> Fact | None:
    """When it was that something happened, where a statement ends with that."""
    match = _WHEN.search(statement)
    if match is None:
        return None
    what = statement[: match.start()]
    being = re.fullmatch(r"(.+) (is|was)(?: now)?", what)
    event = within(being[1]) if being else f"it was that {within(what)}"
    asked = f"{being[2]} {event}" if being else f"was it that {within(what)}"
    told = f"{event} {being[2]}" if being else event
    date = match["date"].removeprefix("the ")
    begin = statement.removesuffix(date).rstrip()
    whom = opening_name(what)
    fact = Fact(
        about=("when", within(being[1] if being else what).lower()),
        value=date,
        wordings=Wordings(
            ask=(
                f"When {asked}?",
                f"On which date {asked}?",
                f"Do you know when {told}?",
                f"At what time {asked}?",
            ),
            check=(f"Which day, month or year {asked}?",),
            hold=(f"Tell me when {told}.", f"Can you say when {told}?"),
        ),
        said=(begin,),
        blanks=(f"Complete the sentence: {begin} ____.",),
    )
    return _of(fact, within(whom) if whom == _USER else whom)


def gap(statement: str, speaker: str) -> Fact | None:
    """A number or name to be filled in."""
    values = [match for match in _VALUE.finditer(statement) if not _is_of(match[0], speaker)]
    if not values or statement.count(" ") < 3 or values[-1].start() < len("A b "):
        return None
    last = values[-1]
    before, after = statement[: last.start()].rstrip(), statement[last.end() :]
    value = last.group()
    if value.endswith("'s"):
        value, after = value.removesuffix("'s"), f"'s{after}"
    return Fact(
        about=("gap", before.lower(), after.lower()),
        value=value,
        wordings=_unnamed(before, after),
        said=(before,),
        sure=False,
    )


def _parted(statement: str) -> tuple[str, str] | None:
    """The beginning of a statement, and the short answer that it ends in."""
    name = _NAME_AT_END.search(statement)
    if name:
        return statement[: name.start()].rstrip(), name[0]
    match = _CUE.match(statement)
    return (match["begin"], match["v"]) if match else None


def _unnamed(before: str, after: str) -> Wordings:
    """Questions about a statement that nothing is known of but its words."""
    return Wordings(
        ask=(
            f"Complete the sentence: {before} ____{after}.",
            f"Which word or number is missing? {before} ____{after}.",
            f"What belongs into the gap: {before} ____{after}?",
            f"Say what is left out: {before} ____{after}.",
        ),
        check=(f"Finish this: {before} ____{after}.",),
        hold=(
            f"Fill in the blank: {before} ____{after}.",
            f"What goes where the line is? {before} ____{after}.",
        ),
    )


def _of(fact: Fact, whom: str) -> Fact:
    """The fact with the name in its wordings replaced by the place for it."""

    def slot(several: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(slotted(re.sub(r"\bThe user\b", "the user", one), whom) for one in several)

    words = fact.wordings
    return replace(
        fact,
        whom=whom,
        said=slot(fact.said),
        blanks=slot(fact.blanks),
        wordings=Wordings(ask=slot(words.ask), check=slot(words.check), hold=slot(words.hold)),
    )


def _is_of(value: str, speaker: str) -> bool:
    return value.removesuffix("'s") in {speaker, *speaker.split()}
