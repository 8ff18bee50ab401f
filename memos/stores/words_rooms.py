"""Which entries of the index of words count in a question, and what they are together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from memos.cube import Scope
    from memos.ports.words import Room

_AMONG = text(
    """
    SELECT e.number, e.scope, e.length FROM json_each(:ids) AS asked
    CROSS JOIN word_entries AS e ON e.id = asked.value
    """
)
_USERS = text(
    "SELECT user_id FROM word_scopes WHERE number IN (SELECT value FROM json_each(:scopes))"
)
_ALL = text("SELECT coalesce(sum(texts), 0), coalesce(sum(length), 0) FROM word_scopes")


@dataclass(frozen=True)
class Counted:
    """The entries that count: those of some scopes, and some by themselves."""

    texts: int
    length: int
    users: frozenset[str | None] | None
    """Whose they are; None for anybody's."""
    scopes: NDArray[np.bool_] | None
    """By the number of a scope, whether all of it counts; None where everything does."""
    entries: NDArray[np.bool_]
    """By the number of an entry, whether it counts by itself."""

    def of(self, postings: NDArray[np.void]) -> NDArray[np.void]:
        """Those of ``postings`` that count."""
        if self.scopes is None:
            return postings
        return postings[_at(self.scopes, postings["scope"]) | _at(self.entries, postings["entry"])]


def counted(connection: Connection, within: Sequence[Room]) -> Counted:
    """What the rooms hold together, each entry once."""
    whole = [room.scope for room in within if room.among is None]
    if any(not scope.named() for scope in whole):
        texts, length = connection.execute(_ALL).one()
        return Counted(texts, length, None, None, np.zeros(0, np.bool_))
    scopes = {row.number: row for scope in whole for row in _of_scope(connection, scope)}
    entries = {
        number: (scope, length)
        for room in within
        if room.among is not None
        for number, scope, length in _among(connection, room.scope, room.among)
        if scope not in scopes
    }
    users = {row.user_id for row in scopes.values()}
    users.update(_users(connection, {scope for scope, _ in entries.values()}))
    return Counted(
        texts=sum(row.texts for row in scopes.values()) + len(entries),
        length=sum(row.length for row in scopes.values())
        + sum(length for _, length in entries.values()),
        users=frozenset(users),
        scopes=_marked(scopes),
        entries=_marked(entries),
    )


def _of_scope(connection: Connection, scope: Scope) -> Sequence[Any]:
    named = scope.named()
    conditions = " AND ".join(f"{name} = :{name}" for name in named)
    query = f"SELECT number, user_id, texts, length FROM word_scopes WHERE {conditions}"  # noqa: S608 - our own names
    return connection.execute(text(query), named).all()


def _among(connection: Connection, scope: Scope, ids: Collection[str]) -> Iterable[Any]:
    """(number, scope, length) of those of ``ids`` that ``scope`` covers."""
    rows = connection.execute(_AMONG, {"ids": json.dumps(list(ids))}).all()
    if not scope.named():
        return rows
    covered = {row.number for row in _of_scope(connection, scope)}
    return [row for row in rows if row[1] in covered]


def _users(connection: Connection, scopes: Collection[int]) -> Iterable[str | None]:
    if not scopes:
        return ()
    return connection.execute(_USERS, {"scopes": json.dumps(list(scopes))}).scalars()


def _marked(numbers: Collection[int]) -> NDArray[np.bool_]:
    marks = np.zeros(max(numbers, default=-1) + 1, np.bool_)
    marks[list(numbers)] = True
    return marks


def _at(marks: NDArray[np.bool_], places: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """The marks at these places; False beyond the last."""
    if not len(marks):
        return np.zeros(len(places), np.bool_)
    there: NDArray[np.bool_] = np.take(marks, places, mode="clip")
    return there & (places < len(marks))
