"""A BERT of random weights and twelve words, to test what embeds with one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

WORDS = "[PAD] [UNK] [CLS] [SEP] alice moved to lisbon tea eggs flour and".split()
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": len(WORDS),
    "max_position_embeddings": 10,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}


def write_tiny_bert(folder: Path, **changes: Any) -> None:
    """Write its files as sentence-transformers would; ``changes`` are to its configuration."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing

    folder.mkdir(parents=True, exist_ok=True)
    numbers = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    ends = [(word, numbers[word]) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.save(str(folder / "tokenizer.json"))
    modules = [
        {"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
    ]
    pooling = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True}
    _write(folder / "modules.json", modules)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    _write(folder / "1_Pooling" / "config.json", pooling)
    _write(folder / "config.json", CONFIG | changes)
    save_file(_weights(), folder / "model.safetensors")


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _weights() -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(7)
    return {name: chance.standard_normal(sizes).astype(np.float32) for name, *sizes in _sizes()}


def _sizes() -> Iterator[tuple[Any, ...]]:
    """Each weight's name, and its sizes."""
    yield "embeddings.word_embeddings.weight", len(WORDS), 8
    yield "embeddings.position_embeddings.weight", 10, 8
    yield "embeddings.token_type_embeddings.weight", 2, 8
    yield from _norm("embeddings.")
    for layer in ("encoder.layer.0.", "encoder.layer.1."):
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            yield from _linear(f"{layer}attention.{name}.", 8, 8)
        yield from _norm(f"{layer}attention.output.")
        yield from _linear(f"{layer}intermediate.dense.", 8, 16)
        yield from _linear(f"{layer}output.dense.", 16, 8)
        yield from _norm(f"{layer}output.")


def _norm(prefix: str) -> Iterator[tuple[Any, ...]]:
    yield f"{prefix}LayerNorm.weight", 8
    yield f"{prefix}LayerNorm.bias", 8


def _linear(prefix: str, wide: int, high: int) -> Iterator[tuple[Any, ...]]:
    yield f"{prefix}weight", high, wide
    yield f"{prefix}bias", high
