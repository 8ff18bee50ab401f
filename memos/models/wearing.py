"""A model wears adapters, each row of a batch its own; its weights are never touched."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memos.models.hooks import hooked
from memos.models.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.models.hooks import Hook
    from memos.models.methods import Wearable


@contextmanager
def worn(model: Any, rows: Sequence[Wearable | None]) -> Iterator[None]:
    """Put on adapters: row ``n`` of a batch wears the ``n``-th; a single one is worn by all rows.

    A row that wears nothing computes what it does without the others, to the last bit. Afterwards
    the model is as it was: nothing but hooks was ever added.
    """
    with hooked(_hooks(model, rows)):
        yield


def _hooks(model: Any, rows: Sequence[Wearable | None]) -> list[Hook]:
    found: list[Hook] = []
    for name, method in METHODS.items():
        wearing = {row: one for row, one in enumerate(rows) if one and one.adapter.method == name}
        if wearing:
            places = list(wearing) if len(rows) > 1 else None
            found += method.hooks(model, places, list(wearing.values()))
    return found
