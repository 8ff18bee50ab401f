"""Models of a published shape with random weights: for timing, where answers mean nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

_LLAMA_8B = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "rope_theta": 500_000.0,
}  # fmt: skip


def write_shape() -> Path:
    """A folder with a model of Llama-3-8B's shape and the tokenizer of the default model."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from memos.config import load
    from memos.models.weights import locate

    settings = load().settings
    source = locate(settings.runtime.model, cache_folder=Path(settings.cache) / "models")
    folder = Path(tempfile.mkdtemp(prefix="shape-")) / "model"
    config = LlamaConfig(vocab_size=128_256, max_position_embeddings=8192, **_LLAMA_8B)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    for file in source.glob("token*"):
        shutil.copy(file, folder)
    for file in source.glob("*.jinja"):
        shutil.copy(file, folder)
    return folder
