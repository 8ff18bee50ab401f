"""Contents in encrypted boxes, and names of files that tell nothing of what they hold.

file <HMAC-SHA256 of the name>
├── AMS1               which layout this is
├── the name           in a box
└── the content        in boxes of 16 MiB, the last one shorter; none for no content

box = nonce (12 random bytes) + AES-256-GCM of the part + tag (16 bytes)

A box is bound to its place: the name's to the name of the file, a content's to the name, its
number and how many there are. So no box can be moved, left out or taken from another file.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from memos.stores.digests import checked

if TYPE_CHECKING:
    from memos.ports.blocks import Content

_MAGIC = b"AMS1"
_NONCE = 12
_EXTRA = _NONCE + 16
_PART = 16 << 20
"""AES-GCM takes less than 2 GiB at a time, and KV of long contexts is longer."""

HEAD = len(_MAGIC) + 32 + _EXTRA
"""How much of a file says what it is called."""


class Boxes:
    """Seals contents that are named by 64 hexadecimal digits, under AES-256-GCM."""

    def __init__(self, *, content_key: bytes, name_key: bytes) -> None:
        """Both keys have 32 bytes."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(content_key)
        self._name_key = name_key

    def file_of(self, name: str) -> str:
        """What the file of a name is called."""
        return hmac.digest(self._name_key, checked(name).encode(), "sha256").hex()

    def named(self, head: Content, file: str) -> str | None:
        """The name in the first ``HEAD`` bytes of a file; None where it cannot be decrypted."""
        if bytes(head[: len(_MAGIC)]) != _MAGIC:
            return None
        raw = self._unboxed(head[len(_MAGIC) : HEAD], file.encode())
        return None if raw is None else raw.hex()

    def sealed(self, name: str, content: Content) -> bytes:
        """The bytes of a file."""
        starts = range(0, len(content), _PART)
        pieces = [_MAGIC, *self._box(bytes.fromhex(name), self.file_of(name).encode())]
        view = memoryview(content)  # no copy of what may be gigabytes
        for number, start in enumerate(starts):
            part, place = view[start : start + _PART], _place(name, number, len(starts))
            pieces += self._box(part, place)
        return b"".join(pieces)

    def opened(self, sealed: Content, name: str) -> bytes | None:
        """The content; None where these are not the bytes that were sealed under that name."""
        if self.named(sealed, self.file_of(name)) != name:
            return None
        size, view = _PART + _EXTRA, memoryview(sealed)
        starts = range(HEAD, len(sealed), size)
        parts = []
        for number, start in enumerate(starts):
            place = _place(name, number, len(starts))
            part = self._unboxed(view[start : start + size], place)
            if part is None:
                return None
            parts.append(part)
        return b"".join(parts)

    def _box(self, part: Content, place: bytes) -> tuple[bytes, bytes]:
        nonce = secrets.token_bytes(_NONCE)
        return nonce, self._cipher.encrypt(nonce, part, place)

    def _unboxed(self, box: Content, place: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        if len(box) < _EXTRA:
            return None
        try:
            return self._cipher.decrypt(box[:_NONCE], box[_NONCE:], place)
        except InvalidTag:
            return None


def content_bytes(file_bytes: int) -> int:
    """The length of a content whose file has so many bytes."""
    body = max(0, file_bytes - HEAD)
    boxes = -(-body // (_PART + _EXTRA))
    return max(0, body - boxes * _EXTRA)


def _place(name: str, number: int, count: int) -> bytes:
    return bytes.fromhex(name) + number.to_bytes(8, "big") + count.to_bytes(8, "big")
