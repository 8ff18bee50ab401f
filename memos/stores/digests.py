"""What every store of blobs checks: the shape of a digest, and that content has it."""

from __future__ import annotations

import re

from memos.cube.identity import digest_of
from memos.errors import BadInput, CorruptionError

_DIGEST = re.compile(r"[0-9a-f]{64}")

REPAIR = "`memos check --repair` finds what refers to it"


def is_digest(text: str) -> bool:
    """Whether ``text`` is a SHA-256 as we write it."""
    return _DIGEST.fullmatch(text) is not None


def checked(digest: str) -> str:
    """``digest``, which so can be no path and no pattern.

    Raises:
        BadInput: it is not 64 lower-case hexadecimal digits.
    """
    if not is_digest(digest):
        hint = "a digest is 64 lower-case hexadecimal digits"
        raise BadInput(f"not a digest: {digest[:80]!r}", hint=hint)
    return digest


def verified(content: bytes, digest: str) -> bytes:
    """``content``, which has ``digest``.

    Raises:
        CorruptionError: it has another.
    """
    found = digest_of(content)
    if found != digest:
        message = f"blob {digest} is not what was written: what is there has the digest {found}"
        raise CorruptionError(message, hint=REPAIR)
    return content


def absent(digest: str) -> CorruptionError:
    """The error for a blob that should be there and is not."""
    return CorruptionError(f"blob {digest} is absent", hint=REPAIR)
