"""Names that cannot collide: UUIDv7 and UUIDv8 for cubes, SHA-256 for content."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_COUNTER_BITS = 12
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


class Identities:
    """Makes UUIDv7 strings (RFC 9562, section 5.7) that sort in the order they were made.

    Within one millisecond the 12 bits after the version count up (method 1 of section 6.2);
    when they overflow, or when the clock goes backwards, the timestamp runs ahead of the clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, now: datetime) -> str:
        """A new id for something that happens at ``now`` (aware UTC)."""
        millisecond = int(now.timestamp() * 1000)
        with self._lock:
            start = (millisecond << _COUNTER_BITS) | secrets.randbits(_COUNTER_BITS - 1)
            self._last = max(self._last + 1, start)
            stamp = self._last
        return str(_uuid7(stamp >> _COUNTER_BITS, stamp & ((1 << _COUNTER_BITS) - 1)))


def _uuid7(millisecond: int, counter: int) -> uuid.UUID:
    #  48 bits milliseconds | 4 bits version | 12 bits counter | 2 bits variant | 62 bits random
    value = (millisecond & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= counter << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return uuid.UUID(int=value)


def id_within(namespace: str, cube_id: str) -> str:
    """The id that a cube from elsewhere has under a namespace; the same whenever it is asked for.

    A UUIDv8: what a UUIDv7 tells of the time stays, so that cubes keep their order; the rest is
    drawn from both names.
    """
    #  60 of the first 64 bits, around the version: from the id | 2 bits variant | 62 bits hash
    drawn = hashlib.sha256(f"{namespace}\n{cube_id}".encode()).digest()
    head = uuid.UUID(cube_id).int >> 64
    value = ((head & ~(0xF << 12)) | (0x8 << 12)) << 64
    value |= 0b10 << 62
    value |= int.from_bytes(drawn[:8]) >> 2
    return str(uuid.UUID(int=value))


def made_at(cube_id: str) -> int | None:
    """When a cube was made, in microseconds since 1970, as its id tells; None if it is none."""
    return (uuid.UUID(cube_id).int >> 80) * 1000 if is_cube_id(cube_id) else None


def is_cube_id(text: str) -> bool:
    """Whether ``text`` is a UUID in its canonical spelling."""
    try:
        return str(uuid.UUID(text)) == text
    except (ValueError, AttributeError, TypeError):
        return False


def digest_of(content: bytes) -> str:
    """The SHA-256 of ``content``, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: equal values have equal bytes."""
    return _CANONICAL.encode(value).encode()


def key_digest(key: str, whose: str = "") -> str:
    """What is kept of an idempotency key; ``whose`` it is, where not the application's."""
    return digest_of(canonical([whose, key]))
