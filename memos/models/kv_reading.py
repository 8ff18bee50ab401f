"""Reading tokens behind a state, at whichever positions, and what a model thinks of each of them.

Exact resuming, bit for bit, is the work of :mod:`memos.models.decode`. Here a state may have been
put together or thinned out, so its length does not tell the next position: positions are always
given to the model, and with them which keys each token may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput, NotSupported
from memos.models.decode import logits_at, with_cache
from memos.models.kv_state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

_STRIDE = 256
"""Tokens that are read in one call: bounds the logits that are in memory at once."""


@dataclass(frozen=True, slots=True)
class Read:
    """What tokens have left in the model."""

    state: State
    """Of these tokens alone."""
    surprise: torch.Tensor
    """[T], float32: the negative logarithm of what the model held each token likely to come, given
    all before it. The first token, which nothing predicts, has the most of all."""
    logits: torch.Tensor
    """[vocabulary], after the last token."""


def read(model: Any, tokens: Sequence[int], behind: State | None = None) -> Read:
    """Read ``tokens`` at the positions that follow ``behind``; that state is not written to.

    Raises:
        BadInput: there are no tokens.
        NotSupported: some layer keeps something else than all keys and values.
    """
    import torch

    if not tokens:
        raise BadInput("there are no tokens to read", hint="pass at least one")
    cache, before = cache_of(behind), behind.tokens if behind else 0
    ids = torch.tensor(list(tokens), device=model.device)
    logits = _logits(model, cache, ids[:_STRIDE], before)
    surprises = [_surprise(logits[:-1], ids[1 : len(logits)])]
    for start in range(_STRIDE, len(ids), _STRIDE):
        part, last = ids[start : start + _STRIDE], logits[-1:]
        logits = _logits(model, cache, part, before + start)
        surprises.append(_surprise(torch.cat([last, logits[:-1]]), part))
    told = torch.cat(surprises)
    first = told.max()[None] if len(told) else told.new_zeros(1)
    return Read(state_of_cache(cache, before), torch.cat([first, told]), logits[-1])


def next_logits(
    model: Any, state: State, questions: Sequence[Sequence[int]], at: int
) -> torch.Tensor:
    """Logits [questions, vocabulary] after each of ``questions``, read behind ``state``.

    All are read in one pass, and none sees another.

    Args:
        model: the model that the state is of.
        state: each of its keys is seen by all questions; it is not written to.
        questions: token ids, at least one of each.
        at: the position at which each begins, which is more than what the state has tokens where
            some were left out.
    """
    import torch

    lengths = [len(question) for question in questions]
    told = [token for question in questions for token in question]
    ids = torch.tensor(told, device=model.device)
    number = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(ids)
    places = torch.cat([torch.arange(at, at + length) for length in lengths]).to(ids)
    others = (number[:, None] != number) | (places > places[:, None])
    hidden = torch.cat([others.new_zeros(len(ids), state.tokens), others], dim=1)
    inputs = {"position_ids": places[None], "attention_mask": mask_of(hidden, model.dtype)}
    ends = torch.tensor(lengths).cumsum(0).to(ids) - 1
    with torch.no_grad():
        cached = with_cache(model, cache_of(state))
        return logits_at(model, ends, input_ids=ids[None], **inputs, **cached)


def mask_of(hidden: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A mask [1, 1, queries, keys]: numbers that attention adds to the scores of its queries.

    Args:
        hidden: [queries, keys], true where a query must not see a key.
        dtype: the model's own, which eager attention and torch's want.
    """
    import torch

    mask = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device)
    return mask.masked_fill(hidden, torch.finfo(dtype).min)[None, None]


def cache_of(state: State | None) -> Any:
    """A new cache that holds copies of what is in ``state``."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for number in range(state.keys.shape[0] if state else 0):
        # update() appends to an empty tensor, which copies
        key, value = state.keys[number], state.values[number]  # type: ignore[union-attr]
        cache.update(key.transpose(0, 1)[None], value.transpose(0, 1)[None], number)
    return cache


def state_of_cache(cache: Any, start: int = 0) -> State:
    """The state of the tokens from ``start`` on, in memory of its own.

    Raises:
        NotSupported: some layer keeps something else than all keys and values.
    """
    import torch

    layers = full_layers(cache)
    keys = torch.stack([layer.keys[0, :, start:].transpose(0, 1) for layer in layers])
    values = torch.stack([layer.values[0, :, start:].transpose(0, 1) for layer in layers])
    return State(keys, values)


def full_layers(cache: Any) -> list[Any]:
    """The layers of ``cache``, each with keys and values [rows, heads, T, width] of all tokens.

    Raises:
        NotSupported: some layer keeps something else, or forgets what is far back.
    """
    for layer in cache.layers:
        key, value = getattr(layer, "keys", None), getattr(layer, "values", None)
        if key is None or value is None or key.ndim != 4 or getattr(layer, "is_sliding", False):
            raise NotSupported(
                f"attention state of layers of type {type(layer).__name__}",
                hint="use a model in which every layer attends to the whole text",
            )
    return list(cache.layers)


def require_full_attention(model: Any, tokens: int) -> None:
    """Refuse a model whose layers would not see all of ``tokens``: its masks are not built here.

    Raises:
        NotSupported: some layers attend to a window that is shorter.
    """
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    windowed = bool(kinds - {"full_attention"}) or (not kinds and window is not None)
    if windowed and (window is None or tokens > window):
        raise NotSupported(
            f"composing {tokens} tokens with {type(model).__name__}: some of its layers attend to"
            f" {window or 'other'} tokens only",
            hint="use a model in which every layer attends to the whole text",
        )


def _logits(model: Any, cache: Any, ids: torch.Tensor, at: int) -> torch.Tensor:
    """Logits [T, vocabulary] of ``ids`` [T], which are appended to ``cache``."""
    import torch

    places = torch.arange(at, at + len(ids), device=ids.device)
    with torch.no_grad():
        return model(  # type: ignore[no-any-return]
            input_ids=ids[None], position_ids=places[None], **with_cache(model, cache)
        ).logits[0]


def _surprise(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.cross_entropy(logits.float(), ids, reduction="none")
