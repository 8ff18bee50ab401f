"""What must be true of a store that is played with: plain data, sharing nothing with the kernel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

Value = TypeVar("Value")

FOUND = frozenset({"generated", "activated", "frozen"})
"""The states in which a text is found."""


@dataclass(frozen=True)
class Mark:
    """A moment with a name, and what was known at it."""

    name: str
    texts: Mapping[str, tuple[str, ...]]
    states: Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """What must be true of the store."""

    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Id to the text of each version, oldest first; a version that amends repeats it."""
    users: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    expiries: Mapping[str, datetime] = field(default_factory=dict)
    """Until when a cube counts; of those that count for ever, and of expired ones, nothing."""
    sources: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    """Id of a KV cube to the ids and versions it was made from."""
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Id of a fork or a merged text to where its text comes from."""
    marks: tuple[Mark, ...] = ()
    gone: frozenset[str] = frozenset()
    """Words that only forgotten or revised texts held."""
    commits: int = 0

    def added(self, cube_id: str, user: str, text: str, parents: tuple[str, ...] = ()) -> Known:
        """After an add or a fork: a fork expires no later than its parent."""
        expiries = [self.expiries[one] for one in parents if one in self.expiries]
        return replace(
            self,
            texts={**self.texts, cube_id: (text,)},
            users={**self.users, cube_id: user},
            states={**self.states, cube_id: "activated"},
            parents={**self.parents, cube_id: parents} if parents else self.parents,
            expiries={**self.expiries, cube_id: min(expiries)} if expiries else self.expiries,
            commits=self.commits + 1,
        )

    def merged(self, cube_id: str, user: str, text: str, parents: tuple[str, ...]) -> Known:
        """After a merge: one commit, in which the parents change their state."""
        known = self.added(cube_id, user, text, parents)
        for parent in parents:
            known = known.amended(parent, "merged")
        return replace(known, commits=self.commits + 1)

    def revised(self, cube_id: str, text: str) -> Known:
        """After an update, or a way back to an old version."""
        versions = self.texts[cube_id]
        return replace(
            self,
            texts={**self.texts, cube_id: (*versions, text)},
            gone=(self.gone | {versions[-1]}) - {text},
            commits=self.commits + 1,
        )

    def amended(self, cube_id: str, state: str | None = None) -> Known:
        """After a change of the header alone."""
        texts = self.texts
        if cube_id in texts:
            texts = {**texts, cube_id: (*texts[cube_id], texts[cube_id][-1])}
        new = self.states[cube_id] if state is None else state
        return replace(
            self,
            texts=texts,
            states={**self.states, cube_id: new},
            expiries=_without(self.expiries, {cube_id} if new == "expired" else set()),
            commits=self.commits + 1,
        )

    def timed(self, cube_id: str, expires_at: datetime | None) -> Known:
        """After its time was set; what has expired is active again."""
        state = "activated" if self.states[cube_id] == "expired" else None
        expiries = dict(_without(self.expiries, {cube_id}))
        if expires_at is not None:
            expiries[cube_id] = expires_at
        return replace(self.amended(cube_id, state), expiries=expiries)

    def overdue(self, now: datetime) -> Known:
        """After time has gone on: everything due expires in one commit."""
        due = [cube_id for cube_id, time in self.expiries.items() if time <= now]
        known = self
        for cube_id in due:
            known = known.amended(cube_id, "expired")
        return replace(known, commits=self.commits + bool(due))

    def derived(self, cube_id: str, user: str, parents: tuple[str, ...]) -> Known:
        """After a transform."""
        made_from = tuple((parent, len(self.texts[parent])) for parent in parents)
        expiries = [self.expiries[one] for one in parents if one in self.expiries]
        return replace(
            self,
            sources={**self.sources, cube_id: made_from},
            users={**self.users, cube_id: user},
            states={**self.states, cube_id: "activated"},
            expiries={**self.expiries, cube_id: min(expiries)} if expiries else self.expiries,
            commits=self.commits + 1,
        )

    def doomed(self, *cube_ids: str) -> frozenset[str]:
        """What goes with cubes: they, and everything that was made from them, directly or not."""
        above = {one: set(dict(made_from)) for one, made_from in self.sources.items()}
        above |= {one: set(parents) for one, parents in self.parents.items()}
        doomed = set(cube_ids)
        while more := {one for one, named in above.items() if named & doomed} - doomed:
            doomed |= more
        return frozenset(doomed)

    def twins(self, cube_id: str) -> tuple[str, ...]:
        """The cubes of the same user that say the same now, the cube among them."""
        said, user = self.texts[cube_id][-1], self.users[cube_id]
        return tuple(
            one
            for one, texts in self.texts.items()
            if texts[-1] == said and self.users[one] == user
        )

    def forgotten(self, *cube_ids: str) -> Known:
        """After a delete."""
        doomed = self.doomed(*cube_ids)
        words = {text for one in doomed for text in self.texts.get(one, ())}
        return replace(
            self,
            texts=_without(self.texts, doomed),
            users=_without(self.users, doomed),
            states=_without(self.states, doomed),
            expiries=_without(self.expiries, doomed),
            sources=_without(self.sources, doomed),
            parents=_without(self.parents, doomed),
            gone=self.gone | words,
            commits=self.commits + 1,
        )

    def marked(self, name: str) -> Known:
        """After this moment was given a name."""
        mark = Mark(name, self.texts, self.states)
        return replace(self, marks=(*self.marks, mark), commits=self.commits + 1)

    def stale(self, cube_id: str) -> bool:
        """Whether a source of a KV cube says something else now."""
        made_from = self.sources[cube_id]
        return any(
            self.texts[one][version - 1] != self.texts[one][-1] for one, version in made_from
        )

    def served(self, cube_id: str) -> bool:
        """Whether a KV cube may be resumed from."""
        expired = {self.states[one] for one in (cube_id, *dict(self.sources[cube_id]))}
        return not self.stale(cube_id) and "expired" not in expired

    def words(self) -> set[str]:
        """Every word that some cube holds, at any version."""
        return {text for texts in self.texts.values() for text in texts}

    def said(self) -> set[str]:
        """The words that some cube holds as its current text."""
        return {texts[-1] for texts in self.texts.values()}


def _without(named: Mapping[str, Value], gone: Collection[str]) -> dict[str, Value]:
    return {one: value for one, value in named.items() if one not in gone}
