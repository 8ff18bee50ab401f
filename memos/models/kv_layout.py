"""What the attention state of a model looks like, found by looking at one."""

from __future__ import annotations

from typing import Any

from memos.ports.blocks import Layout


def layout_of(cache: Any, *, dtype: str, block_tokens: int) -> Layout | None:
    """The layout of a cache that holds one token.

    None where it cannot be kept in blocks: a layer forgets tokens, keeps something else than one
    key and one value a token, or is shaped unlike the others.
    """
    shapes = set()
    for layer in cache.layers:
        key, value = getattr(layer, "keys", None), getattr(layer, "values", None)
        if key is None or value is None or getattr(layer, "is_sliding", False):
            return None
        if key.ndim != 4 or key.shape[2] != 1:
            return None
        shapes.add((key.shape[1], key.shape[3], value.shape[3], str(key.dtype)))
    if len(shapes) != 1:
        return None
    ((heads, key_width, value_width, kept),) = shapes
    if kept != f"torch.{dtype}":
        return None
    return Layout(len(cache.layers), heads, key_width, value_width, dtype, block_tokens)
