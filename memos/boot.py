"""Builds a kernel from settings: the one place where backends are chosen."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from memos.assisting import open_steps, require_steps
from memos.chosen import embedder_of, kv_of, redaction_of, runtime_of, schooling_of
from memos.config import EmbedderSettings, Settings, load
from memos.cube import EVERYBODY, ROOT, Principal
from memos.errors import BadInput, Forbidden, NotFound, NotSupported, UnknownCube
from memos.governance.scope import narrowed
from memos.kernel import Kernel, Parts, Whose
from memos.kinds.drafts import checked_reason, checked_scope
from memos.life.report import Restored
from memos.opening import (
    archive_of,
    beside,
    blobs_of,
    blocks_of,
    grounds_of,
    master_key,
    shared_of,
    source_of,
)
from memos.plugins import available, find
from memos.ports.grounds import require_outside
from memos.ports.journal import Audit
from memos.ports.progress import Progress, silent
from memos.retrieval.scratch import Scratch
from memos.stores.backup import take, unpack
from memos.stores.blobs_memory import MemoryBlobs
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.clock_system import SystemClock
from memos.stores.engine_sqlite import open_engine
from memos.stores.folder import Folder
from memos.stores.graph_networkx import NetworkxGraph
from memos.stores.imprints_sql import SqlImprints
from memos.stores.journal_sql import SqlJournal
from memos.stores.ledger_sql import SqlLedger
from memos.stores.outlines_sql import SqlOutlines
from memos.stores.quarantine_folder import QuarantineFolder
from memos.stores.repairs_sql import SqlRepairs
from memos.stores.schema import upgrade
from memos.stores.seal import unlocked
from memos.stores.traces_files import FileTraces
from memos.stores.traces_memory import MemoryTraces
from memos.stores.words_postings import PostingWords

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.ports.backup import Manifest
    from memos.ports.embedder import Embedder
    from memos.ports.vectors import Vectors
    from memos.stores.keys import MasterKey


class MemOS(Kernel):
    """A memory store and everything that can be done with it; open it with :meth:`open`."""

    @classmethod
    def open(  # noqa: PLR0913 - each of them is part of the contract
        cls,
        folder: str | Path | None = None,
        *,
        url: str | None = None,
        settings: Settings | None = None,
        embedder: str | Embedder | None = None,
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
            embedder: an embedding backend or model, instead of the one in the settings; or an
                embedder that is made already, which several stores may share.
            runtime: a language model, instead of the one in the settings.
            create: whether to make a store where there is none, as only the application may.
            progress: told when a model is converted for the first time.
            principal: who acts through this handle, such as ``user:alice``; by default the
                application itself, which may do everything.
            reason: the purpose, written into every row of the journal.
            bound: the scope of this handle; calls that name somebody else are refused.

        Raises:
            NotFound: there is no store, and ``create`` is False.
            Forbidden: there is none, and it is not the application that would make it.
            StoreLocked: another process has the folder open.
            OtherVersion: a newer version of this library wrote the store.
            CorruptionError: the database itself cannot be read; restore a backup.
            BadInput: the folder is something else, or both a folder and a URL were given.
            NotSupported: a URL of a database that is not built in.
            MissingKey: the store is encrypted, or is to be, and there is no key.
            WrongKey: another key encrypted the store.
            MissingModel: the settings name a step that needs a language model, and no model.
        """
        named = embedder if isinstance(embedder, str) else None
        made = None if isinstance(embedder, str) else embedder
        chosen = _chosen(settings, named, runtime)
        require_steps(chosen)
        scope = narrowed(EVERYBODY, checked_scope(**bound))
        who = Principal.read(principal)
        why = checked_reason(reason)
        place = _place(folder, url)
        if place is None:
            return cls(_in_memory(chosen, progress, made), scope=scope, principal=who, reason=why)
        if not Folder.holds_store(place):
            _require_making(place, who, create=create)
        master = master_key(place, chosen)
        home = Folder.open(place, lock_seconds=chosen.lock_seconds)
        try:
            return cls(
                _in_folder(home, chosen, master, progress, embedder=made),
                scope=scope,
                principal=who,
                reason=why,
                folder=str(home.path),
            )
        except BaseException:
            home.release(clean=not home.crashed)
            raise

    @classmethod
    def backup_folder(
        cls,
        folder: str | Path,
        target: str | Path,
        *,
        settings: Settings | None = None,
        reason: str = "",
        progress: Progress = silent,
    ) -> Manifest:
        """Write a backup of a store that another process may have open; see :meth:`backup`.

        Raises:
            NotFound: there is no store.
            BadInput: the folder is a backup, or ``target`` lies in a store or a backup.
            Conflict: there is something at ``target``.
            CorruptionError: the store is damaged; check it first.
            OtherVersion: the store has another schema; open it once with this version.
        """
        chosen = _chosen(settings, None, None)
        place, into = (Path(each).expanduser().absolute() for each in (folder, target))
        with beside(place, chosen) as (journal, _, keys):
            require_outside(into, grounds_of(place, chosen))
            at, why = SystemClock().now(), checked_reason(reason)
            journal.append(Audit(at, str(ROOT), "backup", EVERYBODY, (), reason=why, basis="root"))
            source = source_of(place, chosen, keys)
            return take(source, into, at, progress)

    @classmethod
    def restore_backup(
        cls,
        backup: str | Path,
        folder: str | Path,
        *,
        settings: Settings | None = None,
        forget_since: str | Path | None = None,
        progress: Progress = silent,
    ) -> Restored:
        """Make a store of a backup: verify every file, copy, index anew, and check.

        Args:
            backup: a folder that :meth:`backup` wrote.
            folder: where the store goes; it must not exist, or be empty.
            settings: instead of what files and environment say.
            forget_since: a store that lived on after the backup: what it has forgotten is
                forgotten in the restored one as well.
            progress: told of indexing and checking.

        Raises:
            BadInput: there is no backup, or the folder lies in it, in another or in a store.
            Conflict: the folder is not empty.
            CorruptionError: the backup is damaged; nothing is left behind.
        """
        chosen = _chosen(settings, None, None)
        source, place = (Path(each).expanduser().absolute() for each in (backup, folder))
        require_outside(place, (source, *grounds_of(place, chosen)[1:]))
        gone = [] if forget_since is None else _forgotten(Path(forget_since), chosen)
        manifest = unpack(source, place)
        try:
            with cls.open(place, settings=chosen, create=False, progress=progress) as mem:
                mem.reindex(progress=progress)
                forgotten = _forget_again(mem, gone)
                report = mem.check(progress=progress)
                cubes = sum(mem.stats().cubes.values())
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return Restored(
            folder=str(place),
            made_at=manifest.made_at,
            cubes=cubes,
            forgotten=forgotten,
            check=report,
        )


def _forgotten(place: Path, settings: Settings) -> list[str]:
    with beside(place.expanduser().absolute(), settings) as (_, ledger, _keys):
        return [one.cube_id for one in ledger.tombstones()]


def _forget_again(mem: MemOS, ids: Sequence[str]) -> tuple[str, ...]:
    forgotten = []
    for cube_id in ids:
        try:
            mem.delete(cube_id)
        except UnknownCube:
            continue
        forgotten.append(cube_id)
    return tuple(forgotten)


def _chosen(settings: Settings | None, embedder: str | None, runtime: str | None) -> Settings:
    chosen = settings if settings is not None else load().settings
    changes: dict[str, Any] = {}
    if embedder is not None:
        is_backend = embedder in available("embedder")
        named = {"backend": embedder} if is_backend else {"backend": "auto", "model": embedder}
        changes["embedder"] = EmbedderSettings(**{**dict(chosen.embedder), **named})
    if runtime is not None:
        changes["runtime"] = chosen.runtime.model_copy(update={"model": runtime})
    return chosen.model_copy(update=changes)


def _require_making(place: Path, who: Principal, *, create: bool) -> None:
    if not create:
        raise NotFound(f"there is no store in {place}", hint="memos init makes one")
    if who != ROOT:
        message = f"there is no store in {place}, and {who} may not make one"
        raise Forbidden(message, hint="memos init makes one, without --as")


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


def _in_memory(settings: Settings, progress: Progress, embedder: Embedder | None = None) -> Parts:
    engine = open_engine(None)
    upgrade(engine)
    catalog = SqlCatalog(engine)
    kv = kv_of(settings, shared=shared_of(settings))
    exact = find("vectors", "exact")
    return Parts(
        catalog=catalog,
        ledger=SqlLedger(engine),
        journal=SqlJournal(engine),
        repairs=SqlRepairs(engine),
        blobs=MemoryBlobs(),
        archive=MemoryBlobs(),
        words=PostingWords(engine),
        imprints=SqlImprints(engine),
        graph=NetworkxGraph(catalog),
        outlines=SqlOutlines(engine),
        embedder=embedder or embedder_of(settings),
        runtime=runtime_of(settings, kv, progress),
        kv=kv,
        clock=SystemClock(),
        open_vectors=partial(_open_vectors, exact, None),
        open_scratch=open_scratch,
        schooling=schooling_of(settings),
        traces=MemoryTraces(),
        redaction=redaction_of(settings),
        open_steps=partial(open_steps, settings),
        audit_reads=settings.audit.reads,
        supersede=settings.supersede,
    )


def _in_folder(
    home: Folder,
    settings: Settings,
    master: MasterKey | None,
    progress: Progress,
    *,
    embedder: Embedder | None,
) -> Parts:
    backend = settings.vectors.backend
    if backend == "auto":
        backend = "chroma" if master is None else "exact"
    vectors = find("vectors", backend)
    keys = None if master is None else unlocked(home.path, master)
    page_key, seal_key = (None, None) if keys is None else (keys.catalog, keys.audit)
    engine = open_engine(home.catalog, key=page_key)
    try:
        upgrade(engine)
        catalog = SqlCatalog(engine, key=seal_key)
        # Last: a folder in which nothing but these lies would be no store, and not empty.
        blobs, archive = blobs_of(home.blobs, keys), archive_of(home.path, settings, keys)
        kv = kv_of(settings, partial(blocks_of, home.kv, keys), home.kv.is_dir, shared_of(settings))
        return Parts(
            catalog=catalog,
            ledger=SqlLedger(engine),
            journal=SqlJournal(engine, key=seal_key),
            repairs=SqlRepairs(engine, key=seal_key),
            blobs=blobs,
            archive=archive,
            aside=QuarantineFolder(
                home.quarantine,
                blobs={"disk": blobs.path, "archive": archive.path},
                vectors=home.vectors(backend),
            ),
            grounds=grounds_of(home.path, settings),
            crashed=home.crashed,
            back_up=partial(take, source_of(home.path, settings, keys)),
            words=PostingWords(engine),
            imprints=SqlImprints(engine),
            graph=NetworkxGraph(catalog),
            outlines=SqlOutlines(engine),
            embedder=embedder or embedder_of(settings),
            runtime=runtime_of(settings, kv, progress),
            kv=kv,
            clock=SystemClock(),
            open_vectors=partial(
                _open_vectors,
                vectors if keys is None else partial(vectors, key=keys.vectors),
                home.vectors(backend),
            ),
            open_scratch=open_scratch,
            schooling=schooling_of(settings),
            traces=FileTraces(home.path, sealed=keys is not None),
            redaction=redaction_of(settings),
            open_steps=partial(open_steps, settings, grounds=grounds_of(home.path, settings)),
            audit_reads=settings.audit.reads,
            supersede=settings.supersede,
            privacy=home,
            release=home.release,
        )
    except BaseException:
        engine.dispose()
        raise


def _open_vectors(backend: Any, path: Path | None, model: str, dimension: int) -> Vectors:
    vectors: Vectors = backend(path, collection=model, dimension=dimension)
    return vectors


@contextmanager
def open_scratch(dimension: int) -> Iterator[Scratch]:
    """Indexes in memory for one search, for vectors of that dimension."""
    vectors = _open_vectors(find("vectors", "exact"), None, "scratch", dimension)
    engine = open_engine(None)
    try:
        yield Scratch(PostingWords(engine), vectors)
    finally:
        engine.dispose()
        vectors.close()
