"""The upper blocks of a model alone: what lies below them is computed once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

_CLOSE = 1e-3


def first_of(model: Any, below: float) -> int:
    """How many blocks lie below; 0 where the model cannot be cut between its blocks."""
    layers = getattr(_decoder(model), "layers", None)
    return 0 if layers is None else int(len(layers) * below)


@contextmanager
def upper(model: Any, first: int) -> Iterator[None]:
    """Within it the model is its blocks from ``first`` on; it is given embeddings, not ids."""
    decoder = _decoder(model)
    whole = decoder.layers
    decoder.layers = whole[first:]
    try:
        yield
    finally:
        decoder.layers = whole


@contextmanager
def lower(model: Any, first: int) -> Iterator[Callable[[], torch.Tensor]]:
    """Within it the model is its blocks before ``first``.

    Yields what tells of their output [rows, tokens, hidden] in the last pass.
    """
    decoder = _decoder(model)
    whole, seen = decoder.layers, list[Any]()

    def keep(_: Any, __: Any, out: Any) -> None:
        seen[:] = [out[0] if isinstance(out, tuple) else out]

    hook = whole[first - 1].register_forward_hook(keep)
    decoder.layers = whole[:first]
    try:
        yield lambda: seen[0]
    finally:
        decoder.layers = whole
        hook.remove()


def can_be_cut(model: Any, first: int, tokens: Sequence[int]) -> bool:
    """Whether the blocks from ``first`` on, given what those below made, give what all give.

    Some models scale embeddings, or tell their blocks apart by number; they are trained whole.
    """
    import torch

    ids = torch.tensor([list(tokens)], device=model.device)
    with torch.no_grad():
        whole = model(input_ids=ids, use_cache=False).logits
        with lower(model, first) as made:
            model(input_ids=ids, use_cache=False)
            below = made()
        with upper(model, first):
            cut = model(inputs_embeds=below, use_cache=False).logits
    return bool(torch.allclose(whole.float(), cut.float(), rtol=_CLOSE, atol=_CLOSE))


def _decoder(model: Any) -> Any:
    return model.get_decoder() if hasattr(model, "get_decoder") else model
