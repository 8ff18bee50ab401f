"""A model wears adapters, each row of a batch its own; its weights are never touched."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from memos.models.lora import Lora


@dataclass(frozen=True, slots=True)
class _Addition:
    """What one module adds: to some rows, or to all of them."""

    rows: torch.Tensor | None
    """None: all rows wear the same."""
    a: torch.Tensor
    """[rank, in], or [rows, rank, in]."""
    b: torch.Tensor
    """[out, rank], or [rows, out, rank]."""
    scale: float

    def __call__(self, _: Any, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> Any:
        """Forward hook of a linear layer: its output with the addition."""
        given = inputs[0] if self.rows is None else inputs[0][self.rows]
        added = (given.to(self.a.dtype) @ self.a.mT @ self.b.mT * self.scale).to(out.dtype)
        if self.rows is None:
            return out + added
        # rows that wear nothing keep what the module gave them, to the last bit
        return out.index_add(0, self.rows, added)


@contextmanager
def worn(model: Any, rows: Sequence[Lora | None]) -> Iterator[None]:
    """Put on LoRAs: row ``n`` of a batch wears the ``n``-th; a single one is worn by all rows.

    Afterwards the model is as it was: nothing but forward hooks was ever added.
    """
    hooks = [
        model.get_submodule(name).register_forward_hook(addition)
        for name, addition in _additions(rows).items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _additions(rows: Sequence[Lora | None]) -> dict[str, _Addition]:
    wearing = [(row, lora) for row, lora in enumerate(rows) if lora is not None]
    names = dict.fromkeys(name for _, lora in wearing for name in lora.pairs)
    if len(rows) == 1:
        return {name: _for_all(lora, name) for name in names for _, lora in wearing}
    return {
        name: _for_some([(row, lora) for row, lora in wearing if name in lora.pairs], name)
        for name in names
    }


def _for_all(lora: Lora, name: str) -> _Addition:
    a, b = lora.pairs[name]
    return _Addition(None, a, b, lora.scale)


def _for_some(wearing: Sequence[tuple[int, Lora]], name: str) -> _Addition:
    import torch

    rank = max(lora.adapter.rank for _, lora in wearing)
    pairs = [lora.pairs[name] for _, lora in wearing]
    rows = torch.tensor([row for row, _ in wearing], device=pairs[0][0].device)
    a = torch.stack([_padded(a, 0, rank) for a, _ in pairs])
    b = torch.stack(
        [_padded(b * lora.scale, 1, rank) for (_, lora), (_, b) in zip(wearing, pairs, strict=True)]
    )
    return _Addition(rows, a, b, 1.0)


def _padded(tensor: torch.Tensor, axis: int, rank: int) -> torch.Tensor:
    import torch

    missing = rank - tensor.shape[axis]
    if not missing:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = missing
    return torch.cat([tensor, tensor.new_zeros(shape)], dim=axis)
