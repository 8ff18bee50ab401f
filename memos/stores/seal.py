"""What makes a store an encrypted one: the file ``sealed.json`` in its folder.

    format    1
    name      random; the name of the master key in a keyring
    salt      random
    wrapped   the store's data key under AES-256-GCM: nonce, 32 bytes, tag
    digest    SHA-256 of the above: tells damage from a wrong key

The key of ``wrapped`` is derived from the master key and the salt. So another master key needs
another seal and nothing else, and the file is replaced whole. Without it, no key opens the store.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from memos.cube.frozen import Frozen
from memos.cube.identity import canonical, digest_of
from memos.errors import (
    BackendError,
    BadSetting,
    CorruptionError,
    MissingKey,
    OtherVersion,
    WrongKey,
)
from memos.stores.folder import Folder
from memos.stores.keys import SIZE, Keys, MasterKey, derived

if TYPE_CHECKING:
    from pathlib import Path

_NONCE = 12
_PLAIN = b"SQLite format 3\0"
_LOST = "restore sealed.json from a copy: without it, no key opens the store"


class Seal(Frozen):
    """The data key of a store, for who has the master key."""

    format: Literal[1] = 1
    name: str = Field(pattern="^[0-9a-f]{32}$")
    salt: str = Field(pattern="^[0-9a-f]{64}$")
    wrapped: str = Field(pattern="^[0-9a-f]{120}$")

    @classmethod
    def locked(cls, data_key: bytes, master: MasterKey, *, name: str | None = None) -> Seal:
        """A seal that ``master`` opens; its name is a new one unless it is given."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name = secrets.token_hex(16) if name is None else name
        salt, nonce = secrets.token_bytes(SIZE), secrets.token_bytes(_NONCE)
        locking = AESGCM(derived(master.content, "wrap", salt))
        wrapped = nonce + locking.encrypt(nonce, data_key, name.encode())
        return cls(name=name, salt=salt.hex(), wrapped=wrapped.hex())

    def opened(self, master: MasterKey, folder: Path) -> bytes:
        """The data key of the store in ``folder``.

        Raises:
            WrongKey: another master key locked it.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        wrapped = bytes.fromhex(self.wrapped)
        locking = AESGCM(derived(master.content, "wrap", bytes.fromhex(self.salt)))
        try:
            return locking.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], self.name.encode())
        except InvalidTag:
            message = f"the key is not that of the store in {folder}"
            raise WrongKey(
                message, hint="nothing was changed; look for the store's own key"
            ) from None


def find_seal(folder: Path) -> Seal | None:
    """The seal of the store in ``folder``; None where the store is not encrypted, or not there.

    Raises:
        CorruptionError: the seal is damaged, or it is gone and the catalog is encrypted.
    """
    path = _path(folder)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        _require_plain(folder)
        return None
    except OSError as error:
        raise BackendError(f"{path} cannot be read: {error.strerror}") from error
    return _parsed(content, path)


def require_sealed(folder: Path) -> Seal | None:
    """The seal of a store that is to be encrypted; None where there is no store yet.

    Raises:
        BadSetting: there is a store, and it is not encrypted.
    """
    seal = find_seal(folder)
    if seal is None and Folder.holds_store(folder):
        message = f"the store in {folder} is not encrypted, and cannot be where it is"
        hint = (
            "open it with encryption.key_from=none; to encrypt it, memos export from it,"
            " memos init --encrypt elsewhere, and memos import there"
        )
        raise BadSetting(message, hint=hint)
    return seal


def refuse_sealed(folder: Path) -> None:
    """Refuse a store that is encrypted, where no key is configured.

    Raises:
        MissingKey: it is.
    """
    if find_seal(folder) is not None:
        message = f"the store in {folder} is encrypted, and no key is configured"
        raise MissingKey(message, hint="set encryption.key_from to env or keyring")


def unlocked(folder: Path, master: MasterKey) -> Keys:
    """The keys of the store in a folder that we have locked; a new store is sealed first.

    Raises:
        WrongKey: ``master`` does not open it.
        BadSetting: there is a store, and it is not encrypted.
    """
    seal = require_sealed(folder)
    if seal is None:
        seal = Seal.locked(secrets.token_bytes(SIZE), master)
        write_seal(folder, seal)
    return Keys.of(seal.opened(master, folder))


def write_seal(folder: Path, seal: Seal) -> None:
    """Put a seal in the place of the one that is there: durably, whole or not at all."""
    fields = seal.model_dump()
    content = json.dumps({**fields, "digest": digest_of(canonical(fields))}, indent=1)
    unfinished = folder / Folder.UNFINISHED_SEAL
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(_path(folder))
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(directory)
        os.close(directory)
    except OSError as error:
        message = f"the seal in {folder} cannot be written: {error.strerror}"
        raise BackendError(message, hint="look at the folder's rights and space") from error


def _parsed(content: bytes, path: Path) -> Seal:
    try:
        fields = dict(json.loads(content))
        whole = fields.pop("digest") == digest_of(canonical(fields))
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptionError(f"{path} is no seal", hint=_LOST) from error
    if not whole:
        raise CorruptionError(f"{path} is not what was written", hint=_LOST)
    try:
        return Seal.model_validate(fields)
    except ValidationError as error:
        message = f"{path} has format {fields.get('format')!r:.20}, this version knows 1"
        raise OtherVersion(message, hint="upgrade agent-memos; nothing was changed") from error


def _path(folder: Path) -> Path:
    return folder / Folder.SEAL


def _require_plain(folder: Path) -> None:
    """Refuse a catalog that is encrypted, which looks like noise, where there is no seal."""
    catalog = folder / Folder.CATALOG
    try:
        with catalog.open("rb") as file:
            start = file.read(len(_PLAIN))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise BackendError(f"{catalog} cannot be read: {error.strerror}") from error
    if start and start != _PLAIN:
        message = f"{catalog} is no database, and {Folder.SEAL} is not there to decrypt it"
        raise CorruptionError(message, hint="restore the folder from a copy")
