"""A language model of two layers that no package has to carry: real code, random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 4096
"""How many tokens it can attend to."""

_SPECIAL = ("<|end|>", "<|begin|>")
_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|begin|>system\nAnswer.<|end|>\n{% endif %}"
    "{% for message in messages %}"
    "<|begin|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|begin|>assistant\n{% endif %}"
)


def write_tiny_model(folder: Path, *, seed: int = 0) -> None:
    """Write a Llama of two layers, a tokenizer of single bytes and a chat template to ``folder``.

    Its weights are random; the same seed gives the same bytes.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=LONGEST,
        initializer_range=0.2,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: number for number, word in enumerate((*_SPECIAL, *letters))}
    tokenizer = Tokenizer(BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end, begin = _SPECIAL
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=end, bos_token=begin, chat_template=_TEMPLATE
    )


def tiny_causal(family: str, *, seed: int = 0, **settings: Any) -> Any:
    """A causal model of random weights and two layers, of any family that transformers has.

    Args:
        family: as transformers names it: ``llama``, ``gpt_neox``, ``cohere``.
        seed: the same seed gives the same weights.
        settings: what its configuration shall say besides.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    size = {
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "initializer_range": 0.2,
    }
    named = {"n_embd": 64, "n_head": 4, "n_layer": 2, "word_embed_proj_dim": 64, "ffn_dim": 96}
    marks = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = AutoConfig.for_model(family, **{**size, **named, **marks, **settings})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config).eval()
