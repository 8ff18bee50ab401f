"""Attention by hand gives what torch's kernel gives, and the same gradients."""

from __future__ import annotations

import pytest
import torch

from memos.models.attention_learning import attend, pays

SCALE = 0.25


def _made(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)

    def made(heads: int) -> torch.Tensor:
        return torch.randn(2, heads, 12, 16).to(dtype).requires_grad_()

    return made(6), made(2), made(2)


def _mask(dtype: torch.dtype) -> torch.Tensor:
    seen = torch.ones(12, 12, dtype=torch.bool).tril()
    seen[7:, 2:7] = False  # another passage of the same row
    return torch.zeros(1, 1, 12, 12, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 5e-2)])
def test_it_is_the_kernels_attention_forwards_and_back(dtype: torch.dtype, near: float) -> None:
    mask, given = _mask(dtype), _made(dtype)
    sdpa = torch.nn.functional.scaled_dot_product_attention
    kernel = sdpa(*given, attn_mask=mask, scale=SCALE, enable_gqa=True).transpose(1, 2)
    expected = torch.autograd.grad(kernel.float().square().sum(), given)
    by_hand = attend(*given, mask, scale=SCALE)
    found = torch.autograd.grad(by_hand.float().square().sum(), given)
    torch.testing.assert_close(by_hand, kernel, rtol=near, atol=near)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=5 * near, atol=5 * near)


def test_it_pays_only_where_16_bits_are_learnt_through() -> None:
    learnt = _made(torch.bfloat16)[0]
    assert pays(learnt)
    assert not pays(learnt.detach())
    assert not pays(_made(torch.float32)[0])
