"""A handle on a store: bound to a scope, wired to its parts, open until it is closed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from memos.cube import EVERYBODY, Kind, MemCube, Scope
from memos.cube.identity import Identities, is_cube_id
from memos.errors import BadInput, StoreClosed
from memos.governance.scope import narrowed, seen
from memos.kinds.answering import Answerer
from memos.kinds.drafts import checked_scope
from memos.life.bundles import Bundles
from memos.life.currency import Currency
from memos.life.deriving import Deriver
from memos.life.forgetting import Forgetter
from memos.life.index import Index
from memos.life.writing import Writer
from memos.retrieval.finding import Finder

if TYPE_CHECKING:
    from types import TracebackType

    from memos.kernel.parts import Parts


class Whose(TypedDict, total=False):
    """The ids that every call takes; one that is left out, or None, says nothing."""

    user_id: str | None
    agent_id: str | None
    session_id: str | None


class Handle:
    """What all system calls share."""

    def __init__(
        self, parts: Parts, *, scope: Scope = EVERYBODY, folder: str | None = None
    ) -> None:
        self._parts = parts
        self._scope = scope
        self._folder = folder
        self._lock = threading.RLock()
        self._open = True
        catalog, blobs, clock = parts.catalog, parts.blobs, parts.clock
        identities = Identities()
        self._index = Index(
            catalog=catalog,
            blobs=blobs,
            words=parts.words,
            embedder=parts.embedder,
            open_vectors=parts.open_vectors,
        )
        self._writer = Writer(
            catalog=catalog, index=self._index, clock=clock, identities=identities
        )
        self._forgetter = Forgetter(
            catalog=catalog, graph=parts.graph, index=self._index, clock=clock
        )
        self._deriver = Deriver(
            catalog=catalog,
            blobs=blobs,
            runtime=parts.runtime,
            clock=clock,
            identities=identities,
            demands=parts.demands,
        )
        self._finder = Finder(catalog=catalog, words=parts.words, embedder=parts.embedder)
        self._currency = Currency(catalog=catalog, graph=parts.graph)
        self._answerer = Answerer(runtime=parts.runtime, blobs=blobs)
        self._bundles = Bundles(catalog=catalog, blobs=blobs, index=self._index, clock=clock)
        self._index.drain()

    def close(self) -> None:
        """Let go of the store; closing twice is no error."""
        with self._lock:
            if self._open:
                self._open = False
                self._index.close()
                self._parts.catalog.close()
                self._parts.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _within(self, **whose: Unpack[Whose]) -> Scope:
        if not self._open:
            raise StoreClosed("the store is closed", hint="open it again with MemOS.open()")
        return narrowed(self._scope, checked_scope(**whose))

    def _seen(self, cube_id: str, scope: Scope) -> MemCube:
        require_id(cube_id)
        return seen(self._parts.catalog.find(cube_id), cube_id, scope)


def require_id(cube_id: object) -> None:
    """Refuse what cannot be a cube's id.

    Raises:
        BadInput: it is no UUID.
    """
    if not isinstance(cube_id, str) or not is_cube_id(cube_id):
        raise BadInput(f"{cube_id!r:.60} is no cube's id", hint="ids are UUIDs: memos ls")


def read_kind(name: object) -> Kind:
    """The kind of that name.

    Raises:
        BadInput: there is none.
    """
    try:
        return Kind(str(name))
    except ValueError as error:
        raise BadInput(
            f"there is no kind {name!r}", hint=f"there are: {', '.join(Kind)}"
        ) from error


def require_count(value: object, what: str, *, largest: int | None = None) -> None:
    """Refuse what is no positive number of things.

    Raises:
        BadInput: it is no whole number, or out of range.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not isinstance(value, int) or value < 1:
        raise BadInput(f"{what} is {value!r}", hint="ask for at least 1")
    if largest is not None and value > largest:
        raise BadInput(f"{what} is {value}", hint=f"ask for at most {largest}")
