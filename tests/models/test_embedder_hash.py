"""The hashing embedder keeps the port's promises."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos.errors import BadInput
from memos.models.embedder_hash import HashEmbedder
from memos.testing.embedder import TokenEmbedderSuite

if TYPE_CHECKING:
    from memos.ports.embedder import Embedder, TokenEmbedder


class TestHashEmbedder(TokenEmbedderSuite):
    @pytest.fixture
    def embedder(self) -> TokenEmbedder:
        return HashEmbedder()

    def another(self) -> Embedder:
        return HashEmbedder()


def test_two_dimensions_are_two_models() -> None:
    assert HashEmbedder().name == "hash-256"
    assert HashEmbedder(64).name == "hash-64"
    assert HashEmbedder(64).embed_query("tea").shape == (64,)


def test_a_dimension_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="0"):
        HashEmbedder(0)


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ("Alice moved to Lisbon", "Bob bakes bread on Sundays"),
        ("alice MOVES!", "Bob moves"),
        ("She was moving with Alice", "Bob bakes bread on Sundays"),
    ],
)
def test_texts_that_share_words_are_nearer_than_others(near: str, far: str) -> None:
    embedder = HashEmbedder()
    question = embedder.embed_query("Alice moved")
    assert question @ embedder.embed_query(near) > question @ embedder.embed_query(far)


def test_another_process_makes_the_same_vectors() -> None:
    script = """
from memos.models.embedder_hash import HashEmbedder
print(HashEmbedder().embed_query("Alice moved to Lisbon").tobytes().hex())
"""
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        )
        there = np.frombuffer(bytes.fromhex(done.stdout.strip()), dtype=np.float32)
        assert np.array_equal(there, HashEmbedder().embed_query("Alice moved to Lisbon"))
