"""How a store comes to a key in the keyring, and how it gets another master key.

The data key stays the same, so nothing but the seal is written anew, whole or not at all. At every
moment the key that the seal asks for is where somebody can find it: a new one is kept before the
seal changes, an old one is dropped after that. A crash leaves an entry too many in the keyring.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memos.errors import BackendError, Conflict, MemosError, NotFound
from memos.stores.folder import Folder
from memos.stores.keyrings import drop_key, put_key
from memos.stores.keys import SIZE
from memos.stores.seal import Seal, require_sealed, write_seal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.stores.keys import MasterKey


def begin_in_keyring(folder: Path, master: MasterKey, *, lock_seconds: float) -> None:
    """Seal a folder where no store is yet, with a key in the keyring.

    Raises:
        Conflict: the store has a key already.
        BadSetting: there is a store, and it is not encrypted.
        StoreLocked: another process has the folder open.
        MissingLibrary: the library that speaks to keyrings is not installed.
        BackendError: there is no keyring, or it does not open.
    """
    _require_keyless(folder)
    seal = Seal.locked(secrets.token_bytes(SIZE), master)
    put_key(seal.name, master.text)
    try:
        with locked(folder, lock_seconds=lock_seconds):
            _require_keyless(folder)
            write_seal(folder, seal)
    except MemosError:
        drop_key(seal.name)
        raise


def rotate(folder: Path, old: MasterKey, new: MasterKey, *, in_keyring: bool) -> None:
    """Make ``new`` the master key of a store that we have locked.

    Whoever calls this without ``in_keyring`` has shown the new key to somebody before.

    Raises:
        NotFound: there is no encrypted store.
        WrongKey: ``old`` does not open it; nothing was changed.
        MissingLibrary: the library that speaks to keyrings is not installed.
        BackendError: the seal cannot be written, or the keyring cannot be used.
    """
    seal = require_sealed(folder)
    if seal is None:
        raise NotFound(f"there is no store in {folder}", hint="memos init --encrypt makes one")
    data_key = seal.opened(old, folder)
    if not in_keyring:
        write_seal(folder, Seal.locked(data_key, new, name=seal.name))
        return
    fresh = Seal.locked(data_key, new)
    put_key(fresh.name, new.text)
    write_seal(folder, fresh)
    drop_key(seal.name)


def keep_in_file(master: MasterKey, path: Path) -> None:
    """Write a key to a new file, which only its owner may read; it is there when this returns.

    Raises:
        BackendError: the file cannot be written, or is there already.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{master.text}\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        message = f"cannot write the key to {path}: {error.strerror}"
        raise BackendError(message, hint="a key is never replaced: name a new file") from error


@contextmanager
def locked(folder: Path, *, lock_seconds: float) -> Iterator[None]:
    """Nobody else has the store open meanwhile.

    Raises:
        StoreLocked: another process has it.
    """
    home = Folder.open(folder, lock_seconds=lock_seconds)
    try:
        yield
    finally:
        home.release()


def _require_keyless(folder: Path) -> None:
    if require_sealed(folder) is not None:
        message = f"the store in {folder} has a key already"
        raise Conflict(message, hint="memos key rotate gives it another")
