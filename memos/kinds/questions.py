"""Memories that are a question with its short answer: "What is Mia's job? painter"."""

from __future__ import annotations

import re
from dataclasses import replace

from memos.kinds.continuations import RECALLED
from memos.kinds.fact import Fact, Wordings, slotted
from memos.kinds.families import about_of, family_of
from memos.kinds.rephrasing import of_question
from memos.kinds.subjects import subject_of
from memos.kinds.wordings import wordings

_LABELLED = re.compile(
    r"\b(?:Q|Question):\s*(?P<q>[^\n]+?)\s*\b(?:A|Answer):\s*(?P<a>.+?)\s*(?=\b(?:Q|Question):|$)",
    re.DOTALL,
)
_BARE = re.compile(r"^(?P<q>.+\?)\s+(?P<a>[^?]+)$", re.DOTALL)
_LEAD = re.compile(
    r"^(?:it|he|she|they|that|this)(?:'s| is| was| are| were| [a-z]+s?)"
    r"(?: (?:the|an?|in|on|at|as|by|of|for|to|from|with|after))*\s+(?=\S)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:what|who|whom|whose|which|where|when|how)\b"
    r"|^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)\b",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"\b(?:you|your|yours|I|my|me|we|our)\b")
_SENTENCE = re.compile(r"[a-z]{2,}[.!] +(?=[A-Z])")
"""Where one sentence ends and another begins."""
_LONGEST = 8
"""Words in an answer."""
_OWN = 5
"""So many wordings that rules make of the question itself come before those of its relation."""


def asked_and_answered(text: str) -> list[Fact]:
    """The facts of a text that is nothing but questions with short answers; else none."""
    text = text.strip()
    labelled = list(_LABELLED.finditer(text))
    pairs = labelled if labelled and not text[: labelled[0].start()].strip() else []
    if not pairs:
        bare = _BARE.match(text)
        pairs = [bare] if bare else []
    return [fact for pair in pairs if (fact := _fact(pair["q"], pair["a"]))]


def _fact(question: str, answer: str) -> Fact | None:
    question, answer = " ".join(question.split()), " ".join(answer.split())
    lead = _LEAD.match(answer)
    begin = f"{question} {lead[0].strip()}" if lead else question
    value = (answer[lead.end() :] if lead else answer).rstrip()
    value = value.removesuffix(".") if not re.search(r"\b[A-Z]\.$", value) else value
    whom = subject_of(question)
    if (
        not whom
        or not value
        or len(value.split()) > _LONGEST
        or _SENTENCE.search(f"{question} {value}")
    ):
        return None
    template = slotted(question, whom)
    if _ADDRESSED.search(f"{template} {value}".removesuffix(" I")) or not _ASKS.search(template):
        return None
    family = family_of(template)
    return Fact(
        about=about_of(whom, family, template),
        value=value,
        wordings=_worded(template, family),
        whom=whom,
        said=(slotted(begin, whom),),
        recalled=RECALLED if lead and family else (),
        sure=False,
    )


def _worded(template: str, family: str | None) -> Wordings:
    """The rules' wordings, with those of the relation among and behind them."""
    own = of_question(template)
    if family is None:
        return own
    more = wordings(family)
    ask = (*own.ask[:_OWN], *more.ask, *own.ask[_OWN:])
    return replace(
        more,
        ask=tuple(dict.fromkeys(ask)),
        check=(*more.check, *own.check[:1]),
        hold=(*more.hold, *own.hold[:1]),
        say=tuple(dict.fromkeys((*own.say[1:], *more.say))),
    )
