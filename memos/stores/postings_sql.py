"""Postings in an SQL table: which texts have a term, packed, a part in a row."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import text

from memos.errors import CorruptionError
from memos.stores.bm25 import POSTING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from memos.stores.words_rooms import Counted

    Shelved = tuple[str, int]
    """A term, and the shelf."""

    Posting = tuple[int, int, int, int]
    """The fields of memos.stores.bm25.POSTING."""

PART = 300
"""Postings in one row: as many as lie on one page."""
_FEW = 4
"""Postings of a term up to which each is looked up; beyond, all of the shelf are read."""
_REPAIR = "`memos check --repair` makes it anew"

TABLE = """
    CREATE TABLE IF NOT EXISTS word_postings (
        number INTEGER PRIMARY KEY,
        term TEXT NOT NULL,
        shelf INTEGER NOT NULL,
        first INTEGER NOT NULL,
        postings BLOB NOT NULL,
        UNIQUE (term, shelf, first)
    )
"""

_FIND = text(
    """
    SELECT p.term, p.postings FROM json_each(:terms) AS term
    CROSS JOIN word_postings AS p ON p.term = term.value
    """
)
_FIND_ON = text(
    """
    SELECT p.term, p.postings FROM json_each(:terms) AS term
    CROSS JOIN json_each(:shelves) AS shelf
    CROSS JOIN word_postings AS p ON p.term = term.value AND p.shelf = shelf.value
    """
)
# The newest part of each, or the one that holds a number.
_PARTS = text(
    """
    SELECT p.number, p.term, p.shelf, p.postings FROM json_each(:keys) AS key
    JOIN word_postings AS p ON p.number = (
        SELECT number FROM word_postings
        WHERE term = json_extract(key.value, '$[0]') AND shelf = json_extract(key.value, '$[1]')
            AND first <= json_extract(key.value, '$[2]')
        ORDER BY first DESC LIMIT 1
    )
    """
)
_ALL_PARTS = text(
    """
    SELECT p.number, p.term, p.shelf, p.postings FROM json_each(:keys) AS key
    CROSS JOIN word_postings AS p
        ON p.term = json_extract(key.value, '$[0]') AND p.shelf = json_extract(key.value, '$[1]')
    """
)
_PUT_PART = text(
    "INSERT INTO word_postings (term, shelf, first, postings)"
    " VALUES (:term, :shelf, :first, :postings)"
)
_CHANGE_PART = text("UPDATE word_postings SET postings = :postings WHERE number = :number")
_DROP_PART = text("DELETE FROM word_postings WHERE number = :number")

_LATER = (1 << 32) - 1
"""After every number of a cube."""


def shelf_of(user_id: str | None) -> int:
    """Where a user's postings are; that two users may share a shelf costs time, nothing else."""
    return 0 if user_id is None else zlib.crc32(user_id.encode())


def find(
    connection: Connection, terms: Sequence[str], counted: Counted, last: int
) -> Iterator[tuple[str, NDArray[np.void]]]:
    """Each term that has any postings that count, and these."""
    asked = {"terms": json.dumps(terms)}
    if counted.users is None:
        rows = connection.execute(_FIND, asked)
    else:
        asked["shelves"] = json.dumps(sorted({shelf_of(user) for user in counted.users}))
        rows = connection.execute(_FIND_ON, asked)
    parts: dict[str, list[NDArray[np.void]]] = {term: [] for term in terms}
    for term, postings in rows:
        parts[term].append(_unpacked(postings))
    for term in terms:
        if not parts[term]:
            continue
        postings = np.concatenate(parts[term])
        if len(postings) and postings["entry"].max() > last:
            raise CorruptionError("the index of words names a text that is none", hint=_REPAIR)
        yield term, counted.of(postings)


def add(connection: Connection, fresh: Mapping[Shelved, list[Posting]]) -> None:
    """Fill up the newest part of each term and shelf, then begin others."""
    keys = json.dumps([(*key, _LATER) for key in fresh])
    newest = {(row.term, row.shelf): row for row in connection.execute(_PARTS, {"keys": keys})}
    changed, made = [], []
    for (term, shelf), postings in fresh.items():
        packed = np.array(postings, POSTING)
        row = newest.get((term, shelf))
        room = 0 if row is None else max(0, PART - len(row.postings) // POSTING.itemsize)
        if row is not None and room:
            whole = row.postings + packed[:room].tobytes()
            changed.append({"number": row.number, "postings": whole})
        for start in range(room, len(packed), PART):
            part = packed[start : start + PART]
            first = int(part["entry"][0])
            made.append({"term": term, "shelf": shelf, "first": first, "postings": part.tobytes()})
    if changed:
        connection.execute(_CHANGE_PART, changed)
    if made:
        connection.execute(_PUT_PART, made)


def take(connection: Connection, gone: Mapping[Shelved, Sequence[int]]) -> None:
    """Remove the postings of these texts, by term and shelf."""
    few = [(*key, one) for key, each in gone.items() if len(each) <= _FEW for one in each]
    many = [key for key, each in gone.items() if len(each) > _FEW]
    parts = [
        *connection.execute(_PARTS, {"keys": json.dumps(few)}),
        *connection.execute(_ALL_PARTS, {"keys": json.dumps(many)}),
    ]
    changed, emptied = [], []
    for part in {part.number: part for part in parts}.values():
        postings = _unpacked(part.postings)
        kept = _without(postings, gone[part.term, part.shelf])
        if not len(kept):
            emptied.append({"number": part.number})
        elif len(kept) < len(postings):
            changed.append({"number": part.number, "postings": kept.tobytes()})
    if changed:
        connection.execute(_CHANGE_PART, changed)
    if emptied:
        connection.execute(_DROP_PART, emptied)


def _without(postings: NDArray[np.void], numbers: Sequence[int]) -> NDArray[np.void]:
    entries = postings["entry"]
    # One number is the usual case, and quicker by itself.
    gone = entries == numbers[0] if len(numbers) == 1 else np.isin(entries, numbers)
    kept: NDArray[np.void] = postings[~gone]
    return kept


def total(connection: Connection) -> int:
    """A sum over all postings that does not depend on their order."""
    return sum(
        summand((row.term, row.shelf), posting)
        for row in connection.execute(text("SELECT term, shelf, postings FROM word_postings"))
        for posting in _unpacked(row.postings).tolist()
    )


def summand(key: Shelved, posting: Posting) -> int:
    """What a posting adds to :func:`total`."""
    return hash((*key, *posting))


def _unpacked(postings: object) -> NDArray[np.void]:
    if not isinstance(postings, bytes) or len(postings) % POSTING.itemsize:
        raise CorruptionError("postings of the index of words are cut short", hint=_REPAIR)
    return np.frombuffer(postings, POSTING)
