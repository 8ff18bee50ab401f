"""Ed25519 signatures: who made a bundle. The one file that knows the library."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from memos.errors import BackendError, BadInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LONGEST = 16 << 10
"""Bytes of a key file; a key has some hundred."""

_PRIME = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
"""How many points the group of honest keys has (RFC 8032, 5.1)."""
_EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL = frozenset({0, 1, _PRIME - 1, _EIGHTH, _PRIME - _EIGHTH})
"""The y of the eight points of small order: as a key, anybody can sign for them."""


class SigningKey:
    """A private key; whoever has it can sign in its owner's name."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def new(cls) -> Self:
        """A key that nobody else has."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The key in a file, as PEM (PKCS #8).

        Raises:
            BadInput: there is no such file, or no Ed25519 key without a password in it.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        hint = "memos signing-key new makes one"
        try:
            with Path(path).open("rb") as file:
                content = file.read(_LONGEST)
            private = load_pem_private_key(content, password=None)
        except OSError as error:
            raise BadInput(f"cannot read the key {path}: {error.strerror}", hint=hint) from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            message = f"{path} is no private key in PEM without a password"
            raise BadInput(message, hint=hint) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise BadInput(f"the key in {path} is not one of Ed25519", hint=hint)
        return cls(private)

    def write(self, path: str | Path) -> None:
        """Write the key to a new file, which only its owner may read.

        Raises:
            BackendError: the file cannot be written, or is there already.
        """
        from cryptography.hazmat.primitives import serialization

        content = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = f"cannot write the key {path}: {error.strerror}"
            raise BackendError(message, hint="a key is never replaced: name a new file") from error

    @property
    def public(self) -> str:
        """The public key, as 64 hexadecimal digits: what others trust."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """The signature of ``content``, as 128 hexadecimal digits."""
        return self._private.sign(content).hex()


def is_signed(content: bytes, *, public_key: str, signature: str) -> bool:
    """Whether the owner of a public key has signed exactly these bytes; a weak key has no owner."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        point, signed = bytes.fromhex(public_key), bytes.fromhex(signature)
        if _is_weak(point) or int.from_bytes(signed[32:], "little") >= _ORDER:
            return False
        Ed25519PublicKey.from_public_bytes(point).verify(signed, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def checked_public_key(key: object) -> str:
    """A public key as 64 hexadecimal digits, in lower case.

    Raises:
        BadInput: it is none, or one that anybody can sign for.
    """
    text = str(key).strip().lower()
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        hint = "64 hexadecimal digits, as memos signing-key show prints them"
        raise BadInput(f"{key!r:.80} is no public key", hint=hint)
    if _is_weak(bytes.fromhex(text)):
        message = f"{text} is a weak public key: anybody can sign for it"
        raise BadInput(message, hint="ask its maker for one of memos signing-key new")
    return text


def _is_weak(point: bytes) -> bool:
    """Whether a key is a point of small order, or written otherwise than RFC 8032 writes it.

    The highest bit is the sign of x, and the rest is y, below the prime; where x is 0, and its
    sign could be written in two ways, the order is small.
    """
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return y >= _PRIME or y in _SMALL
