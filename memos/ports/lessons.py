"""What a model is to learn of memories, and what it is examined on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos.ports.runtime import Example


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was claimed of a text, and is not taught."""

    cube: int
    """The text's place among those that were read, from 0."""
    claim: str
    """What was claimed; empty where it was no claim at all."""
    why: str
    """The reason, in words that repeat nothing of the text."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model is taught, and what it is examined on; no text is in both."""

    trained: tuple[Example, ...] = ()
    """Questions, statements to continue, and questions that ask of whom something is true."""
    checked: tuple[Example, ...] = ()
    """The same in other wordings, which tell when the training may stop."""
    held_out: tuple[Example, ...] = ()
    """The same facts in wordings that are neither trained nor checked."""
    reversals: tuple[Example, ...] = ()
    """Of whom something is true, in wordings that are neither trained nor checked."""
    near: tuple[Example, ...] = ()
    """The same questions about names that are nearly known, to train: nothing is known."""
    unknown: tuple[Example, ...] = ()
    """What is not known of the known, to train."""
    misses: tuple[str, ...] = ()
    """Questions about other names that are nearly known, which are never trained."""
    gaps: tuple[str, ...] = ()
    """Questions about the known that the memories do not answer, which are never trained."""
    subjects: tuple[str, ...] = ()
    """Whom or what the facts are about, as the texts spell them."""
    values: tuple[str, ...] = ()
    """Every answer to a fact: what must not be said of anybody else."""
    strangers: tuple[str, ...] = ()
    """Questions about people of whom nothing is known, to be answered as before."""
    by_rules: tuple[int, ...] = ()
    """The places of the texts, from 0, that were left to the rules though a model was to read them:
    what it said was no use, or it may not be shown them."""
    refused: tuple[Refusal, ...] = ()
    """What a model claimed beyond the texts."""
