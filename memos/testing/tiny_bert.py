"""A BERT of random weights and twelve words, to test what embeds with one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

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
    parts = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    modules = [{"name": n, "path": p, "type": f"sentence_transformers.models.{k}"} for n, p, k in parts]
    pooling = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True}
    _write(folder / "modules.json", modules)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    _write(folder / "1_Pooling" / "config.json", pooling)
    _write(folder / "config.json", CONFIG | changes)
    save_file(_weights(), folder / "model.safetensors")


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _weights() -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    chance = np.random.default_rng(7)
    sizes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), 8),
        "embeddings.position_embeddings.weight": (10, 8),
        "embeddings.token_type_embeddings.weight": (2, 8),
    }
    layers = [f"encoder.layer.{number}." for number in range(2)]
    for layer in layers:
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            sizes |= {f"{layer}attention.{name}.weight": (8, 8), f"{layer}attention.{name}.bias": (8,)}
        sizes |= {f"{layer}intermediate.dense.weight": (16, 8)}
        sizes |= {f"{layer}intermediate.dense.bias": (16,)}
        sizes |= {f"{layer}output.dense.weight": (8, 16), f"{layer}output.dense.bias": (8,)}
    norms = ["embeddings."] + [f"{layer}{part}" for layer in layers for part in ("attention.output.", "output.")]
    for norm in norms:
        sizes |= {f"{norm}LayerNorm.weight": (8,), f"{norm}LayerNorm.bias": (8,)}
    return {
        name: chance.standard_normal(size).astype(np.float32) for name, size in sizes.items()
    }
