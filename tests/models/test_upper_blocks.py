"""A model that is cut between its blocks computes what it does whole, or is not cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memos.models import lora
from memos.models.lesson import Lesson
from memos.models.packed import Passage
from memos.models.reading_below import Below
from memos.models.upper_blocks import can_be_cut, first_of, lower, upper
from memos.ports.runtime import Recipe
from memos.testing.tiny_model import tiny_causal

TOKENS = tuple(range(3, 20))
PASSAGES = (Passage(TOKENS[:9], 4), Passage(TOKENS[5:], 1), Passage(TOKENS[:4], 3))
SHARED = TOKENS[:3]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_causal("llama", num_hidden_layers=4)


@pytest.fixture(scope="module")
def scaled() -> Any:
    """It multiplies embeddings before its first block, those that it is given as well."""
    return tiny_causal("granite", embedding_multiplier=6.0)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.tensor([TOKENS])).logits  # type: ignore[no-any-return]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_the_upper_blocks_go_on_where_the_lower_ones_end(model: Any, first: int) -> None:
    whole = logits(model)
    with torch.no_grad():
        with lower(model, first) as made:
            model(input_ids=torch.tensor([TOKENS]))
        with upper(model, first):
            cut = model(inputs_embeds=made()).logits
    torch.testing.assert_close(cut, whole)
    assert can_be_cut(model, first, TOKENS)
    assert len(model.model.layers) == 4
    assert torch.equal(logits(model), whole)


def test_an_error_within_leaves_the_model_whole(model: Any) -> None:
    for cut in (lower(model, 2), upper(model, 2)):
        with pytest.raises(KeyError), cut:
            raise KeyError
    assert len(model.model.layers) == 4
    assert not any(module._forward_hooks for module in model.modules())


def test_what_lies_below_is_a_share_of_the_blocks(model: Any) -> None:
    assert [first_of(model, share) for share in (0.0, 0.5, 0.8)] == [0, 2, 3]
    assert first_of(torch.nn.Linear(2, 2), 0.5) == 0


def test_passages_are_predicted_alike_above_and_in_the_whole(model: Any) -> None:
    whole = Below(model, PASSAGES, SHARED, 0).anchors()
    cut = Below(model, PASSAGES, SHARED, 2).anchors()
    for one, other in zip(whole, cut, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_a_model_that_cannot_be_cut_is_trained_whole(model: Any, scaled: Any) -> None:
    lesson = Lesson(PASSAGES, (), (), SHARED)
    assert not can_be_cut(scaled, 1, TOKENS)
    assert lora.trainee(scaled, lesson, Recipe(below=0.5)).first == 0
    assert lora.trainee(model, lesson, Recipe(below=0.5)).first == 2
