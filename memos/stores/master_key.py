"""Where the master key of a store is found, looked at before the store is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import MissingKey
from memos.stores.keyrings import find_key
from memos.stores.keys import MasterKey
from memos.stores.seal import require_sealed

if TYPE_CHECKING:
    from pathlib import Path


def key_of_environment(folder: Path, text: str | None) -> MasterKey:
    """The key in the environment, for the store in ``folder`` or one that is to be made there.

    Args:
        folder: the store's.
        text: what the environment variable holds; None where it is not set.

    Raises:
        MissingKey: it is not set.
        BadSetting: it holds no key, or the store is there and not encrypted.
        WrongKey: it holds the key of another store.
    """
    seal = require_sealed(folder)
    if text is None:
        message = "encryption.key_from is env, and the variable AGENT_MEMOS_KEY is not set"
        raise MissingKey(message, hint="set it to the store's key; memos key new prints a new one")
    master = MasterKey.read(text, where="what AGENT_MEMOS_KEY holds")
    if seal is not None:
        seal.opened(master, folder)
    return master


def key_of_keyring(folder: Path) -> MasterKey:
    """The key in the system's keyring, for the store in ``folder``.

    Raises:
        MissingKey: the keyring has none for it, or the folder has no seal that names one.
        BadSetting: the keyring has something else, or the store is there and not encrypted.
        WrongKey: it is the key of another store.
        MissingLibrary: the library that speaks to keyrings is not installed.
        BackendError: there is no keyring, or it does not open.
    """
    seal = require_sealed(folder)
    if seal is None:
        message = f"the keyring has no key for a store in {folder}"
        raise MissingKey(message, hint="memos key new --keyring makes one for it")
    text = find_key(seal.name)
    if text is None:
        message = f"the keyring has no key under the name {seal.name}, which opens {folder}"
        raise MissingKey(message, hint="is it the keyring of another user, or another machine?")
    master = MasterKey.read(text, where=f"what the keyring has under {seal.name}")
    seal.opened(master, folder)
    return master
