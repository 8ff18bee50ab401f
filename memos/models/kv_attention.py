"""Attention over blocks where they lie: each is attended to by itself, then the parts are joined.

For a query q and keys K_b, values V_b of block b: o_b = softmax(q K_b) V_b with the logarithm l_b
of the sum under the softmax. Over all blocks o = Σ_b exp(l_b - l) o_b with l = log Σ_b exp(l_b):
the online softmax (Milakov and Gimelshein 2018, arXiv 1805.02867), cut as FlashDecoding cuts it.

What a block contributes depends on neither where it lies nor what lies beside it, so the result
has the same bits whether the blocks were loaded or have just been computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    from memos.models.kv_cache import PagedLayer


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

    layer: Attends | None = getattr(key, "paged", None)
    if layer is None:
        joined, nothing = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
        return joined, nothing
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return layer.attend(query, scale), None


def attend(query: torch.Tensor, layer: PagedLayer, scale: float) -> torch.Tensor:
    """Attend from the tokens that the layer was given last to all of its tokens.

    Args:
        query: [1, query heads, S, width].
        layer: what is attended to.
        scale: by which the products are multiplied.

    Returns:
        [1, query heads, S, value width]
    """
    _, heads, length, width = query.shape
    folded = query.reshape(1, layer.heads, heads // layer.heads * length, width)
    outs, sums = [], []
    for keys, values in layer.closed():
        # [n, T, heads, width]: all blocks of a run at once, each with the same queries
        spread = folded.expand(keys.shape[0], -1, -1, -1)
        out, total = part_of(
            spread, keys.transpose(1, 2), values.transpose(1, 2), mask=None, scale=scale
        )
        outs.append(out)
        sums.append(total)
    keys, values = layer.open()
    mask = _causal(length, keys.shape[0], heads // layer.heads, query)
    out, total = part_of(
        folded, keys.transpose(0, 1)[None], values.transpose(0, 1)[None], mask=mask, scale=scale
    )
    outs.append(out)
    sums.append(total)
    joined = joined_of(outs, sums) if len(outs) > 1 else outs[0]
    return joined.reshape(1, heads, length, joined.shape[-1])


def joined_of(outs: list[torch.Tensor], sums: list[torch.Tensor]) -> torch.Tensor:
    """One result [1, heads, rows, width] of partial ones and their log-sums [n, heads, rows]."""
    import torch

    parts, totals = torch.cat(outs), torch.cat(sums)
    weights = torch.softmax(totals.float(), dim=0)[..., None]
    return (parts.float() * weights).sum(dim=0, keepdim=True).to(parts.dtype)


def _causal(queries: int, keys: int, groups: int, like: torch.Tensor) -> torch.Tensor | None:
    """[groups * queries, keys]: the last ``queries`` keys are the queries' own tokens."""
    import torch

    if queries == 1:
        return None
    seen = torch.ones(queries, keys, dtype=torch.bool, device=like.device).tril(keys - queries)
    mask = torch.zeros(queries, keys, dtype=like.dtype, device=like.device)
    return mask.masked_fill(~seen, float("-inf")).repeat(groups, 1)


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
