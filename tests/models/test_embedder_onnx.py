"""The ONNX embedder keeps the port's promises, and makes sentence-transformers' vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

from memos import MemOS
from memos.config import EmbedderSettings, Settings
from memos.errors import (
    BackendError,
    BadSetting,
    MissingLibrary,
    ModelMismatch,
    NotSupported,
    UnknownBackend,
)
from memos.models.embedder_onnx import OnnxEmbedder
from memos.models.embedder_sentence import SentenceEmbedder
from memos.testing.embedder import TokenEmbedderSuite
from memos.testing.tiny_bert import write_tiny_bert

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from memos.ports.embedder import Embedder, TokenEmbedder

VARIED = [
    "Alice moved to Lisbon in May, because the rent was lower.",
    "",
    " \t\n ",
    "?",
    "tea",
    "TEA",
    "Ünïcödé: naïve café, Straße, ﬁn, İstanbul",
    "e\u0301 and \u00e9 and \u200bnothing\u200b",
    "日本語のテキストと中文",
    "Привет, мир! שלום עולם مرحبا بالعالم",
    "🙂👩‍👩‍👧 🇵🇹",
    "[SEP] [CLS] [MASK] [PAD] [UNK] [sep] ##ing",
    "control \x01\x07\x7f\ufffd\ufeff characters",
    "x" * 5000,
    "1234567890.123e-45 https://example.org/a?b=c#d alice@example.org",
    "def add(a, b):\n    return a + b  # code",
    " ".join(f"word{number}" for number in range(10_000)),
    "the " * 253 + "last but one",
    "the " * 254 + "cut",
]


@pytest.fixture(scope="module")
def torchs() -> NDArray[np.float32]:
    return SentenceEmbedder().embed(VARIED)


@pytest.fixture(scope="module")
def exact() -> OnnxEmbedder:
    return OnnxEmbedder()


@pytest.fixture(scope="module")
def rounded() -> OnnxEmbedder:
    return OnnxEmbedder(precision="int8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_bert(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.mark.weights
class TestFloat32(TokenEmbedderSuite):
    @pytest.fixture
    def embedder(self, exact: OnnxEmbedder) -> TokenEmbedder:
        return exact

    def another(self) -> Embedder:
        return OnnxEmbedder(batch=2)


@pytest.mark.weights
class TestInt8(TokenEmbedderSuite):
    @pytest.fixture
    def embedder(self, rounded: OnnxEmbedder) -> TokenEmbedder:
        return rounded

    def another(self) -> Embedder:
        return OnnxEmbedder(batch=2, precision="int8")


@pytest.mark.weights
def test_in_float32_the_vectors_and_the_name_are_those_of_sentence_transformers(
    exact: OnnxEmbedder, torchs: NDArray[np.float32]
) -> None:
    assert exact.name == SentenceEmbedder().name
    assert np.abs(exact.embed(VARIED) - torchs).max() < 1e-5
    for text, vector in zip(VARIED, torchs, strict=True):
        assert exact.embed_query(text) @ vector > 0.9999


@pytest.mark.weights
def test_in_int8_the_vectors_are_near_and_the_name_is_another(
    rounded: OnnxEmbedder, exact: OnnxEmbedder, torchs: NDArray[np.float32]
) -> None:
    assert rounded.name == f"{exact.name}+int8"
    assert (rounded.embed(VARIED) * torchs).sum(axis=1).min() > 0.98


@pytest.mark.weights
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_company_and_threads_change_no_vector(
    precision: str, exact: OnnxEmbedder, rounded: OnnxEmbedder
) -> None:
    embedder = exact if precision == "float32" else rounded
    together = embedder.embed(VARIED)
    with ThreadPoolExecutor(4) as pool:
        alone = np.stack(list(pool.map(embedder.embed_query, VARIED)))
    if precision == "int8":
        assert np.array_equal(together, alone)
    assert together == pytest.approx(alone, abs=1e-6)


@pytest.mark.weights
def test_neither_torch_nor_transformers_is_needed() -> None:
    script = """
import sys
for name in ("torch", "transformers", "sentence_transformers"):
    sys.modules[name] = None
from memos import MemOS
with MemOS.open(None, embedder="onnx") as mem:
    mem.add("Alice moved to Lisbon.", user_id="alice")
    print(mem.search("Where does Alice live?", user_id="alice")[0].cube.payload.text)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("Alice moved to Lisbon.\n", "")


def test_the_tiny_model_is_embedded_as_transformers_embeds_it(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertModel

    model = BertModel.from_pretrained(
        folder, config=BertConfig(**json.loads((folder / "config.json").read_text()))
    )
    with torch.inference_mode():
        states = model.eval()(torch.tensor([[2, 4, 5, 6, 7, 3]])).last_hidden_state
    expected = torch.nn.functional.normalize(states.mean(1)).numpy()
    assert OnnxEmbedder(str(folder)).embed(["Alice moved to Lisbon"]) == pytest.approx(
        expected, abs=1e-5
    )


def test_texts_are_cut_where_the_model_says(folder: Path) -> None:
    embedder = OnnxEmbedder(str(folder))
    assert embedder.dimension == 8
    at_most = embedder.embed_query("tea " * 8)
    assert np.array_equal(at_most, embedder.embed_query("tea " * 9))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    shorter = OnnxEmbedder(str(folder))
    assert np.array_equal(shorter.embed_query("tea tea"), shorter.embed_query("tea " * 9))


def test_passes_are_told_in_turn(folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    texts = ["tea", "tea and eggs", "tea and flour", "eggs", "flour"]
    OnnxEmbedder(str(folder), batch=2).embed(texts, progress=lambda *step: told.append(step))
    assert told == [("embedding", 2, 5), ("embedding", 4, 5), ("embedding", 5, 5)]


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("config.json", {"model_type": "mpnet"}, "model_type is 'mpnet'"),
        ("config.json", {"model_type": "bert", "hidden_act": "relu"}, "hidden_act is 'relu'"),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "mean over its tokens"),
        ("modules.json", [{"type": "models.Dense", "path": ""}], "mean over its tokens"),
        ("config_sentence_transformers.json", {"prompts": {"query": "ask: "}}, "prompt"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "lower case"),
    ],
)
def test_a_model_that_is_made_otherwise_is_refused(
    file: str, content: Any, why: str, folder: Path
) -> None:
    (folder / file).write_text(json.dumps(content))
    with pytest.raises(NotSupported, match=why) as caught:
        _ = OnnxEmbedder(str(folder)).dimension
    assert "sentence" in caught.value.hint


def test_a_model_without_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(NotSupported, match="tokenizer"):
        OnnxEmbedder(str(folder)).embed(["tea"])


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("config.json", "{", "config.json cannot be read"),
        ("config.json", "{}", "does not say 'hidden_size'"),
        ("tokenizer.json", "{", "tokenizer.json cannot be read"),
        ("model.safetensors", "no weights", "model.safetensors cannot be read"),
    ],
)
def test_a_broken_file_is_named(file: str, content: str, why: str, folder: Path) -> None:
    (folder / file).write_text(content)
    with pytest.raises(BackendError, match=why):
        OnnxEmbedder(str(folder)).embed(["tea"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"num_hidden_layers": 3}, "encoder.layer.2.* is missing"),
        ({"intermediate_size": 32}, r"is \[16, 8\] where \[32, 8\] is declared"),
    ],
)
def test_weights_other_than_declared_are_refused(
    changes: dict[str, int], why: str, tmp_path: Path
) -> None:
    write_tiny_bert(tmp_path, **changes)
    with pytest.raises(BackendError, match=why):
        OnnxEmbedder(str(tmp_path)).embed(["tea"])


@pytest.mark.parametrize("model", ["no-such-model", ""])
def test_an_unknown_model_is_named_in_the_error(model: str) -> None:
    with pytest.raises(UnknownBackend, match=model or "''"):
        _ = OnnxEmbedder(model).name


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers", "safetensors"])
def test_a_missing_library_is_named_with_what_to_install(
    library: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=library) as caught:
        OnnxEmbedder(str(folder)).embed(["tea"])
    assert caught.value.hint == "pip install 'agent-memos[onnx]'"


def _settings(backend: str, folder: Path, precision: Literal["float32", "int8"]) -> Settings:
    chosen = EmbedderSettings(backend=backend, model=str(folder), precision=precision)
    return Settings(embedder=chosen)


def test_a_store_of_one_precision_is_not_searched_with_another(
    folder: Path, tmp_path: Path
) -> None:
    with MemOS.open(tmp_path / "store", settings=_settings("onnx", folder, "float32")) as mem:
        mem.add("Alice moved to Lisbon", user_id="alice")
    with (
        MemOS.open(tmp_path / "store", settings=_settings("onnx", folder, "int8")) as mem,
        pytest.raises(ModelMismatch, match="int8"),
    ):
        mem.search("Lisbon", user_id="alice")


@pytest.mark.parametrize("backend", ["sentence", "hash"])
def test_a_precision_that_an_embedder_does_not_have_is_refused(backend: str, folder: Path) -> None:
    with pytest.raises(BadSetting, match="int8") as caught:
        MemOS.open(None, settings=_settings(backend, folder, "int8"))
    assert "onnx" in caught.value.hint
