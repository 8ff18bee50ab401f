"""Which adapters serve a question, or none: pure.

An adapter serves where two witnesses agree. *Provenance*: the question names somebody or something
that the adapter's sources tell of. *Activation*: to the model the question is like one that was
trained. With neither, or one alone, the model answers as it is, and nothing that was learnt can
change a bit of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memos.cube.frozen import Frozen
from memos.kinds.third_person import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

_WORD = re.compile(r"\w+(?:['\u2019]\w+)?|[^\w\s]")
_POSSESSIVE = re.compile(r"['\u2019]s?$", re.IGNORECASE)
_TINY = 1e-12
_MARGIN = 0.1
"""How much less similar than the nearest another adapter may be, to serve beside it."""
_MOST = 4
"""Adapters that serve one question."""
_SPEAKER = frozenset({"i", "me", "my", "mine", "myself"})


class Route(Frozen):
    """Whether one adapter serves a question, and the numbers that say so."""

    cube_id: str
    names: tuple[str, ...]
    """What the question names of what the adapter's sources tell of."""
    similarity: float | None
    """Cosine similarity of the question's activation to the nearest that was trained; None where
    it was not measured, since nothing was named."""
    threshold: float
    serves: bool
    because: str


@dataclass(frozen=True, slots=True)
class Names:
    """Whom and what some memories tell of."""

    subjects: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """The answers to what is known of them: a question the other way round names one."""

    def within(self, text: str) -> Names:
        """Those that stand in a text, letter for letter."""
        subjects = tuple(name for name in self.subjects if name in text)
        return Names(subjects, tuple(name for name in self.values if name in text))

    def __or__(self, other: Names) -> Names:
        return Names((*self.subjects, *other.subjects), (*self.values, *other.values))


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Where an adapter's trained questions lie in the model's activations."""

    centre: npt.NDArray[np.float32]
    """[hidden]."""
    rows: npt.NDArray[np.float32]
    """[questions, hidden]: directions from the centre, each of length 1."""
    threshold: float
    names: Names = Names()
    """Whom and what the adapter was taught of, by whoever taught it."""

    def similarity(self, activation: Sequence[float]) -> float:
        """The cosine similarity to the nearest trained question, from -1 to 1."""
        return float((self.rows @ directions([activation], self.centre)[0]).max())


def route(
    cube_id: str, names: tuple[str, ...], similarity: float | None, threshold: float
) -> Route:
    """Whether an adapter serves a question that names ``names`` and is that similar."""
    serves = bool(names) and similarity is not None and similarity >= threshold
    if not names:
        because = "the question names nothing that its sources tell of"
    elif serves:
        because = f"names {', '.join(names)}, and is like what was trained"
    else:
        because = f"names {', '.join(names)}, but is like nothing that was trained"
    return Route(
        cube_id=cube_id,
        names=names,
        similarity=similarity,
        threshold=threshold,
        serves=serves,
        because=because,
    )


def barred(cube_id: str, names: tuple[str, ...], threshold: float, because: str) -> Route:
    """The route of an adapter that serves no question at all, and why it does not."""
    return Route(
        cube_id=cube_id,
        names=names,
        similarity=None,
        threshold=threshold,
        serves=False,
        because=because,
    )


def best_first(routes: Iterable[Route]) -> tuple[Route, ...]:
    """All of them: first those that serve together, then the others, each time nearest first."""
    ordered = sorted(routes, key=_order)
    serving = [one for one in ordered if one.serves]
    nearest = max((_nearness(one) for one in serving), default=0.0)
    beside = [one for one in serving[:_MOST] if _nearness(one) >= nearest - _MARGIN]
    set_aside = [
        one.model_copy(update={"serves": False, "because": "others are nearer to the question"})
        for one in serving[len(beside) :]
    ]
    return (*beside, *set_aside, *(one for one in ordered if not one.serves))


def _nearness(one: Route) -> float:
    return -1.0 if one.similarity is None else one.similarity


def _order(one: Route) -> tuple[bool, float, bool, str]:
    return not one.serves, -_nearness(one), not one.names, one.cube_id


def directions(
    activations: npt.ArrayLike, centre: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """[rows, hidden]: of length 1, from the centre to each; zeros where it is the centre itself."""
    away = np.asarray(activations, dtype=np.float32) - centre
    lengths = np.linalg.norm(away, axis=1, keepdims=True).astype(np.float32)
    made: npt.NDArray[np.float32] = away / np.maximum(lengths, _TINY)
    return made


def named(question: str, known: Names) -> tuple[str, ...]:
    """Those of the known names that a question names, whole.

    "Orla Venn" is named in "Where does Orla Venn live?", not in "Where does Orla Marsh live?"; and
    "Orla" is not named by "Orla Marsh", for that is somebody else. Of a name of several words the
    first alone will do, where it begins only one of them. A value alone does not count where the
    question is about somebody else: "When did Greta move to Tartu?"
    """
    asked = _Words(question)
    names = list(dict.fromkeys((*known.subjects, *known.values)))
    first: dict[str, set[str]] = {}
    for name in names:
        first.setdefault(_split(name)[0] if _split(name) else "", set()).add(name)
    found = tuple(name for name in names if _is_named(name, asked, first))
    about = set(found) & set(known.subjects)
    return found if about or not asked.tells_of_others(found) else ()


def _split(name: str) -> list[str]:
    return [_POSSESSIVE.sub("", word).casefold() for word in _WORD.findall(name)]


def _is_named(name: str, asked: _Words, first: dict[str, set[str]]) -> bool:
    if name.casefold() == NOBODY and asked.speaks:
        return True
    parts = _split(name)
    if not parts:
        return False
    proper = name[:1].isupper()
    if asked.holds(parts, proper=proper):
        return True
    alone = len(parts) > 1 and proper and len(first[parts[0]]) == 1
    return alone and asked.holds(parts[:1], proper=True)


class _Words:
    """A question, word by word."""

    def __init__(self, question: str) -> None:
        self._words = _WORD.findall(question)
        self._bare = [_POSSESSIVE.sub("", word) for word in self._words]
        self._folded = [word.casefold() for word in self._bare]
        self.speaks = not _SPEAKER.isdisjoint(self._folded)
        """Whether it is asked in the first person."""

    def holds(self, parts: Sequence[str], *, proper: bool) -> bool:
        """Whether it holds these words, and a proper name does not go on around them."""
        starts = range(len(self._words) - len(parts) + 1)
        return any(
            self._folded[at : at + len(parts)] == list(parts)
            and not (proper and self._goes_on(at, at + len(parts)))
            for at in starts
        )

    def tells_of_others(self, names: Sequence[str]) -> bool:
        """Whether it holds a proper name, behind its first word, that is part of none of these."""
        parts = {part for name in names for part in _split(name)}
        inside = zip(self._words[1:], self._folded[1:], strict=True)
        return any(word[:1].isupper() and folded not in parts | _SPEAKER for word, folded in inside)

    def _goes_on(self, start: int, end: int) -> bool:
        owns = self._bare[end - 1] != self._words[end - 1]
        after = end < len(self._words) and self._words[end][:1].isupper()
        before = start > 1 and self._words[start - 1][:1].isupper()
        ended = before and self._bare[start - 1] != self._words[start - 1]
        return (after and not owns) or (before and not ended)
