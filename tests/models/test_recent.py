"""What was used last stays loaded, within bounds."""

from __future__ import annotations

from memos.models.recent import Recent
from memos.ports.runtime import Stored

reads: list[str] = []


def blob(name: str) -> Stored:
    def read() -> bytes:
        reads.append(name)
        return name.encode()

    return Stored(name, read)


def test_the_one_used_longest_ago_goes_first() -> None:
    reads.clear()
    recent: Recent[bytes] = Recent(bytes, count=2, size=len, limit_bytes=100)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert recent.get(blob(name)) == name.encode()
    assert reads == ["a", "b", "c", "b"]


def test_what_is_too_large_is_not_held() -> None:
    reads.clear()
    recent: Recent[bytes] = Recent(bytes, count=9, size=len, limit_bytes=3)
    for name in ("four", "four", "ab", "c", "ab"):
        assert recent.get(blob(name)) == name.encode()
    assert reads == ["four", "four", "ab", "c"]
