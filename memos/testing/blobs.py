"""What every store of blobs must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from memos.cube.identity import digest_of
from memos.errors import BadInput, CorruptionError
from memos.testing.traces import assert_gone

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.blobs import Blobs

CONTENT = b"what a model has attended to" * 1000
ABSENT = digest_of(b"never stored")


class BlobsSuite(ABC):
    """Inherit from it and say how a store is made, opened again and damaged."""

    @pytest.fixture
    @abstractmethod
    def blobs(self) -> Blobs:
        """An empty store."""

    @abstractmethod
    def reopened(self, blobs: Blobs) -> Blobs:
        """The same store, opened again; ``blobs`` itself where nothing is durable."""

    @abstractmethod
    def files(self) -> Path | None:
        """The folder that the store's files lie in; None where it has none."""

    @abstractmethod
    def damage(self, blobs: Blobs, digest: str, content: bytes) -> None:
        """Put other bytes in the place of a blob, behind the store's back."""

    def test_what_is_put_can_be_read_under_its_sha256(self, blobs: Blobs) -> None:
        digest = blobs.put(CONTENT)
        assert digest == digest_of(CONTENT)
        assert blobs.get(digest) == CONTENT
        assert blobs.size_bytes(digest) == len(CONTENT)

    def test_nothing_is_content_too(self, blobs: Blobs) -> None:
        digest = blobs.put(b"")
        assert blobs.get(digest) == b""
        assert blobs.size_bytes(digest) == 0

    def test_putting_it_again_changes_nothing(self, blobs: Blobs) -> None:
        digest = blobs.put(CONTENT)
        assert blobs.put(CONTENT) == digest
        assert list(blobs.digests()) == [digest]
        assert blobs.get(digest) == CONTENT

    def test_digests_come_in_ascending_order(self, blobs: Blobs) -> None:
        digests = [blobs.put(bytes([number])) for number in range(50)]
        assert list(blobs.digests()) == sorted(digests)

    def test_what_is_dropped_is_gone_and_the_rest_stays(self, blobs: Blobs) -> None:
        gone, kept = blobs.put(b"gone"), blobs.put(b"kept")
        blobs.drop(gone)
        assert list(blobs.digests()) == [kept]
        assert blobs.size_bytes(gone) is None
        with pytest.raises(CorruptionError, match=gone):
            blobs.get(gone)

    def test_no_byte_of_what_is_dropped_is_left_in_any_file(self, blobs: Blobs) -> None:
        kept = blobs.put(CONTENT)
        blobs.drop(blobs.put(b"attention to what should be forgotten" * 1000))
        assert_gone(self.files(), ["attention to what should be forgotten"])
        again = self.reopened(blobs)
        assert_gone(self.files(), ["attention to what should be forgotten"])
        assert again.get(kept) == CONTENT

    def test_dropping_what_is_absent_is_no_error(self, blobs: Blobs) -> None:
        blobs.drop(ABSENT)
        assert list(blobs.digests()) == []

    def test_what_is_absent_is_an_error_that_names_it_and_the_next_step(self, blobs: Blobs) -> None:
        with pytest.raises(CorruptionError, match=ABSENT) as caught:
            blobs.get(ABSENT)
        assert "memos check --repair" in caught.value.hint

    @pytest.mark.parametrize(
        "damaged",
        [b"", CONTENT[:-1], CONTENT + b"\0", bytes([CONTENT[0] ^ 1]) + CONTENT[1:]],
        ids=["emptied", "cut short", "too long", "one bit flipped"],
    )
    def test_damage_is_never_served(self, blobs: Blobs, damaged: bytes) -> None:
        digest = blobs.put(CONTENT)
        self.damage(blobs, digest, damaged)
        with pytest.raises(CorruptionError, match=digest) as caught:
            blobs.get(digest)
        assert "memos check --repair" in caught.value.hint

    def test_putting_it_again_mends_damage(self, blobs: Blobs) -> None:
        digest = blobs.put(CONTENT)
        self.damage(blobs, digest, CONTENT[:-1])
        blobs.put(CONTENT)
        assert blobs.get(digest) == CONTENT

    @pytest.mark.parametrize(
        "wrong",
        ["", "ab", "../../secrets", ABSENT[:-1], ABSENT + "0", ABSENT.upper(), f"{ABSENT}\n"],
    )
    def test_what_is_no_digest_is_refused(self, blobs: Blobs, wrong: str) -> None:
        for call in (blobs.get, blobs.drop, blobs.size_bytes):
            with pytest.raises(BadInput):
                call(wrong)

    def test_everything_is_there_after_reopening(self, blobs: Blobs) -> None:
        kept, gone = blobs.put(CONTENT), blobs.put(b"gone")
        blobs.drop(gone)
        again = self.reopened(blobs)
        assert list(again.digests()) == [kept]
        assert again.get(kept) == CONTENT
