"""The plugin keeps the embedder port's promises, and is found by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memos_wordllama import WordLlamaEmbedder
from memos import MemOS
from memos.plugins import available
from memos.testing.embedder import EmbedderSuite

if TYPE_CHECKING:
    from memos.ports.embedder import Embedder


class TestWordLlamaEmbedder(EmbedderSuite):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return WordLlamaEmbedder()

    def another(self) -> Embedder:
        return WordLlamaEmbedder()


def test_it_is_found_by_its_entry_point_and_serves_a_store() -> None:
    assert "wordllama" in available("embedder")
    with MemOS.open(None, embedder="wordllama") as mem:
        mem.add("Alice bakes bread in Lisbon.", user_id="alice")
        mem.add("The ferry was late again.", user_id="alice")
        assert mem.search("who makes loaves?", user_id="alice")[0].cube.text.startswith("Alice")
