"""Several prompts are continued at once as each would be alone."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from memos.models.decode import write_together
from memos.models.wearing import worn
from memos.ports.runtime import Recipe
from memos.testing.learning import EXAMPLES, METHODS, TEXTS, UNRELATED, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.models.runtime_torch import TorchRuntime

SHARED = (5, 6, 7, 8)
PROMPTS: dict[str, Sequence[tuple[int, ...]]] = {
    "of other lengths": [(*SHARED, 20), (*SHARED, 21, 22, 23), (*SHARED, 9, 20, 20, 30, 31)],
    "with nothing in common": [(11, 12), (13, 14, 15)],
    "one the beginning of another": [SHARED, (*SHARED, 40, 41)],
    "all equal": [SHARED, SHARED, SHARED],
    "of one token": [(5,), (5, 6)],
    "one alone": [SHARED],
}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("method", [None, *METHODS])
def test_a_beginning_that_all_share_is_read_once_and_changes_no_answer(
    tiny: TorchRuntime, prompts: Sequence[tuple[int, ...]], method: str | None
) -> None:
    model = tiny._lm.model
    rates = {"lora": 1e-2, "prefix": 1e-1, "side": 1e-2}
    wearing = nullcontext()
    if method is not None:
        recipe = Recipe(method=method, steps=6, unrelated=UNRELATED, texts=TEXTS)
        trained = tiny.train(EXAMPLES, replace(recipe, learning_rate=rates[method]))
        wearing = worn(model, [tiny._learner._adapters.get(stored(trained.content))])  # type: ignore[assignment]
    with wearing:
        alone = [write_together(model, [one], limit=5, stop=())[0] for one in prompts]
        together = write_together(model, prompts, limit=5, stop=(), alike=True)
    assert together == alone
