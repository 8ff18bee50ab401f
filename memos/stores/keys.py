"""Keys: the one that somebody keeps, and those that a store derives from its own.

master key   32 random bytes, kept outside the store: in the environment or a keyring
data key     32 random bytes, kept in the store's seal, locked by the master key
the rest     catalog, vectors, blobs, names, audit: derived from the data key, never kept
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field

from memos.errors import BadSetting

SIZE = 32
"""Bytes of every key."""

_PURPOSE = "agent-memos/1/"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """What opens a store; it shows itself only when it is asked for by name."""

    content: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> MasterKey:
        """A key that nobody has had before."""
        return cls(secrets.token_bytes(SIZE))

    @classmethod
    def read(cls, text: str, *, where: str) -> MasterKey:
        """The key that was written as :attr:`text`.

        Raises:
            BadSetting: it is none; the message names the place and never the text.
        """
        try:
            content = base64.b64decode(text.strip().rstrip("=") + "=", b"-_", validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if len(content) != SIZE:
            # Not chained: the text may be a key with a letter missing, and a traceback is shown.
            raise BadSetting(f"{where} is no key", hint="memos key new prints one") from None
        return cls(content)

    @property
    def text(self) -> str:
        """The key as 43 letters, digits, hyphens and underscores (base64url)."""
        return base64.urlsafe_b64encode(self.content).decode().rstrip("=")


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The keys of an open store, 32 bytes each."""

    catalog: bytes
    vectors: bytes
    blobs: bytes
    names: bytes
    """Of the files that blobs lie in."""
    audit: bytes
    blocks: bytes
    """Of attention state."""

    @classmethod
    def of(cls, data_key: bytes) -> Keys:
        """All of them, from the store's data key."""
        purposes = ("catalog", "vectors", "blobs", "names", "audit", "blocks")
        return cls(**{purpose: derived(data_key, purpose) for purpose in purposes})


def derived(key: bytes, purpose: str, salt: bytes | None = None) -> bytes:
    """A key of its own for ``purpose``, by HKDF-SHA256; it tells nothing of ``key``."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length=SIZE, salt=salt, info=(_PURPOSE + purpose).encode()).derive(key)
