"""Blobs in RAM keep the port's promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.stores.blobs_memory import MemoryBlobs
from memos.testing.blobs import BlobsSuite

if TYPE_CHECKING:
    from memos.ports.blobs import Blobs


class TestMemoryBlobs(BlobsSuite):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return MemoryBlobs()

    def reopened(self, blobs: Blobs) -> Blobs:
        return blobs

    def files(self) -> None:
        return None

    def damage(self, blobs: Blobs, digest: str, content: bytes) -> None:
        assert isinstance(blobs, MemoryBlobs)
        blobs._contents[digest] = content
