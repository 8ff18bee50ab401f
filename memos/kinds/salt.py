"""A tenant's mark in its blobs: equal texts of two users never give one blob.

Blobs are named by their content, so without it a user could tell from the time or the space that
storing takes whether another has read the same text to the same model.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct

from memos.errors import CorruptionError

_LENGTH = struct.Struct("<Q")
_ALIGNED = 8
_METADATA = "__metadata__"


def tenant_salt(secret: str, user_id: str | None) -> str:
    """The salt of a user's blobs, from the store's secret: 64 hexadecimal digits."""
    name = "" if user_id is None else f"user:{user_id}"
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()


def salted(content: bytes, salt: str) -> bytes:
    """A safetensors file with the salt among its metadata; the tensors stay as they are.

    Raises:
        CorruptionError: it is no safetensors file.
    """
    try:
        (length,) = _LENGTH.unpack_from(content)
        start = _LENGTH.size + length
        header = json.loads(content[_LENGTH.size : start])
        header[_METADATA] = {**header.get(_METADATA, {}), "salt": salt}
    except (struct.error, ValueError, TypeError, AttributeError) as error:
        raise CorruptionError("the blob is not a safetensors file") from error
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % _ALIGNED)
    return _LENGTH.pack(len(told)) + told + content[start:]
