"""A store's copy in a folder of its own, taken while the store is in use.

<backup>/
  manifest.json   what there is, with the SHA-256 of every file
  catalog.db      the truth, as of one moment; with the words, for they lie in it
  sealed.json     only of an encrypted store
  blobs/          every blob that the catalog refers to, wherever it lay

Vectors are left out: they are made anew from the texts. So is what trainings under way have
reached, which is soon replaced: where the store is restored they are owed, and begin anew. A backup
is written under another name and renamed when it is whole; a store is restored likewise.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import delete, select

from memos.cube.identity import digest_of
from memos.errors import BackendError, BadInput, Conflict, CorruptionError, shown
from memos.ports.backup import BackedUp, Manifest
from memos.ports.grounds import MANIFEST
from memos.ports.progress import Progress, silent
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import make, open_engine
from memos.stores.errors_sqlite import reading
from memos.stores.folder import Folder
from memos.stores.modes import tighten
from memos.stores.schema import revision
from memos.stores.tables import notes, places
from memos.stores.training_rows import start_over
from memos.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from memos.ports.blobs import Blobs

FORMAT = 1
_BLOBS = "blobs"
_NAMES = re.compile(rf"catalog\.db|sealed\.json|{_BLOBS}/[0-9a-f]{{2}}/[0-9a-f]{{64}}")
_TRIES = 5
_MODE = 0o700


class _VanishedError(Exception):
    """A blob went while its backup was being taken: its cube was forgotten."""


@dataclass(frozen=True, slots=True)
class Source:
    """A store that is to be copied; another process may be at work on it."""

    store: Path
    key: bytes | None
    """What the catalog is encrypted with."""
    blobs: Blobs
    """Wherever they lie."""
    open_blobs: Callable[[Path], Blobs]
    """Opens blobs in a folder of the backup."""


def take(source: Source, target: Path, at: datetime, progress: Progress = silent) -> Manifest:
    """Write a backup to ``target``, which must not exist; others may write to the store meanwhile.

    Raises:
        Conflict: there is something at ``target``.
        CorruptionError: the store is damaged; nothing was written.
        BackendError: it cannot be written, or the store changes faster than it can be copied.
    """
    if _is_there(target):
        raise Conflict(f"{target} is there already", hint="a backup goes into a folder of its own")
    for _ in range(_TRIES):
        try:
            with _staged(target, ".partial") as partial:
                return _written(source, partial, at, progress)
        except _VanishedError:
            continue  # the catalog of this moment is no more what the blobs are: begin anew
    message = f"blobs of {source.store} went while they were being copied, {_TRIES} times"
    raise BackendError(message, hint="try again when less is being forgotten")


def verified(backup: Path) -> Manifest:
    """The manifest of a backup of which every file is what was written.

    Raises:
        BadInput: there is no backup, or one of another format.
        CorruptionError: a file is missing, or another than was written.
    """
    manifest = _manifest(backup)
    for name, told in manifest.files.items():
        _content(backup, name, told)
    return manifest


def unpack(backup: Path, folder: Path) -> Manifest:
    """Make a store of a backup, after every file of it was verified.

    Raises:
        BadInput: there is no backup, or one of another format.
        Conflict: the folder is there, and not empty.
        CorruptionError: the backup is damaged; nothing was written.
        BackendError: the folder cannot be written.
    """
    if _is_there(folder, unless_empty=True):
        raise Conflict(f"{folder} is there already", hint="restore into a new or an empty folder")
    manifest = verified(backup)
    with _staged(folder, ".restoring") as partial:
        for name, told in manifest.files.items():
            _write(partial / name, _content(backup, name, told))
    return manifest


def _is_there(path: Path, *, unless_empty: bool = False) -> bool:
    try:
        if unless_empty and path.is_dir():
            return any(path.iterdir())
        return path.exists()
    except OSError as error:
        message = f"{path} cannot be looked at: {error.strerror}"
        raise BackendError(message, hint="choose another place") from error


def _written(source: Source, partial: Path, at: datetime, progress: Progress) -> Manifest:
    store, key = source.store, source.key
    _copy_catalog(store / Folder.CATALOG, partial / Folder.CATALOG, key)
    if (store / Folder.SEAL).exists():
        _write(partial / Folder.SEAL, (store / Folder.SEAL).read_bytes())
    engine = open_engine(partial / Folder.CATALOG, key=key)
    try:
        told = _told(engine)
        digests = sorted(SqlCatalog(engine).blobs())
    finally:
        engine.dispose()
    kept = source.open_blobs(partial / _BLOBS)
    for number, digest in enumerate(digests, start=1):
        kept.put(_fetched(source.blobs, digest))
        progress("copying blobs", number, len(digests))
    manifest = Manifest(
        format=FORMAT,
        code=f"agent-memos {VERSION}",
        made_at=at,
        blobs=len(digests),
        files=_listed(partial),
        **told,
    )
    _write(partial / MANIFEST, manifest.model_dump_json(indent=1).encode())
    return manifest


def _copy_catalog(source: Path, target: Path, key: bytes | None) -> None:
    """The database as of one moment, in one step: whoever writes meanwhile is not kept waiting."""
    make(target)
    there, here = open_engine(source, key=key), open_engine(target, key=key)
    try:
        with (
            closing(there.raw_connection()) as old,
            closing(here.raw_connection()) as new,
            reading(str(source)),
        ):
            old.driver_connection.backup(new.driver_connection)  # type: ignore[union-attr]
    finally:
        there.dispose()
        here.dispose()


def _told(engine: Engine) -> dict[str, str | int]:
    """What the manifest says of the catalog, which is found sound, and made to stand alone."""
    catalog = SqlCatalog(engine)
    if wrong := catalog.problems():
        message = f"the store is damaged: {wrong[0]}"
        raise CorruptionError(message, hint="memos check --repair, then take the backup")
    counts = catalog.counts()
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(delete(places))  # here they all lie in one place
        start_over(connection)
        head = connection.execute(select(notes.c.value).where(notes.c.name == "audit-head"))
        return {
            "schema_revision": revision(connection) or "",
            "cubes": sum(counts.cubes.values()),
            "versions": counts.versions,
            "audit_head": str(head.scalar() or ""),
        }


def _fetched(blobs: Blobs, digest: str) -> bytes:
    try:
        return blobs.get(digest)
    except CorruptionError:
        if blobs.size_bytes(digest) is None:
            raise _VanishedError(digest) from None
        raise


def _listed(folder: Path) -> dict[str, BackedUp]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            found[name] = BackedUp(digest=digest_of(content), size_bytes=len(content))
    return found


def _manifest(backup: Path) -> Manifest:
    path = backup / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"{backup} is no backup", hint="memos backup makes one") from error
    except OSError as error:
        raise BackendError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        message = f"{path} is not what was written: {error.errors()[0]['msg']}"
        raise CorruptionError(message, hint="use another backup") from error
    if manifest.format != FORMAT:
        message = f"{backup} has backup format {manifest.format}"
        raise BadInput(message, hint=f"this version reads {FORMAT}")
    odd = [name for name in manifest.files if not _NAMES.fullmatch(name)]
    if odd or Folder.CATALOG not in manifest.files:
        message = f"{path} names {shown(odd[0], 80)}" if odd else f"{path} names no catalog"
        raise CorruptionError(message, hint="use another backup")
    return manifest


def _content(backup: Path, name: str, told: BackedUp) -> bytes:
    path = backup / name
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise CorruptionError(f"{path} is missing", hint="use another backup") from error
    except OSError as error:
        raise BackendError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) != told.size_bytes or digest_of(content) != told.digest:
        raise CorruptionError(f"{path} is not what was written", hint="use another backup")
    return content


@contextmanager
def _staged(target: Path, ending: str) -> Iterator[Path]:
    """A folder beside ``target`` that takes its name when all is well, and goes if not."""
    partial = target.with_name(f".{target.name}{ending}")
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of somebody who died at it
        partial.mkdir(mode=_MODE, parents=True)
        yield partial
        tighten(partial)
        if target.is_dir():
            target.rmdir()
        partial.rename(target)
        _force(target.parent)
    except OSError as error:
        message = f"{target} cannot be written: {error}"
        raise BackendError(message, hint="choose another place, or make room") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _force(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
