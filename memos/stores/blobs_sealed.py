"""Blobs as encrypted files, whose names tell nothing of what they hold.

file <HMAC-SHA256 of the digest>
├── AMS1               which layout this is
├── the digest         in a box
└── the content        in boxes of 16 MiB, the last one shorter; none for no content

box = nonce (12 random bytes) + AES-256-GCM of the part + tag (16 bytes)

A box is bound to its place: the digest's to the name of the file, a content's to the digest, its
number and how many there are. So no box can be moved, left out or taken from another file.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from memos.cube.identity import digest_of
from memos.errors import CorruptionError
from memos.stores.digests import REPAIR, absent, checked, verified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.stores.files import Files

_MAGIC = b"AMS1"
_NONCE = 12
_EXTRA = _NONCE + 16
_PART = 16 << 20
"""AES-GCM takes less than 2 GiB at a time, and KV of long contexts is longer."""
_HEAD = len(_MAGIC) + 32 + _EXTRA


class SealedBlobs:
    """One file a blob, under AES-256-GCM; nobody without the keys can tell what is stored."""

    def __init__(self, files: Files, *, content_key: bytes, name_key: bytes) -> None:
        """Blobs in ``files``; both keys have 32 bytes."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._files = files
        self._cipher = AESGCM(content_key)
        self._name_key = name_key

    def put(self, content: bytes) -> str:
        """Store ``content`` durably and return its digest; a damaged copy is replaced."""
        digest = digest_of(content)
        name = self._name(digest)
        if self._is_whole(digest):
            self._files.settle(name)
        else:
            self._files.put(name, self._sealed(digest, content))
        return digest

    def get(self, digest: str) -> bytes:
        """The content, decrypted, and verified against ``digest``."""
        sealed = self._files.find(self._name(digest))
        if sealed is None:
            raise absent(digest)
        content = self._opened(sealed, digest)
        if content is None:
            message = f"blob {digest} is not what was written: it cannot be decrypted"
            raise CorruptionError(message, hint=REPAIR)
        return verified(content, digest)

    def drop(self, digest: str) -> None:
        """Remove the blob, if it is there."""
        self._files.drop(self._name(digest))

    def digests(self) -> Iterator[str]:
        """Every digest there is, in ascending order.

        A file whose digest cannot be decrypted has none: :meth:`get` tells who refers to it.
        """
        found = (self._digest(name) for name in self._files.names())
        return iter(sorted(digest for digest in found if digest is not None))

    def size_bytes(self, digest: str) -> int | None:
        """The length of a blob's content, None where there is no such blob."""
        size = self._files.size_bytes(self._name(digest))
        if size is None:
            return None
        body = max(0, size - _HEAD)
        return max(0, body - _parts(body) * _EXTRA)

    def path(self, digest: str) -> Path:
        """Where the file of a blob lies, or would lie."""
        return self._files.path(self._name(digest))

    def _name(self, digest: str) -> str:
        return hmac.digest(self._name_key, checked(digest).encode(), "sha256").hex()

    def _digest(self, name: str) -> str | None:
        head = self._files.find(name, _HEAD)
        return None if head is None else self._named(head, name)

    def _named(self, head: bytes, name: str) -> str | None:
        """The digest in a file's head; None where it cannot be decrypted."""
        if not head.startswith(_MAGIC):
            return None
        raw = self._unboxed(head[len(_MAGIC) : _HEAD], name.encode())
        return None if raw is None else raw.hex()

    def _is_whole(self, digest: str) -> bool:
        try:
            self.get(digest)
        except CorruptionError:
            return False
        return True

    def _sealed(self, digest: str, content: bytes) -> bytes:
        starts = range(0, len(content), _PART)
        pieces = [_MAGIC, *self._box(bytes.fromhex(digest), self._name(digest).encode())]
        view = memoryview(content)  # no copy of what may be gigabytes
        for number, start in enumerate(starts):
            part, place = view[start : start + _PART], _place(digest, number, len(starts))
            pieces += self._box(part, place)
        return b"".join(pieces)

    def _opened(self, sealed: bytes, digest: str) -> bytes | None:
        if self._named(sealed, self._name(digest)) != digest:
            return None
        size, view = _PART + _EXTRA, memoryview(sealed)
        starts = range(_HEAD, len(sealed), size)
        parts = []
        for number, start in enumerate(starts):
            place = _place(digest, number, len(starts))
            part = self._unboxed(view[start : start + size], place)
            if part is None:
                return None
            parts.append(part)
        return b"".join(parts)

    def _box(self, part: bytes | memoryview, place: bytes) -> tuple[bytes, bytes]:
        nonce = secrets.token_bytes(_NONCE)
        return nonce, self._cipher.encrypt(nonce, part, place)

    def _unboxed(self, box: bytes | memoryview, place: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        if len(box) < _EXTRA:
            return None
        try:
            return self._cipher.decrypt(box[:_NONCE], box[_NONCE:], place)
        except InvalidTag:
            return None


def _parts(body: int) -> int:
    """How many boxes so many bytes are."""
    return -(-body // (_PART + _EXTRA))


def _place(digest: str, number: int, count: int) -> bytes:
    return bytes.fromhex(digest) + number.to_bytes(8, "big") + count.to_bytes(8, "big")
