"""What is held in numbers of 16 bits, for as long as it pays."""

from __future__ import annotations

import pytest
import torch

from memos.models.halves import pays, weighing_half


@pytest.fixture
def linear() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(4, 4)


def test_only_linear_layers_weigh_half_and_all_are_afterwards_what_they_were(
    linear: torch.nn.Linear,
) -> None:
    norm, embedding = torch.nn.LayerNorm(4), torch.nn.Embedding(4, 4)
    whole = linear.weight.data
    copied = whole.clone()
    with weighing_half([linear, norm, embedding], half=True):
        assert linear.weight.dtype == torch.bfloat16
        assert torch.equal(linear.weight, copied.bfloat16())
        assert {norm.weight.dtype, embedding.weight.dtype} == {torch.float32}
    assert linear.weight.data.data_ptr() == whole.data_ptr()
    assert torch.equal(linear.weight, copied)


def test_weights_come_back_where_something_fails(linear: torch.nn.Linear) -> None:
    before = linear.weight.data.data_ptr()
    with pytest.raises(RuntimeError, match="no"), weighing_half([linear], half=True):
        raise RuntimeError("no")
    assert linear.weight.data.data_ptr() == before


def test_a_weight_of_two_layers_is_one_weight(linear: torch.nn.Linear) -> None:
    tied = torch.nn.Linear(4, 4, bias=False)
    tied.weight = linear.weight
    with weighing_half([linear, tied], half=True):
        assert tied.weight.data_ptr() == linear.weight.data_ptr()
    assert tied.weight.dtype == torch.float32


def test_a_weight_that_embeds_tokens_can_be_spared() -> None:
    embedding, head = torch.nn.Embedding(5, 4), torch.nn.Linear(4, 5, bias=False)
    head.weight = embedding.weight
    other = torch.nn.Linear(4, 4)
    with weighing_half([embedding, head, other], half=True, spared=embedding.weight):
        assert embedding.weight.dtype == torch.float32
        assert other.weight.dtype == torch.bfloat16


def test_nothing_changes_where_halves_do_not_pay(linear: torch.nn.Linear) -> None:
    with weighing_half([linear], half=False):
        assert linear.weight.dtype == torch.float32


def test_a_gpu_computes_in_the_numbers_of_the_model() -> None:
    assert not pays(torch.device("cuda"))
