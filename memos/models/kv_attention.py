"""Attention over blocks where they lie: each is attended to by itself, then the parts are joined.

For a query q and keys K_b, values V_b of block b: o_b = softmax(q K_b) V_b with the logarithm l_b
of the sum under the softmax. Over all blocks o = Σ_b exp(l_b - l) o_b with l = log Σ_b exp(l_b):
the online softmax (Milakov and Gimelshein 2018, arXiv 1805.02867), cut as FlashDecoding cuts it.

What a block contributes depends on neither where it lies nor what lies beside it, so the result
has the same bits whether the blocks were loaded or have just been computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from memos.models import attention_learning
from memos.models.attention_before import ARGUMENT

if TYPE_CHECKING:
    import torch

    from memos.models.attention_before import Before


class Attends(Protocol):
    """A layer of a cache that knows how its own keys are attended to."""

    def attend(self, query: torch.Tensor, scale: float) -> torch.Tensor:
        """From [rows, query heads, S, width] to [rows, S, query heads, value width]."""
        ...


NAME = "memos_paged"
"""What transformers knows this attention by."""


def register() -> None:
    """Make the attention known to transformers; doing it again changes nothing."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls; keys that no paged cache has marked are attended to as ever."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    layer: Attends | None = getattr(key, "paged", None)
    if layer is None:
        before: Before | None = others.pop(ARGUMENT, None)

        def usual(
            query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
        ) -> torch.Tensor:
            if mask is not None and attention_learning.pays(query):
                return attention_learning.attend(query, key, value, mask, scale=scale)
            given = query, key, value, mask
            return sdpa_attention_forward(module, *given, scaling=scaling, **others)[0]  # type: ignore[no-any-return]

        if before is None:
            return usual(query, key, value, attention_mask), None
        return before.attend(usual, module.layer_idx, (query, key, value, attention_mask)), None
    return layer.attend(query, scale), None


def joined_of(outs: list[torch.Tensor], sums: list[torch.Tensor]) -> torch.Tensor:
    """One result [1, heads, rows, width] of partial ones and their log-sums [n, heads, rows]."""
    import torch

    parts, totals = torch.cat(outs), torch.cat(sums)
    weights = torch.softmax(totals.float(), dim=0)[..., None]
    return (parts.float() * weights).sum(dim=0, keepdim=True).to(parts.dtype)


def part_of(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    *,
    mask: torch.Tensor | None,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention within some keys: [n, heads, rows, width], and its log-sums [n, heads, rows].

    Args:
        query: [n, heads, rows, width].
        keys: [n, heads, T, width].
        values: [n, heads, T, value width].
        mask: added to the products; None where all keys are seen.
        scale: by which the products are multiplied.
    """
    import torch

    if query.device.type == "cpu" and keys.shape[-1] == values.shape[-1]:
        out, total = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(  # noqa: SLF001
            query, keys, values, 0.0, False, attn_mask=mask, scale=scale
        )
        return out, total
    scores = (query.float() @ keys.float().transpose(-1, -2)) * scale
    if mask is not None:
        scores = scores + mask.float()
    total = torch.logsumexp(scores, dim=-1)
    out = torch.exp(scores - total[..., None]) @ values.float()
    return out.to(query.dtype), total
