"""Sameness of words through an inverted index of our own, in SQLite.

    word_entries    a cube: its id, its scope, and how often each of its terms occurs
    word_postings   (term, shelf, first) -> up to 300 postings, packed, by the number of the cube
    word_scopes     a scope: how many cubes are in it, and how many terms they have together

A shelf is all that belongs to one user, so that a question within one user's memories reads
nothing of anybody else's. The tables are made when they are not there: an index can be rebuilt.

Why not SQLite's own full-text index: docs/decisions/0017-words.md.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from memos.errors import BackendError, CorruptionError
from memos.ports.near import Near
from memos.stores import words_rooms
from memos.stores.bm25 import CAP, POSTING, best, scores
from memos.stores.engine_sqlite import purge
from memos.stores.terms import asked_terms, terms_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Engine

    from memos.cube import Scope
    from memos.ports.words import Room, WordEntry
    from memos.stores.words_rooms import Counted

    Shelved = tuple[str, int]
    """A term, and the shelf."""

PART = 300
"""Postings in one row: as many as lie on one page."""
_BATCH = 5000
"""Cubes that are removed at once."""
_FEW = 4
"""Postings of a term up to which each is looked up; beyond, all of the shelf are read."""
_REPAIR = "`memos check --repair` makes it anew"

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS word_scopes (
        number INTEGER PRIMARY KEY,
        user_id TEXT,
        agent_id TEXT,
        session_id TEXT,
        named TEXT NOT NULL UNIQUE,
        texts INTEGER NOT NULL,
        length INTEGER NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS word_scopes_user ON word_scopes (user_id)",
    """
    CREATE TABLE IF NOT EXISTS word_entries (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        scope INTEGER NOT NULL,
        length INTEGER NOT NULL,
        terms TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS word_postings (
        number INTEGER PRIMARY KEY,
        term TEXT NOT NULL,
        shelf INTEGER NOT NULL,
        first INTEGER NOT NULL,
        postings BLOB NOT NULL,
        UNIQUE (term, shelf, first)
    )
    """,
)

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
_NAMES = text(
    "SELECT number, id FROM word_entries WHERE number IN (SELECT value FROM json_each(:numbers))"
)
_LAST = text("SELECT coalesce(max(number), 0) FROM word_entries")

_STORED = text(
    """
    SELECT e.number, e.id, e.scope, e.length, e.terms, s.user_id, s.named
    FROM word_entries AS e LEFT JOIN word_scopes AS s ON s.number = e.scope
    WHERE e.id IN (SELECT value FROM json_each(:ids))
    """
)
_PUT_ENTRY = text(
    "INSERT INTO word_entries (number, id, scope, length, terms)"
    " VALUES (:number, :id, :scope, :length, :terms)"
)
_DROP_ENTRIES = text(
    "DELETE FROM word_entries WHERE number IN (SELECT value FROM json_each(:numbers))"
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

_ADD_SCOPE = text(
    """
    INSERT INTO word_scopes (user_id, agent_id, session_id, named, texts, length)
    VALUES (:user_id, :agent_id, :session_id, :named, :texts, :length)
    ON CONFLICT (named) DO UPDATE
        SET texts = texts + excluded.texts, length = length + excluded.length
    RETURNING number
    """
)
_TAKE_FROM_SCOPE = text(
    "UPDATE word_scopes SET texts = texts - :texts, length = length - :length WHERE number = :scope"
)
_DROP_EMPTY = text("DELETE FROM word_scopes WHERE texts <= 0")

_ENTRIES = text(
    """
    SELECT e.number, e.scope, e.length, e.terms, s.user_id
    FROM word_entries AS e LEFT JOIN word_scopes AS s ON s.number = e.scope
    """
)
_WRONG_SUMS = text(
    """
    SELECT count(*) FROM
        (SELECT scope, count(*) AS texts, sum(length) AS length FROM word_entries GROUP BY scope) e
        FULL OUTER JOIN word_scopes AS s ON s.number = e.scope
    WHERE e.texts IS NOT s.texts OR e.length IS NOT s.length
    """
)

_LATER = (1 << 32) - 1
"""After every number of a cube."""


class PostingWords:
    """BM25 over stemmed words, in the catalog's own database; exact, whatever the scope.

    A question reads the postings of its terms on the shelves of those whom it asks about, and
    weighs each word by the texts that count in it. So what it is answered, and how long that
    takes, does not tell what else is in the index.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(write=True)
        with _translated(), self._writing.begin() as connection:
            _make(connection)

    def put(self, entries: Sequence[WordEntry]) -> None:
        """Store durably, all or none, in the place of what had the same ids."""
        latest = {entry.id: entry for entry in entries}
        if not latest:
            return
        with _translated(), self._writing.begin() as connection:
            _drop(connection, list(latest))
            _put(connection, list(latest.values()))

    def near(self, query: str, *, k: int, within: Sequence[Room]) -> list[Near]:
        """The ``k`` best matches in any of the rooms, best first."""
        terms = asked_terms(query)
        if k < 1 or not terms:
            return []
        with _translated(), self._engine.connect() as connection:
            counted = words_rooms.counted(connection, within)
            if not counted.texts:
                return []
            last = connection.execute(_LAST).scalar_one()
            total = scores(
                _found(connection, terms, counted, last),
                texts=counted.texts,
                length=counted.length,
                last=last,
            )
            return _named(connection, best(total, k), total)[:k]

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        with _translated(), self._writing.begin() as connection:
            _drop(connection, ids)

    def ids(self) -> set[str]:
        """The ids of all entries."""
        with _translated(), self._engine.connect() as connection:
            return set(connection.execute(text("SELECT id FROM word_entries")).scalars())

    def differing(self, entries: Sequence[WordEntry]) -> list[str]:
        """The ids of those entries that are not in the index as a put would write them."""
        with self._engine.connect() as connection:
            asked = {"ids": json.dumps([entry.id for entry in entries])}
            there = {row.id: row for row in connection.execute(_STORED, asked)}
        return [entry.id for entry in entries if not _is_same(there.get(entry.id), entry)]

    def problems(self) -> list[str]:
        """Where postings, entries and sums do not fit together."""
        try:
            with self._engine.connect() as connection:
                wrong = connection.execute(_WRONG_SUMS).scalar_one()
                fit = _sum_of_postings(connection) == _sum_of_entries(connection)
        except CorruptionError as error:
            return [error.message]
        except (ValueError, AttributeError, TypeError) as error:
            return [f"the terms of a text cannot be read: {error}"]
        sums = [f"{wrong} scopes have other texts than are counted"] if wrong else []
        return sums if fit else [*sums, "the postings are not those of the texts"]

    def clear(self) -> None:
        """Make the tables anew."""
        with self._writing.begin() as connection:
            for table in ("word_postings", "word_entries", "word_scopes"):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
            _make(connection)

    def purge(self) -> None:
        """Erase what was dropped or replaced, by writing the file anew.

        The file is the catalog's, too: whoever purges both pays once.
        """
        with _translated():
            purge(self._engine)


def shelf_of(user_id: str | None) -> int:
    """Where a user's postings are; that two users may share a shelf costs time, nothing else."""
    return 0 if user_id is None else zlib.crc32(user_id.encode())


def _make(connection: Connection) -> None:
    for statement in _TABLES:
        connection.execute(text(statement))


# --- asking -------------------------------------------------------------------------------------


def _found(
    connection: Connection, terms: Sequence[str], counted: Counted, last: int
) -> Iterator[NDArray[np.void]]:
    """For each term, the postings that count."""
    asked = {"terms": json.dumps(terms)}
    if counted.users is None:
        rows = connection.execute(_FIND, asked)
    else:
        asked["shelves"] = json.dumps(sorted({shelf_of(user) for user in counted.users}))
        rows = connection.execute(_FIND_ON, asked)
    parts: dict[str, list[bytes]] = defaultdict(list)
    for term, postings in rows:
        parts[term].append(postings)
    for term in terms:
        postings = _unpacked(b"".join(parts[term]))
        if len(postings) and postings["entry"].max() > last:
            raise CorruptionError("the index of words names a text that is none", hint=_REPAIR)
        yield counted.of(postings)


def _named(
    connection: Connection, numbers: NDArray[np.intp], total: NDArray[np.float64]
) -> list[Near]:
    """The texts of these numbers, best first."""
    asked = {"numbers": json.dumps(numbers.tolist())}
    near = [Near(row.id, float(total[row.number])) for row in connection.execute(_NAMES, asked)]
    if len(near) != len(numbers):
        raise CorruptionError("the index of words names a text that is none", hint=_REPAIR)
    return sorted(near, key=lambda each: (-each.score, each.id))


def _unpacked(postings: bytes) -> NDArray[np.void]:
    if len(postings) % POSTING.itemsize:
        raise CorruptionError("postings of the index of words are cut short", hint=_REPAIR)
    return np.frombuffer(postings, POSTING)


# --- writing ------------------------------------------------------------------------------------


def _put(connection: Connection, entries: Sequence[WordEntry]) -> None:
    counts = [Counter(terms_of(entry.text)) for entry in entries]
    lengths = [min(sum(each.values()), CAP) for each in counts]
    scopes = _scopes(connection, entries, lengths)
    start = connection.execute(_LAST).scalar_one() + 1
    fresh: dict[Shelved, list[tuple[int, int, int, int]]] = defaultdict(list)
    rows = []
    for number, (entry, terms, length) in enumerate(
        zip(entries, counts, lengths, strict=True), start=start
    ):
        scope = scopes[entry.scope]
        shelf = shelf_of(entry.scope.user_id)
        for term, count in terms.items():
            fresh[term, shelf].append((number, scope, min(count, CAP), length))
        rows.append(
            {
                "number": number,
                "id": entry.id,
                "scope": scope,
                "length": length,
                "terms": _written(terms),
            }
        )
    connection.execute(_PUT_ENTRY, rows)
    if fresh:
        _append(connection, fresh)


def _scopes(
    connection: Connection, entries: Sequence[WordEntry], lengths: Sequence[int]
) -> dict[Scope, int]:
    """The number of each scope, which now counts the entries that are about to be put."""
    sums: dict[Scope, list[int]] = {}
    for entry, length in zip(entries, lengths, strict=True):
        sums.setdefault(entry.scope, []).append(length)
    return {
        scope: connection.execute(
            _ADD_SCOPE,
            {
                **scope.model_dump(),
                "named": _key(scope),
                "texts": len(each),
                "length": sum(each),
            },
        ).scalar_one()
        for scope, each in sums.items()
    }


def _append(
    connection: Connection, fresh: Mapping[Shelved, list[tuple[int, int, int, int]]]
) -> None:
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
            made.append(
                {"term": term, "shelf": shelf, "first": first, "postings": part.tobytes()}
            )
    if changed:
        connection.execute(_CHANGE_PART, changed)
    if made:
        connection.execute(_PUT_PART, made)


def _drop(connection: Connection, ids: Iterable[str]) -> None:
    """Remove entries with all that counts them."""
    left = iter(ids)
    while some := list(islice(left, _BATCH)):
        rows = connection.execute(_STORED, {"ids": json.dumps(some)}).all()
        if rows:
            _take_postings(connection, rows)
            _take_sums(connection, rows)
            numbers = json.dumps([row.number for row in rows])
            connection.execute(_DROP_ENTRIES, {"numbers": numbers})


def _take_postings(connection: Connection, rows: Sequence[Any]) -> None:
    gone: dict[Shelved, list[int]] = defaultdict(list)
    for row in rows:
        for term in _read(row.terms):
            gone[term, shelf_of(row.user_id)].append(row.number)
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
    if len(numbers) == 1:  # as most often, and quicker
        return postings[postings["entry"] != numbers[0]]
    return postings[~np.isin(postings["entry"], numbers)]


def _take_sums(connection: Connection, rows: Sequence[Any]) -> None:
    sums: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        sums[row.scope].append(row.length)
    taken = [
        {"scope": scope, "texts": len(each), "length": sum(each)} for scope, each in sums.items()
    ]
    connection.execute(_TAKE_FROM_SCOPE, taken)
    connection.execute(_DROP_EMPTY)


def _written(terms: Mapping[str, int]) -> str:
    return json.dumps(terms, ensure_ascii=False)


def _read(terms: str) -> dict[str, int]:
    try:
        read: dict[str, int] = json.loads(terms)
        return dict(read.items())
    except (ValueError, AttributeError) as error:
        message = f"the index of words holds {terms!r:.60} for a text"
        raise CorruptionError(message, hint=_REPAIR) from error


def _key(scope: Scope) -> str:
    return json.dumps([scope.user_id, scope.agent_id, scope.session_id], ensure_ascii=False)


# --- checking -----------------------------------------------------------------------------------


def _is_same(row: Any, entry: WordEntry) -> bool:
    if row is None or row.named != _key(entry.scope):
        return False
    terms = Counter(terms_of(entry.text))
    return bool(row.terms == _written(terms) and row.length == min(terms.total(), CAP))


def _sum_of_postings(connection: Connection) -> int:
    """A sum over all postings that does not depend on their order."""
    total = 0
    for row in connection.execute(text("SELECT term, shelf, postings FROM word_postings")):
        for posting in _unpacked(row.postings).tolist():
            total += hash((row.term, row.shelf, *posting))
    return total


def _sum_of_entries(connection: Connection) -> int:
    """The sum that the entries' postings should have."""
    total = 0
    for number, scope, length, terms, user_id in connection.execute(_ENTRIES):
        shelf = shelf_of(user_id)
        for term, count in _read(terms).items():
            total += hash((term, shelf, number, scope, min(count, CAP), length))
    return total


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        hint = "run `memos check`"
        raise BackendError(f"the index of words cannot be used: {error}", hint=hint) from error
