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
from collections import Counter, defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from memos.errors import CorruptionError
from memos.ports.near import Near
from memos.stores import postings_sql, words_rooms
from memos.stores.bm25 import CAP, best, scores
from memos.stores.engine_sqlite import purge
from memos.stores.errors_sqlite import legible, usable
from memos.stores.postings_sql import shelf_of, summand
from memos.stores.terms import asked_terms, terms_of
from memos.stores.words_matches import PostingMatches, kindred, weighed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection, Engine

    from memos.cube import Scope
    from memos.ports.words import Room, WordEntry
    from memos.stores.postings_sql import Posting, Shelved

_BATCH = 5000
"""Cubes that are removed at once."""
_REPAIR = "`memos check --repair` makes it anew"
_WHAT = "the index of words"

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
    postings_sql.TABLE,
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


class PostingWords:
    """BM25 over stemmed words, in the catalog's own database; exact, whatever the scope.

    A question reads the postings of its terms on the shelves of those whom it asks about, and
    weighs each word by the texts that count in it. So what it is answered, and how long that
    takes, does not tell what else is in the index.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(write=True)
        with usable(_WHAT), self._writing.begin() as connection:
            _make(connection)

    def put(self, entries: Sequence[WordEntry]) -> None:
        """Store durably, all or none, in the place of what had the same ids."""
        latest = {entry.id: entry for entry in entries}
        if not latest:
            return
        with usable(_WHAT), self._writing.begin() as connection:
            _drop(connection, list(latest))
            _put(connection, list(latest.values()))

    def near(self, query: str, *, k: int, within: Sequence[Room]) -> list[Near]:
        """The ``k`` best matches in any of the rooms, best first."""
        terms = asked_terms(query)
        if k < 1 or not terms:
            return []
        with usable(_WHAT), legible(_WHAT), self._engine.connect() as connection:
            counted = words_rooms.counted(connection, within)
            if not counted.texts:
                return []
            last = connection.execute(_LAST).scalar_one()
            found = postings_sql.find(connection, terms, counted, last)
            total = scores(
                (postings for _, postings in found),
                texts=counted.texts,
                length=counted.length,
                last=last,
            )
            return _named(connection, best(total, k), total)[:k]

    def ask(self, query: str, *, within: Sequence[Room]) -> PostingMatches:
        """How the entries in the rooms match a question, word by word."""
        terms = kindred(query)
        with usable(_WHAT), legible(_WHAT), self._engine.connect() as connection:
            counted = words_rooms.counted(connection, within)
            last = connection.execute(_LAST).scalar_one()
            asked = list(dict.fromkeys(stem for each in terms for stem in each.stems))
            found = {
                stem: postings
                for stem, postings in postings_sql.find(connection, asked, counted, last)
                if len(postings)  # a word that only others have is as if nobody had it
            }
        return PostingMatches(
            self._engine, weighed(terms, found, texts=counted.texts, length=counted.length)
        )

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        with usable(_WHAT), self._writing.begin() as connection:
            _drop(connection, ids)

    def ids(self) -> set[str]:
        """The ids of all entries."""
        with usable(_WHAT), self._engine.connect() as connection:
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
            with legible(_WHAT), self._engine.connect() as connection:
                wrong = connection.execute(_WRONG_SUMS).scalar_one()
                fit = postings_sql.total(connection) == _sum_of_entries(connection)
        except CorruptionError as error:
            return [error.message]
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
        with usable(_WHAT):
            purge(self._engine)


def _make(connection: Connection) -> None:
    for statement in _TABLES:
        connection.execute(text(statement))


# --- asking -------------------------------------------------------------------------------------


def _named(
    connection: Connection, numbers: NDArray[np.intp], total: NDArray[np.float64]
) -> list[Near]:
    """The texts of these numbers, best first."""
    asked = {"numbers": json.dumps(numbers.tolist())}
    near = [Near(row.id, float(total[row.number])) for row in connection.execute(_NAMES, asked)]
    if len(near) != len(numbers):
        raise CorruptionError("the index of words names a text that is none", hint=_REPAIR)
    return sorted(near, key=lambda each: (-each.score, each.id))


# --- writing ------------------------------------------------------------------------------------


def _put(connection: Connection, entries: Sequence[WordEntry]) -> None:
    counts = [Counter(terms_of(entry.text)) for entry in entries]
    lengths = [min(sum(each.values()), CAP) for each in counts]
    scopes = _scopes(connection, entries, lengths)
    start = connection.execute(_LAST).scalar_one() + 1
    fresh: dict[Shelved, list[Posting]] = defaultdict(list)
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
        postings_sql.add(connection, fresh)


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


def _drop(connection: Connection, ids: Iterable[str]) -> None:
    """Remove entries with all that counts them."""
    left = iter(ids)
    while some := list(islice(left, _BATCH)):
        rows = connection.execute(_STORED, {"ids": json.dumps(some)}).all()
        if rows:
            with legible(_WHAT):
                _take(connection, rows)
            numbers = json.dumps([row.number for row in rows])
            connection.execute(_DROP_ENTRIES, {"numbers": numbers})


def _take(connection: Connection, rows: Sequence[Any]) -> None:
    """Take entries out of the postings and the sums."""
    gone: dict[Shelved, list[int]] = defaultdict(list)
    for row in rows:
        for term in _read(row.terms):
            gone[term, shelf_of(row.user_id)].append(row.number)
    postings_sql.take(connection, gone)
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
    return {**json.loads(terms)}


def _key(scope: Scope) -> str:
    return json.dumps([scope.user_id, scope.agent_id, scope.session_id], ensure_ascii=False)


# --- checking -----------------------------------------------------------------------------------


def _is_same(row: Any, entry: WordEntry) -> bool:
    if row is None or row.named != _key(entry.scope):
        return False
    terms = Counter(terms_of(entry.text))
    return bool(row.terms == _written(terms) and row.length == min(terms.total(), CAP))


def _sum_of_entries(connection: Connection) -> int:
    """The sum that the entries' postings should have."""
    total = 0
    for number, scope, length, terms, user_id in connection.execute(_ENTRIES):
        shelf = shelf_of(user_id)
        for term, count in _read(terms).items():
            total += summand((term, shelf), (number, scope, min(count, CAP), length))
    return total
