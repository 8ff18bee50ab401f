"""Passages in one row are read as if each stood alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos.models.measuring import mean_loss
from memos.models.packed import Packed, Passage

if TYPE_CHECKING:
    from memos.models.runtime_torch import TorchRuntime

SHARED = (1, 40, 41, 42)
PASSAGES = (
    Passage((*SHARED, 50, 51, 52, 53), 6),
    Passage((9, 8, 7, 6, 5), 1),
    Passage((*SHARED, 60, 61), 5),
)
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("shared", [SHARED, (), SHARED[:2]])
def test_a_row_of_passages_predicts_what_each_does_alone(
    tiny: TorchRuntime, shared: tuple[int, ...]
) -> None:
    import torch

    model = tiny._lm.model
    with torch.inference_mode():
        together = Packed(PASSAGES, shared, model.device).predictions(model)
        for passage, said in zip(PASSAGES, together, strict=True):
            ids = torch.tensor([passage.tokens], device=model.device)
            alone = model(input_ids=ids).logits[0].float().log_softmax(-1)
            torch.testing.assert_close(said, alone[passage.start - 1 : -1], atol=1e-4, rtol=1e-4)


def test_the_mean_loss_is_over_tokens_not_over_passages(tiny: TorchRuntime) -> None:
    model = tiny._lm.model
    each = [mean_loss(model, [passage]) for passage in PASSAGES]
    counts = [len(passage.predicted) for passage in PASSAGES]
    expected = sum(a * b for a, b in zip(each, counts, strict=True)) / sum(counts)
    assert mean_loss(model, PASSAGES) == pytest.approx(expected, rel=1e-4)
