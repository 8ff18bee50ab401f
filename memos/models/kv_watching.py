"""What a model's queries are while it reads, and what they attend to: for policies that need it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput, NotSupported
from memos.models.kv_reading import Read, next_logits, read
from memos.ports.pruning import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from memos.models.kv_state import State

_NAME = "memos_watching"
_ALONE = threading.Lock()
"""The name is known to the whole process."""
WINDOW = 32
"""How many of the last queries tell what matters: as many as ThinK and SnapKV take."""


@dataclass(slots=True)
class Watched:
    """The queries of all tokens that were read meanwhile."""

    _layers: dict[int, list[torch.Tensor]] = field(default_factory=dict)

    def add(self, layer: int, queries: torch.Tensor) -> None:
        """Note the queries [heads, T, width] of a layer."""
        self._layers.setdefault(layer, []).append(queries)

    def last(self, count: int, key_heads: int) -> torch.Tensor:
        """Queries [layers, at most count, key heads, group, width] of the last tokens."""
        import torch

        layers = [torch.cat(parts, dim=1) for _, parts in sorted(self._layers.items())]
        queries = torch.stack(layers)[:, :, -count:].transpose(1, 2)
        layer_count, tokens, heads, width = queries.shape
        return queries.reshape(layer_count, tokens, key_heads, heads // key_heads, width)


def known_of(
    model: Any, tokens: Sequence[int], *, turns: Sequence[int] | None = None
) -> tuple[Read, Known]:
    """Read ``tokens``, and gather all that a policy can want to know of their state."""
    import numpy as np

    with watching(model) as watched:
        told = read(model, tokens)
    queries = watched.last(WINDOW, told.state.keys.shape[2])
    known = Known(
        tokens=len(tokens),
        surprise=_numpy(told.surprise),
        turns=None if turns is None else np.asarray(turns, np.int64),
        keys=_numpy(told.state.keys),
        queries=_numpy(queries),
        attention=_numpy(attention_of(queries, told.state.keys)),
    )
    return told, known


def queries_of(model: Any, behind: State, question: Sequence[int], at: int) -> NDArray[np.float32]:
    """Queries [layers, T, heads, group, width] of a question that is read behind a state.

    Args:
        model: whose queries they are.
        behind: what is at hand before anything was retrieved: a prefix, as a rule.
        question: its tokens.
        at: the position at which it begins.
    """
    with watching(model) as watched:
        next_logits(model, behind, [question], at)
    return _numpy(watched.last(len(question), behind.keys.shape[2]))


def attention_of(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """[layers, heads, T]: the attention of ``queries`` to each token, in sum.

    Args:
        queries: [layers, W, heads, group, width], of the last W of the T tokens.
        keys: [layers, T, heads, width].
    """
    import torch

    asked, tokens = queries.shape[1], keys.shape[1]
    if asked > tokens:
        raise BadInput(f"there are queries of {asked} tokens, and keys of {tokens}")
    scores = torch.einsum("lwhgd,lthd->lhgwt", queries.float(), keys.float())
    places = torch.arange(tokens, device=keys.device)
    hidden = places[None, :] > places[tokens - asked :, None]
    return scores.masked_fill(hidden, -torch.inf).softmax(-1).sum(dim=(2, 3))


@contextmanager
def watching(model: Any) -> Iterator[Watched]:
    """Note the model's queries, scaled, as long as the context lasts; nothing it computes changes.

    Raises:
        NotSupported: its attention cannot be looked into.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    usual = model.config._attn_implementation  # noqa: SLF001 - there is no other way to ask
    if usual not in ALL_ATTENTION_FUNCTIONS or usual not in ALL_MASK_ATTENTION_FUNCTIONS:
        raise NotSupported(
            f"looking at the queries of a model whose attention is {usual!r}",
            hint='load it with attn_implementation="sdpa"',
        )
    watched = Watched()
    with _ALONE:
        AttentionInterface.register(_NAME, _noting(watched, ALL_ATTENTION_FUNCTIONS[usual]))
        AttentionMaskInterface.register(_NAME, ALL_MASK_ATTENTION_FUNCTIONS[usual])
        model.set_attn_implementation(_NAME)
        try:
            yield watched
        finally:
            model.set_attn_implementation(usual)


def _noting(watched: Watched, attend: Callable[..., Any]) -> Callable[..., Any]:
    def noting(module: Any, query: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        scaling = kwargs.get("scaling") or query.shape[-1] ** -0.5
        watched.add(module.layer_idx, query[0] * scaling)
        return attend(module, query, *args, **kwargs)

    return noting


def _numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
