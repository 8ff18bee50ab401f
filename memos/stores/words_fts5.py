"""Sameness of words through FTS5, the full-text index that SQLite carries.

    words          the full-text index: rowid -> text
    words_entries  rowid -> the cube's id and its scope

Both are made when they are not there and belong to no migration: an index can be rebuilt.
"""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from memos.errors import BackendError, CorruptionError
from memos.ports.near import Near
from memos.stores.engine_sqlite import purge
from memos.stores.stopwords import STOP_WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from memos.cube import Scope
    from memos.ports.words import WordEntry

_TERM_LIMIT = 32
"""How many terms of a query are looked for; the rarest ones."""

_MATCH_LIMIT = 1000
"""How many texts are scored, where that is enough to fill the answer; the rarest terms decide."""

# FTS5 takes letters and digits for words, and so do we; it knows no words in a script that puts
# no spaces between them, so there each character and each pair of neighbours counts as one.
_TERM = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)

_TABLES = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, tokenize = 'porter unicode61')",
    """
    CREATE TABLE IF NOT EXISTS words_entries (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        user_id TEXT,
        agent_id TEXT,
        session_id TEXT
    )
    """,
)

_NEAR = text(
    """
    SELECT words_entries.id, -bm25(words) AS score
    FROM words JOIN words_entries ON words_entries.number = words.rowid
    WHERE words MATCH :match
      AND (:user_id IS NULL OR user_id = :user_id)
      AND (:agent_id IS NULL OR agent_id = :agent_id)
      AND (:session_id IS NULL OR session_id = :session_id)
      AND (:among IS NULL OR words_entries.id IN (SELECT value FROM json_each(:among)))
    ORDER BY score DESC, words_entries.id
    LIMIT :k
    """
)

# The best matches of all, and which of them count: less work than asking of every match whose it
# is, and enough unless the scope or ``among`` admits few.
_BEST = text(
    """
    SELECT words_entries.id, -best.rank AS score,
        (:user_id IS NULL OR user_id = :user_id)
        AND (:agent_id IS NULL OR agent_id = :agent_id)
        AND (:session_id IS NULL OR session_id = :session_id)
        AND (:among IS NULL OR words_entries.id IN (SELECT value FROM json_each(:among))) AS counts
    FROM (SELECT rowid, rank FROM words WHERE words MATCH :match
          ORDER BY rank, rowid LIMIT :fetched)
        AS best
    JOIN words_entries ON words_entries.number = best.rowid
    """
)

_OVER = 4
"""How many times as many matches are fetched first as are asked for."""

_FREQUENCIES = text(
    """
    SELECT value, (SELECT count(*) FROM words WHERE words MATCH value) AS texts
    FROM json_each(:matches)
    """
)

_STORED = text(
    """
    SELECT words_entries.*, words.text FROM words_entries
    JOIN words ON words.rowid = words_entries.number
    WHERE words_entries.id IN (SELECT value FROM json_each(:ids))
    """
)

# Compares the index with the texts that it keeps beside it.
_VERIFY = text("INSERT INTO words (words) VALUES ('integrity-check')")

_SIZES = text("SELECT (SELECT count(*) FROM words_entries), (SELECT count(*) FROM words)")

_DROP_TEXTS = text(
    """
    DELETE FROM words WHERE rowid IN
        (SELECT number FROM words_entries WHERE id IN (SELECT value FROM json_each(:ids)))
    """
)

_DROP_ENTRIES = text("DELETE FROM words_entries WHERE id IN (SELECT value FROM json_each(:ids))")

# A deleted text's terms stay in the index's older segments until these are merged into one.
_MERGE = text("INSERT INTO words (words) VALUES ('optimize')")

_PUT_TEXT = text("INSERT INTO words (rowid, text) VALUES (:number, :text)")

_PUT_ENTRY = text(
    "INSERT INTO words_entries (number, id, user_id, agent_id, session_id)"
    " VALUES (:number, :id, :user_id, :agent_id, :session_id)"
)


# Both tables are asked, so that a row which one of them has lost cannot be in the way of a put.
_LAST = text(
    "SELECT max((SELECT coalesce(max(number), 0) FROM words_entries),"
    " (SELECT coalesce(max(rowid), 0) FROM words))"
)


class Fts5Words:
    """BM25 over stemmed words, in the catalog's own database.

    The statistics that BM25 needs are those of all texts, whatever the scope of the question. In a
    large index the commonest terms of a question are left out as long as its rarer ones find ``k``
    texts: scoring every text that has a common word is what makes full-text search slow.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(write=True)
        self._merged = False
        with _translated(), self._writing.begin() as connection:
            for statement in _TABLES:
                connection.execute(text(statement))

    def put(self, entries: Sequence[WordEntry]) -> None:
        """Store durably, all or none, in the place of what had the same ids."""
        latest = {entry.id: entry for entry in entries}
        if not latest:
            return
        with _translated(), self._writing.begin() as connection:
            self._delete(connection, latest)
            last = connection.execute(_LAST).scalar() or 0
            rows = [
                {"number": number, "id": entry.id, "text": _indexed(entry.text)}
                | entry.scope.model_dump()
                for number, entry in enumerate(latest.values(), start=last + 1)
            ]
            connection.execute(_PUT_ENTRY, rows)
            connection.execute(_PUT_TEXT, rows)

    def near(
        self, query: str, *, k: int, scope: Scope, among: Collection[str] | None = None
    ) -> list[Near]:
        """The ``k`` best matches that ``scope`` covers, best first."""
        terms = _terms(query)
        if k < 1 or not terms:
            return []
        with _translated(), self._engine.connect() as connection:
            quoted = _rarest(connection, [f'"{term}"' for term in terms])
            asked = {
                "match": "",
                "k": k,
                "fetched": k,
                "among": None if among is None else json.dumps(list(among)),
                **scope.model_dump(),
            }
            few = _telling(quoted)
            if len(few) < len(quoted):
                asked |= {"match": " OR ".join(few), "fetched": k}
                best = _best(connection, asked, k, exact=False)
                if best is not None and len(best) == k:
                    return best
            asked |= {"match": " OR ".join(quoted), "fetched": _OVER * k}
            best = _best(connection, asked, k)
            if best is not None:
                return best
            return [Near(row.id, row.score) for row in connection.execute(_NEAR, asked)]

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        with _translated(), self._writing.begin() as connection:
            self._delete(connection, ids)

    def ids(self) -> set[str]:
        """The ids of all entries."""
        with _translated(), self._engine.connect() as connection:
            return set(connection.execute(text("SELECT id FROM words_entries")).scalars())

    def differing(self, entries: Sequence[WordEntry]) -> list[str]:
        """The ids of those entries that are not in the index as a put would write them."""
        with self._engine.connect() as connection:
            asked = {"ids": json.dumps([entry.id for entry in entries])}
            there = {row.id: row for row in connection.execute(_STORED, asked)}
        return [entry.id for entry in entries if not _is_same(there.get(entry.id), entry)]

    def problems(self) -> list[str]:
        """What FTS5 itself finds wrong with the index."""
        try:
            with self._writing.begin() as connection:
                connection.execute(_VERIFY)
                count, texts = connection.execute(_SIZES).one()
        except CorruptionError as error:
            return [error.message]
        return [] if count == texts else [f"{count} cubes are indexed with {texts} texts"]

    def clear(self) -> None:
        """Make both tables anew."""
        with self._writing.begin() as connection:
            for table in ("words", "words_entries"):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
            for statement in _TABLES:
                connection.execute(text(statement))

    def purge(self) -> None:
        """Erase what was dropped or replaced: merge the index, then rewrite the file.

        The file is the catalog's, too: whoever purges both does the words first, and so pays once.
        """
        if not self._merged:
            self._merged = True  # now, so that what another thread drops meanwhile is not missed
            try:
                with _translated(), self._writing.begin() as connection:
                    connection.execute(_MERGE)
            except BaseException:
                self._merged = False
                raise
        purge(self._engine)

    def _delete(self, connection: Connection, ids: Iterable[str]) -> None:
        """Remove entries from both tables."""
        parameters = {"ids": json.dumps(list(ids))}
        connection.execute(_DROP_TEXTS, parameters)
        if connection.execute(_DROP_ENTRIES, parameters).rowcount:
            self._merged = False


def _is_same(row: Any, entry: WordEntry) -> bool:
    if row is None or row.text != _indexed(entry.text):
        return False
    owner = entry.scope.model_dump()
    return all(getattr(row, field) == value for field, value in owner.items())


def _best(
    connection: Connection, asked: dict[str, Any], k: int, *, exact: bool = True
) -> list[Near] | None:
    """The ``k`` best matches that count; None where more of them must be looked at to know.

    Where not ``exact``, equals of the last may be left out; the older ones come first.
    """
    rows = connection.execute(_BEST, asked).all()
    nears = [Near(row.id, row.score) for row in rows if row.counts]
    nears.sort(key=lambda near: (-near.score, near.id))
    if len(rows) < asked["fetched"]:
        return nears[:k]
    worst = min(row.score for row in rows)
    sure = len(nears) >= k and (not exact or nears[k - 1].score > worst)
    return nears[:k] if sure else None


def _indexed(content: str) -> str:
    return _UNSPACED.sub(lambda run: f" {' '.join(_pieces(run[0]))} ", content)


def _pieces(run: str) -> list[str]:
    """The characters of a run without spaces, and the pairs of neighbours."""
    return [*run, *(run[at : at + 2] for at in range(len(run) - 1))]


def _terms(query: str) -> list[str]:
    """The different words of ``query``, without stop words unless it has no others."""
    words = _TERM.findall(_indexed(unicodedata.normalize("NFC", query)))
    different = {word.lower(): word for word in words}
    telling = [word for lower, word in different.items() if lower not in STOP_WORDS]
    return telling or list(different.values())


def _rarest(connection: Connection, matches: list[str]) -> dict[str, int]:
    """How many texts have each of ``matches``, rarest first; so many as a query may have."""
    rows = connection.execute(_FREQUENCIES, {"matches": json.dumps(matches)})
    texts = {row.value: row.texts for row in rows}
    known = sorted((match for match in matches if texts[match]), key=lambda match: texts[match])
    return {match: texts[match] for match in known[:_TERM_LIMIT] or matches[:1]}


def _telling(texts: dict[str, int]) -> list[str]:
    """The rarest terms, as long as not too many texts have them; at least one."""
    told = list(accumulate(texts.values()))
    return [
        match for match, so_far in zip(texts, told, strict=True) if so_far <= _MATCH_LIMIT
    ] or list(texts)[:1]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        hint = "run `memos check`"
        raise BackendError(f"the index of words cannot be used: {error}", hint=hint) from error
