"""Builds a kernel from settings: the one place where backends are chosen."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from memos.config import EmbedderSettings, Settings, load
from memos.cube import EVERYBODY, ROOT, Principal
from memos.errors import BadInput, NotFound, NotSupported
from memos.governance.redaction import Redaction
from memos.governance.scope import narrowed
from memos.kernel import Kernel, Parts, Whose
from memos.kinds.drafts import checked_scope
from memos.life.deriving import Demands
from memos.plugins import available, find
from memos.ports.progress import Progress, silent
from memos.stores.blobs_files import FileBlobs
from memos.stores.blobs_memory import MemoryBlobs
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.clock_system import SystemClock
from memos.stores.engine_sqlite import open_engine
from memos.stores.folder import Folder
from memos.stores.graph_networkx import NetworkxGraph
from memos.stores.journal_sql import SqlJournal
from memos.stores.ledger_sql import SqlLedger
from memos.stores.schema import upgrade
from memos.stores.words_fts5 import Fts5Words

if TYPE_CHECKING:
    from memos.ports.embedder import Embedder
    from memos.ports.redactor import Redactor
    from memos.ports.runtime import Runtime
    from memos.ports.vectors import Vectors


class MemOS(Kernel):
    """A memory store and everything that can be done with it; open it with :meth:`open`."""

    @classmethod
    def open(  # noqa: PLR0913 - each of them is part of the contract
        cls,
        folder: str | Path | None = None,
        *,
        url: str | None = None,
        settings: Settings | None = None,
        embedder: str | None = None,
        runtime: str | None = None,
        create: bool = True,
        progress: Progress = silent,
        principal: Principal | str = ROOT,
        reason: str = "",
        **bound: Unpack[Whose],
    ) -> Self:
        """Open a store, and create or upgrade it where need be.

        Args:
            folder: where the store lies; None for one in memory, which is gone when it is closed.
            url: instead of a folder, a URL such as ``sqlite:////var/lib/memory`` of that folder.
            settings: instead of what files and environment say.
            embedder: an embedding backend or model, instead of the one in the settings.
            runtime: a language model, instead of the one in the settings.
            create: whether to make a store where there is none.
            progress: told when a model is converted for the first time.
            principal: who acts through this handle, such as ``user:alice``; by default the
                application itself, which may do everything.
            reason: the purpose, written into every row of the journal.
            bound: the scope of this handle; calls that name somebody else are refused.

        Raises:
            NotFound: there is no store, and ``create`` is False.
            StoreLocked: another process has the folder open.
            OtherVersion: a newer version of this library wrote the store.
            BadInput: the folder is something else, or both a folder and a URL were given.
            NotSupported: a URL of a database that is not built in.
        """
        chosen = _chosen(settings, embedder, runtime)
        scope = narrowed(EVERYBODY, checked_scope(**bound))
        who = principal if isinstance(principal, Principal) else Principal.read(principal)
        place = _place(folder, url)
        if place is None:
            return cls(_in_memory(chosen, progress), scope=scope, principal=who, reason=reason)
        if not create and not Folder.holds_store(place):
            raise NotFound(f"there is no store in {place}", hint="memos init makes one")
        home = Folder.open(place, lock_seconds=chosen.lock_seconds)
        try:
            return cls(
                _in_folder(home, chosen, progress),
                scope=scope,
                principal=who,
                reason=reason,
                folder=str(home.path),
            )
        except BaseException:
            home.release()
            raise


def _chosen(settings: Settings | None, embedder: str | None, runtime: str | None) -> Settings:
    chosen = settings if settings is not None else load().settings
    changes: dict[str, Any] = {}
    if embedder is not None:
        is_backend = embedder in available("embedder")
        named = {"backend": embedder} if is_backend else {"backend": "sentence", "model": embedder}
        changes["embedder"] = EmbedderSettings(**{**dict(chosen.embedder), **named})
    if runtime is not None:
        changes["runtime"] = chosen.runtime.model_copy(update={"model": runtime})
    return chosen.model_copy(update=changes)


def _place(folder: str | Path | None, url: str | None) -> Path | None:
    if url is None:
        return None if folder is None else Path(folder).expanduser().absolute()
    if folder is not None:
        raise BadInput(f"both folder {str(folder)!r} and url {url!r} are given", hint="give one")
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise BadInput(f"{url!r} is no URL", hint="such as sqlite:////var/lib/memory")
    if scheme != "sqlite":
        raise NotSupported(f"a catalog in {scheme} is not built", hint="use sqlite:///<folder>")
    return Path(rest.removeprefix("/")).expanduser().absolute() if rest.strip("/") else None


def _in_memory(settings: Settings, progress: Progress) -> Parts:
    engine = open_engine(None)
    upgrade(engine)
    catalog = SqlCatalog(engine)
    exact = find("vectors", "exact")
    return Parts(
        catalog=catalog,
        ledger=SqlLedger(engine),
        journal=SqlJournal(engine),
        blobs=MemoryBlobs(),
        words=Fts5Words(engine),
        graph=NetworkxGraph(catalog),
        embedder=_embedder(settings),
        runtime=_runtime(settings, progress),
        clock=SystemClock(),
        open_vectors=partial(_open_vectors, exact, None),
        demands=_demands(settings),
        redaction=_redaction(settings),
        audit_reads=settings.audit.reads,
    )


def _in_folder(home: Folder, settings: Settings, progress: Progress) -> Parts:
    backend = settings.vectors.backend
    vectors = find("vectors", backend)
    engine = open_engine(home.catalog)
    try:
        upgrade(engine)
        catalog = SqlCatalog(engine)
        return Parts(
            catalog=catalog,
            ledger=SqlLedger(engine),
            journal=SqlJournal(open_engine(home.catalog, patient=False)),
            blobs=FileBlobs(home.blobs),
            words=Fts5Words(engine),
            graph=NetworkxGraph(catalog),
            embedder=_embedder(settings),
            runtime=_runtime(settings, progress),
            clock=SystemClock(),
            open_vectors=partial(_open_vectors, vectors, home.vectors(backend)),
            demands=_demands(settings),
            redaction=_redaction(settings),
            audit_reads=settings.audit.reads,
            release=home.release,
        )
    except BaseException:
        engine.dispose()
        raise


def _open_vectors(backend: Any, path: Path | None, model: str, dimension: int) -> Vectors:
    vectors: Vectors = backend(path, collection=model, dimension=dimension)
    return vectors


def _embedder(settings: Settings) -> Embedder:
    backend = find("embedder", settings.embedder.backend)
    if settings.embedder.backend == "sentence":
        made: Embedder = backend(settings.embedder.model, batch=settings.embedder.batch)
    else:
        made = backend()
    return made


def _runtime(settings: Settings, progress: Progress) -> Runtime:
    chosen = settings.runtime
    runtime: Runtime = find("runtime", chosen.backend)(
        chosen.model,
        cache_folder=Path(settings.cache).expanduser() / "models",
        device=chosen.device,
        dtype=chosen.dtype,
        progress=progress,
    )
    return runtime


def _redaction(settings: Settings) -> Redaction:
    chosen = settings.redaction

    def make() -> Redactor:
        backend = find("redactor", chosen.backend)
        known = {"regions": chosen.regions} if chosen.backend == "detectors" else {}
        redactor: Redactor = backend(**known)
        return redactor

    return Redaction(make, chosen.levels)


def _demands(settings: Settings) -> Demands:
    training = settings.training
    return Demands(training.required_recall, training.allowed_drift, training.seed, training.steps)
