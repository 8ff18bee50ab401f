"""How one gets at what lies in a store's folder: with which key, and where its blobs are."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from memos.config import (
    KV_PASSWORD_VARIABLE,
    Settings,
    key_from_environment,
    kv_password_from_environment,
)
from memos.errors import BadSetting, MissingKey, NotFound
from memos.life.shelves import Shelves
from memos.ports.grounds import refuse_backup
from memos.stores.backup import Source
from memos.stores.blobs_archive import ArchiveBlobs
from memos.stores.blobs_files import FileBlobs
from memos.stores.blobs_sealed import SealedBlobs
from memos.stores.blocks_files import BlockFiles
from memos.stores.blocks_redis import RedisBlocks
from memos.stores.engine_sqlite import open_engine, sqlcipher
from memos.stores.files import Files
from memos.stores.folder import Folder
from memos.stores.journal_sql import SqlJournal
from memos.stores.ledger_sql import SqlLedger
from memos.stores.master_key import key_of_environment, key_of_keyring
from memos.stores.schema import require_current
from memos.stores.seal import refuse_sealed, unlocked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos.stores.keys import Keys, MasterKey


def master_key(place: Path, settings: Settings) -> MasterKey | None:
    """The key of a store that is, or is to be, encrypted; before anything is touched."""
    source = settings.encryption.key_from
    if source == "none":
        refuse_sealed(place)
        return None
    if settings.vectors.backend not in {"auto", "exact"}:
        message = f"vectors.backend is {settings.vectors.backend!r}, which keeps vectors in clear"
        raise BadSetting(message, hint="an encrypted store takes exact: set vectors.backend=auto")
    sqlcipher()
    if source == "env":
        return key_of_environment(place, key_from_environment())
    return key_of_keyring(place)


@contextmanager
def beside(place: Path, settings: Settings) -> Iterator[tuple[SqlJournal, SqlLedger, Keys | None]]:
    """What a store has written down, without its lock: whoever has it goes on working."""
    if not Folder.holds_store(place):
        raise NotFound(f"there is no store in {place}", hint="memos init makes one")
    refuse_backup(place)
    master = master_key(place, settings)
    keys = None if master is None else unlocked(place, master)
    engine = open_engine(place / Folder.CATALOG, key=None if keys is None else keys.catalog)
    try:
        require_current(engine)
        journal = SqlJournal(engine, key=None if keys is None else keys.audit)
        yield journal, SqlLedger(engine), keys
    finally:
        engine.dispose()


def blobs_of(folder: Path, keys: Keys | None, *, owned: bool = True) -> FileBlobs | SealedBlobs:
    """The blobs in a folder; not ``owned``, where another process may be at work on them."""
    return FileBlobs(folder, owned=owned) if keys is None else _sealed(folder, keys, owned=owned)


def blocks_of(folder: Path, keys: Keys | None) -> BlockFiles:
    """The blocks of attention state in a folder."""
    return BlockFiles(folder, cipher_key=None if keys is None else keys.blocks)


def shared_of(settings: Settings) -> Callable[[], RedisBlocks] | None:
    """Connects to the server that the settings name for blocks; None where they name none.

    Raises:
        BadSetting: there is a password in its URL, or none where the settings say that one is.
    """
    url = settings.kv.shared
    if url is None:
        return None
    if "@" in url:
        message = "kv.shared holds a name or a password, which settings show to whoever asks"
        hint = f"put it into the variable {KV_PASSWORD_VARIABLE}, and kv.shared_key_from = env"
        raise BadSetting(message, hint=hint)
    password = None
    if settings.kv.shared_key_from == "env":
        password = kv_password_from_environment()
        if password is None:
            message = f"the variable {KV_PASSWORD_VARIABLE} is not set"
            raise MissingKey(message, hint="set it, or kv.shared_key_from = none")
    return partial(RedisBlocks, url, store="kv", password=password)


def archive_of(
    place: Path, settings: Settings, keys: Keys | None, *, owned: bool = True
) -> ArchiveBlobs | SealedBlobs:
    """The archive of the store in ``place``: beside its blobs, unless the settings say where."""
    named = settings.archive.folder
    folder = place / Folder.ARCHIVE if named is None else Path(named).expanduser().absolute()
    if keys is None:
        return ArchiveBlobs(folder, owned=owned)
    return _sealed(folder, keys, owned=owned)  # what is encrypted cannot be compressed any more


def _sealed(folder: Path, keys: Keys, *, owned: bool) -> SealedBlobs:
    files = Files(folder, owned=owned)
    return SealedBlobs(files, content_key=keys.blobs, name_key=keys.names)


def grounds_of(place: Path, settings: Settings) -> tuple[Path, ...]:
    """The folders of the store in ``place``: its own, and its archive, which may lie elsewhere."""
    named = settings.archive.folder
    return (place,) if named is None else (place, Path(named).expanduser().absolute())


def source_of(place: Path, settings: Settings, keys: Keys | None) -> Source:
    """The store in ``place`` for a backup, which lets everybody work on."""
    blobs = blobs_of(place / Folder.BLOBS, keys, owned=False)
    archive = archive_of(place, settings, keys, owned=False)
    return Source(
        place,
        key=None if keys is None else keys.catalog,
        blobs=Shelves(blobs, archive),
        open_blobs=partial(blobs_of, keys=keys),
    )
