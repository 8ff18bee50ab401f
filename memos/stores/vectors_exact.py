"""Nearness of meaning without approximation: every vector is looked at."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from memos.cube import Scope
from memos.errors import BackendError, CorruptionError
from memos.ports.vectors import VectorEntry
from memos.stores.engine_sqlite import open_engine, purge
from memos.stores.errors_sqlite import legible
from memos.stores.vectors_window import Window, check_dimension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from memos.ports.near import Near

_VECTORS = Table(
    "vectors",
    MetaData(),
    Column("collection", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("user_id", String),
    Column("agent_id", String),
    Column("session_id", String),
    Column("vector", LargeBinary, nullable=False, doc="float32, little-endian"),
)

_WIRE = np.dtype("<f4")
_CHUNK = 10_000
"""Ids in one statement; SQLite takes 32,766 variables."""
_REPAIR = "`memos check --repair` indexes anew"


class ExactVectors:
    """The reference: durable in an SQLite file of its own, searched in RAM.

    Right while the vectors fit in memory: a search reads all that the scope covers, and the first
    one reads the file.
    """

    def __init__(
        self, path: Path | None, *, collection: str, dimension: int, key: bytes | None = None
    ) -> None:
        """Open or make the index ``collection`` in a file, or in memory where ``path`` is None.

        Args:
            path: the file.
            collection: the name of the index; any will do.
            dimension: the length of a vector.
            key: 32 bytes, which encrypt the file.
        """
        self._collection = collection
        self._dimension = dimension
        self._lock = threading.Lock()
        self._window: Window | None = None
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._engine = open_engine(path, key=key, hint=_REPAIR)
        with self._transaction(write=True) as connection:
            _VECTORS.create(connection, checkfirst=True)

    def put(self, entries: Sequence[VectorEntry]) -> None:
        """Store durably, all or none, in the place of what had the same ids."""
        check_dimension((entry.vector for entry in entries), self._dimension)
        latest = list({entry.id: entry for entry in entries}.values())
        if not latest:
            return
        statement = insert(_VECTORS)
        statement = statement.on_conflict_do_update(
            index_elements=[_VECTORS.c.collection, _VECTORS.c.id],
            set_={column.name: column for column in statement.excluded if not column.primary_key},
        )
        with self._lock:
            window, self._window = self._window, None  # if this fails, the next search loads anew
            with self._transaction(write=True) as connection:
                connection.execute(statement, [self._row_of(entry) for entry in latest])
            if window is not None:
                window.put(latest)
            self._window = window

    def near(
        self,
        vector: NDArray[np.float32],
        *,
        k: int,
        scope: Scope,
        among: Collection[str] | None = None,
    ) -> list[Near]:
        """The ``k`` nearest entries that ``scope`` covers, nearest first."""
        check_dimension((vector,), self._dimension)
        with self._lock:
            if self._window is None:
                self._window = self._load()
            return self._window.near(vector, k=k, scope=scope, among=among)

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        gone = list(ids)
        with self._lock:
            window, self._window = self._window, None
            with self._transaction(write=True) as connection:
                for start in range(0, len(gone), _CHUNK):
                    named = _VECTORS.c.id.in_(gone[start : start + _CHUNK])
                    mine = _VECTORS.c.collection == self._collection
                    connection.execute(delete(_VECTORS).where(mine, named))
            if window is not None:
                window.drop(gone)
            self._window = window

    def ids(self) -> set[str]:
        """The ids of all entries."""
        query = select(_VECTORS.c.id).where(_VECTORS.c.collection == self._collection)
        with self._lock, self._transaction() as connection:
            return set(connection.execute(query).scalars())

    def fetch(self, ids: Collection[str]) -> list[VectorEntry]:
        """The entries of these ids as they are stored."""
        wanted = list(ids)
        found = []
        with self._lock, self._transaction() as connection:
            for start in range(0, len(wanted), _CHUNK):
                query = select(_VECTORS).where(
                    _VECTORS.c.collection == self._collection,
                    _VECTORS.c.id.in_(wanted[start : start + _CHUNK]),
                )
                found += [_stored(*row) for row in connection.execute(query)]
        return found

    def purge(self) -> None:
        """Erase what was dropped or replaced, by rewriting the file."""
        purge(self._engine)

    def close(self) -> None:
        """Let go of the file; what was only in memory is gone."""
        with self._lock:
            self._window = None
            self._engine.dispose()

    def _row_of(self, entry: VectorEntry) -> dict[str, object]:
        content = np.asarray(entry.vector, dtype=_WIRE).tobytes()
        owner = entry.scope.model_dump()
        return {"collection": self._collection, "id": entry.id, "vector": content, **owner}

    def _load(self) -> Window:
        query = select(_VECTORS).where(_VECTORS.c.collection == self._collection)
        window = Window(self._dimension)
        with self._transaction() as connection:
            for rows in connection.execute(query).partitions(_CHUNK):
                window.put([self._entry(*row) for row in rows])
        return window

    def _entry(self, _collection: str, one: str, *rest: str | bytes | None) -> VectorEntry:
        user_id, agent_id, session_id, content = rest
        if not isinstance(content, bytes) or len(content) != self._dimension * _WIRE.itemsize:
            message = f"the vector of {one} has not {self._dimension} numbers"
            raise CorruptionError(message, hint=_REPAIR)
        owner = Scope.model_validate(
            {"user_id": user_id, "agent_id": agent_id, "session_id": session_id}
        )
        return VectorEntry(one, np.frombuffer(content, dtype=_WIRE), owner)

    @contextmanager
    def _transaction(self, *, write: bool = False) -> Iterator[Connection]:
        try:
            with self._engine.execution_options(write=write).begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            message = f"the index of vectors cannot be used: {error}"
            raise BackendError(message, hint=_REPAIR) from error


def _stored(_collection: str, one: str, *rest: object) -> VectorEntry:
    """A row as it is, whatever it holds; what cannot be read at all has nothing in it."""
    *owner, content = rest
    raw = content if isinstance(content, bytes) else b""
    vector = np.frombuffer(raw[: len(raw) // _WIRE.itemsize * _WIRE.itemsize], dtype=_WIRE)
    with legible(f"the scope of the vector of {one}"):
        scope = Scope.model_validate(dict(zip(Scope.model_fields, owner, strict=True)))
    return VectorEntry(one, vector, scope)
