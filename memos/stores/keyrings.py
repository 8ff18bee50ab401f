"""The keyring of the operating system, as a place for master keys."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from memos.errors import BackendError, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "agent-memos"
"""Keys lie under this service; the user name of each is the name in the store's seal."""


def find_key(name: str) -> str | None:
    """The text of the key of that name; None where there is none.

    Raises:
        MissingLibrary: the library ``keyring`` is not installed.
        BackendError: there is no keyring, or it does not open.
    """
    with _translated():
        import keyring

        return keyring.get_password(SERVICE, name)


def put_key(name: str, text: str) -> None:
    """Keep a key under that name."""
    with _translated():
        import keyring

        keyring.set_password(SERVICE, name, text)


def drop_key(name: str) -> None:
    """Remove the key of that name; removing what is absent is no error."""
    with _translated():
        import keyring
        from keyring.errors import PasswordDeleteError

        try:
            keyring.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return


@contextmanager
def _translated() -> Iterator[None]:
    try:
        from keyring.errors import KeyringError
    except ImportError as error:
        message = "the system's keyring needs a library that is not installed"
        raise MissingLibrary(message, hint="pip install 'agent-memos[keyring]'") from error
    try:
        yield
    except KeyringError as error:
        message = f"the system's keyring cannot be used: {error}"
        hint = (
            "unlock or install one, or set encryption.key_from=env and the variable AGENT_MEMOS_KEY"
        )
        raise BackendError(message, hint=hint) from error
