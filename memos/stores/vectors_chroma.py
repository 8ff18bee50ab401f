"""Nearness of meaning through Chroma, in a folder of its own.

Chroma keeps everything durable and answers the first question to a scope. It is approximate (HNSW)
and slow where it has to filter, so a scope that is asked for again is searched exactly in RAM, as
long as it is not too large; see :mod:`memos.stores.vectors_window`.
"""

from __future__ import annotations

import hashlib
import re
import threading
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from memos.cube import EVERYBODY, Scope
from memos.errors import BackendError
from memos.ports.near import Near
from memos.ports.vectors import VectorEntry
from memos.stores.modes import tighten
from memos.stores.vectors_chroma_files import NOBODY, Marker, erase, holds_anything
from memos.stores.vectors_chroma_sums import Sums
from memos.stores.vectors_window import Window, Windows, check_dimension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from chromadb import ClientAPI
    from chromadb import Collection as ChromaCollection
    from numpy.typing import NDArray

_WINDOW_LIMIT = 50_000
"""Vectors held in RAM beside Chroma: 77 MB of them with 384 dimensions."""

_SEARCH_WIDTH = 400
"""HNSW's ef_search; the default of 100 misses many of the 50 nearest."""

_MARGIN = 16
"""Neighbours fetched beyond those asked for, to see whether equals are left behind."""

_PATIENT, _EAGER = 1000, 2
"""After how many writes Chroma writes its graph (HNSW's sync_threshold): usually, and at once."""

_MARK = {"kept": True}
"""Chroma refuses an entry whose metadata are all None."""


class ChromaVectors:
    """One Chroma collection for each embedding model.

    Nothing is downloaded, and nothing is reported to anybody. Chroma is imported and the folder
    opened with the first call.
    """

    def __init__(
        self, path: Path, *, collection: str, dimension: int, window_limit: int = _WINDOW_LIMIT
    ) -> None:
        """Say where the index lies.

        Args:
            path: the folder; it belongs to Chroma alone.
            collection: the name of the index; any will do.
            dimension: the length of a vector.
            window_limit: how many vectors may be held in RAM.
        """
        self._path = path
        self._name = collection
        self._dimension = dimension
        self._lock = threading.Lock()
        self._marker = Marker(path)
        self._sums = Sums(path)
        self._windows = Windows(window_limit)
        self._client: ClientAPI | None = None
        self._opened: ChromaCollection | None = None
        self._batch = 1

    def put(self, entries: Sequence[VectorEntry]) -> None:
        """Store durably, in the place of what had the same ids. Atomic for each entry."""
        check_dimension((entry.vector for entry in entries), self._dimension)
        latest = list({entry.id: entry for entry in entries}.values())
        with self._access() as collection:
            self._changing()
            for batch in self._batches(latest):
                collection.upsert(
                    ids=[entry.id for entry in batch],
                    embeddings=np.stack([entry.vector for entry in batch]),
                    # None removes a field that an earlier version had: Chroma merges metadata.
                    metadatas=[entry.scope.model_dump() | _MARK for entry in batch],
                )
                self._windows.put(batch)
            tighten(self._path)

    def near(
        self,
        vector: NDArray[np.float32],
        *,
        k: int,
        scope: Scope,
        among: Collection[str] | None = None,
    ) -> list[Near]:
        """The ``k`` nearest entries that ``scope`` covers, nearest first.

        They are the nearest that HNSW finds where the scope is asked for the first time or is too
        large for RAM; otherwise they are exact.
        """
        check_dimension((vector,), self._dimension)
        if k < 1 or (among is not None and not among):
            return []
        with self._access() as collection:
            window = self._window(collection, scope)
            if window is not None:
                return window.near(vector, k=k, scope=scope, among=among)
            ids = None if among is None else self._ids(collection, scope, among)
            return self._ask(collection, vector, k=k, scope=scope, ids=ids)

    def drop(self, ids: Collection[str]) -> None:
        """Remove entries; absent ids are no error."""
        with self._access() as collection:
            self._changing()
            for batch in self._batches(_distinct(ids)):
                collection.delete(ids=batch)
                self._windows.drop(batch)
            tighten(self._path)

    def ids(self) -> set[str]:
        """The ids of all entries."""
        with self._access() as collection:
            return set(self._ids(collection, EVERYBODY))

    def fetch(self, ids: Collection[str]) -> list[VectorEntry]:
        """The entries of these ids as they are stored."""
        with self._access() as collection:
            return list(self._entries(collection, _distinct(ids)))

    def purge(self) -> None:
        """Erase what was dropped or replaced in any collection of the folder.

        Chroma is made to write its graphs, and closes the folder for the time that it takes.

        Raises:
            BackendError: the folder is open in another index, or could not be erased.
        """
        with self._lock, self._translated():
            if self._marker.is_set() or not holds_anything(self._path):
                return
            self._let_go()
            self._sums.clear()
            _write_graphs(str(self._path))
            erase(self._path)
            tighten(self._path)
            self._marker.set()
            self._sums.write()

    def close(self) -> None:
        """Let go of files and threads; a later call opens them again."""
        with self._lock:
            self._windows.clear()
            if self._client is not None:
                self._let_go()
                with suppress(OSError):  # a full disk; without sums, the files are trusted
                    self._sums.write()

    def _changing(self) -> None:
        """Before a write: nothing that is known of the files holds any more."""
        self._marker.clear()
        self._sums.clear()

    def _let_go(self) -> None:
        self._opened = None
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _access(self) -> Iterator[ChromaCollection]:
        """The collection, for one thread at a time."""
        with self._lock, self._translated():
            if self._opened is None:
                self._opened = self._open()
            yield self._opened

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except BaseException as error:
            self._windows.clear()  # they may miss what was stored before this
            if not isinstance(error, ChromaError | OSError):
                raise
            message = f"the index of vectors in {self._path} cannot be used: {error}"
            hint = "it can be made anew: remove the folder, then `memos check --repair`"
            raise BackendError(message, hint=hint) from error

    def _open(self) -> ChromaCollection:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._client is None:
            self._sums.require()
            self._client = _client(str(self._path))
        self._batch = self._client.get_max_batch_size()
        collection = self._client.get_or_create_collection(
            _legal(self._name),
            configuration={"hnsw": {"space": "cosine", "ef_search": _SEARCH_WIDTH}},
            metadata={"model": self._name},
            embedding_function=None,
        )
        tighten(self._path)  # Chroma makes its files as the process's umask has them
        if collection.configuration_json["hnsw"]["sync_threshold"] == _EAGER:
            _set_threshold(collection, _PATIENT)  # a purge was cut short
        return collection

    def _window(self, collection: ChromaCollection, scope: Scope) -> Window | None:
        """The window that holds what ``scope`` covers, loaded if this is the time to."""
        window = self._windows.find(scope)
        if window is None and self._windows.pays(scope):
            ids = self._ids(collection, scope)
            if len(ids) > self._windows.limit:
                self._windows.refuse(scope)
                return None
            window = self._load(collection, ids)
            self._windows.keep(scope, window)
        return window

    def _ask(
        self,
        collection: ChromaCollection,
        vector: NDArray[np.float32],
        *,
        k: int,
        scope: Scope,
        ids: list[str] | None,
    ) -> list[Near]:
        """What Chroma itself finds, among ``ids`` if they are given; all of them exist."""
        if ids is not None and not ids:
            return []
        filters = {"where": _where(scope)} if ids is None else {"ids": ids}
        count = k + _MARGIN
        found = _query(collection, vector, count, filters)
        while len(found) == count and found[-1].score == found[k - 1].score:
            count *= 4
            found = _query(collection, vector, count, filters)
        if len(found) < count:
            there = ids if ids is not None else self._ids(collection, scope)
            if len(found) < len(there):  # the graph of HNSW has come apart
                return self._load(collection, there).near(vector, k=k, scope=scope)
        return found[:k]

    def _ids(
        self, collection: ChromaCollection, scope: Scope, among: Iterable[str] | None = None
    ) -> list[str]:
        """The ids that ``scope`` covers, of all or of those in ``among``."""
        if among is None:
            return list(collection.get(where=_where(scope), include=[])["ids"])
        found = []
        for batch in self._batches(_distinct(among)):
            # Not with `where`, too: Chroma then needs minutes for some thousand ids.
            got = collection.get(ids=batch, include=["metadatas"])
            owners = zip(got["ids"], got["metadatas"], strict=True)
            found += [one for one, owner in owners if scope.covers(_scope(owner))]
        return found

    def _load(self, collection: ChromaCollection, ids: list[str]) -> Window:
        window = Window(self._dimension)
        for batch in self._batches(ids):
            window.put(list(self._entries(collection, batch)))
        return window

    def _entries(self, collection: ChromaCollection, ids: list[str]) -> Iterator[VectorEntry]:
        for batch in self._batches(ids):
            got = collection.get(ids=batch, include=["embeddings", "metadatas"])
            rows = zip(got["ids"], got["embeddings"], got["metadatas"], strict=True)
            for one, vector, owner in rows:
                yield VectorEntry(one, np.asarray(vector, dtype=np.float32), _scope(owner))

    def _batches(self, things: list[Any]) -> Iterator[list[Any]]:
        """As much at a time as Chroma takes."""
        for start in range(0, len(things), self._batch):
            yield things[start : start + self._batch]


def _client(path: str) -> ClientAPI:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.errors import ChromaError

    settings = chromadb.Settings(
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
        _env_file=None,
    )
    try:
        return chromadb.PersistentClient(path=path, settings=settings)
    except ChromaError:
        # Chroma keeps what could not be started, and would hand it out for this path again.
        SharedSystemClient._identifier_to_system.pop(path, None)  # noqa: SLF001
        raise


def _write_graphs(path: str) -> None:
    """Move Chroma to write what its queues hold into its graphs; it has the folder closed then."""
    with _alone(path) as client:
        for collection in client.list_collections():
            _set_threshold(collection, _EAGER)
    with _alone(path) as client:  # a graph reads its threshold when it is opened
        for collection in client.list_collections():
            if collection.count() == 1:
                _write_alone(collection)
            for _ in range(_EAGER):
                collection.delete(ids=[NOBODY])
            _set_threshold(collection, _PATIENT)


def _set_threshold(collection: ChromaCollection, writes: int) -> None:
    with warnings.catch_warnings():
        # Chroma deprecates collections without an embedding function, such as all of ours.
        warnings.filterwarnings("ignore", "legacy embedding function", DeprecationWarning)
        collection.modify(configuration={"hnsw": {"sync_threshold": writes}})


def _write_alone(collection: ChromaCollection) -> None:
    """Have a neighbour put beside the only entry, and removed with the next NOBODY.

    The only slot of a graph is not written when its vector is replaced; with a link to another it
    is.
    """
    only = collection.get(include=["embeddings"])
    collection.upsert(ids=[NOBODY], embeddings=only["embeddings"], metadatas=[_MARK])


@contextmanager
def _alone(path: str) -> Iterator[ClientAPI]:
    from chromadb.api.shared_system_client import SharedSystemClient

    if path in SharedSystemClient._identifier_to_system:  # noqa: SLF001
        message = f"what was dropped is not erased: the vectors in {path} are in use elsewhere"
        raise BackendError(message, hint="close the other index, then purge again")
    client = _client(path)
    try:
        yield client
    finally:
        client.close()


def _query(
    collection: ChromaCollection,
    vector: NDArray[np.float32],
    count: int,
    filters: dict[str, Any],
) -> list[Near]:
    found = collection.query(
        query_embeddings=vector[np.newaxis], n_results=count, include=["distances"], **filters
    )
    pairs = zip(found["ids"][0], found["distances"][0], strict=True)
    nears = [Near(one, min(1.0, max(-1.0, 1.0 - distance))) for one, distance in pairs]
    return sorted(nears, key=lambda near: (-near.score, near.id))


def _where(scope: Scope) -> dict[str, Any] | None:
    conditions = [{field: value} for field, value in scope.named().items()]
    if len(conditions) > 1:
        return {"$and": conditions}
    return conditions[0] if conditions else None


def _scope(metadata: dict[str, Any]) -> Scope:
    return Scope.model_validate({field: metadata.get(field) for field in Scope.model_fields})


def _distinct(ids: Iterable[str]) -> list[str]:
    """Each id once; Chroma refuses duplicates, and the empty string, which none has."""
    return [one for one in dict.fromkeys(ids) if one]


def _legal(name: str) -> str:
    """A name that Chroma takes: letters, digits and hyphens, and different for every ``name``."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40]
    return f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:16]}".lstrip("-")
