"""A cache for transformers over pages of a slab: stored blocks are read where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.cache_utils import Cache, CacheLayerMixin

from memos.models.kv_attention import joined_of, part_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from memos.models.kv_attention_triton import Table
    from memos.models.kv_pages import Pages


class PagedLayer(CacheLayerMixin):  # type: ignore[misc]
    """One layer of a :class:`PagedCache`."""

    is_sliding = False
    is_croppable = True

    def __init__(
        self, pages: Pages, number: int, *, gathered: bool, wait: Callable[[int], None] | None
    ) -> None:
        super().__init__()
        self._pages, self._number, self._gathered, self._wait = pages, number, gathered, wait
        self._keys, self._values = pages.slab.keys[number], pages.slab.values[number]
        self.heads = pages.slab.layout.heads
        self.is_initialized = True
        self.device = pages.slab.device
        self.dtype = pages.slab.memory.dtype

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing: the pages are there."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values [1, heads, S, width]; first, this layer's blocks are waited for.

        Returns:
            What :func:`memos.models.kv_attention.attention` knows the pages by; or, for any other
            attention, all keys and values [1, heads, T, width], copied.
        """
        if self._wait is not None:
            self._wait(self._number)
        if self._number == 0:
            self._pages.append(key_states.shape[2])
        done = 0
        for piece in self._pages.last:
            into, part = (
                slice(piece.start, piece.start + piece.count),
                slice(done, done + piece.count),
            )
            self._keys[piece.page, into] = key_states[0, :, part].transpose(0, 1)
            self._values[piece.page, into] = value_states[0, :, part].transpose(0, 1)
            done += piece.count
        if self._gathered:
            return self._all()
        marked = key_states.view_as(key_states)
        marked.paged = self  # type: ignore[attr-defined]
        return marked, value_states

    def closed(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Keys and values [n, T, heads, width] of each run of blocks."""
        return [
            (self._keys[run.page : run.page + run.count, : run.tokens],
             self._values[run.page : run.page + run.count, : run.tokens])
            for run in self._pages.closed()
        ]  # fmt: skip

    def open(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [T, heads, width] of the pages that were appended to last."""
        import torch

        pages = self._pages.opened()
        keys = [self._keys[page, :tokens] for page, tokens in pages]
        values = [self._values[page, :tokens] for page, tokens in pages]
        if len(pages) == 1:
            return keys[0], values[0]
        return torch.cat(keys), torch.cat(values)

    def attend(self, query: torch.Tensor, scale: float) -> torch.Tensor:
        """Attend from the tokens that were appended last to all that stand before each."""
        if query.device.type == "cuda":
            from memos.models import kv_attention_triton

            return kv_attention_triton.attend(query, *self.in_slab(), self.table(), scale)
        return _attended(query, self, scale).transpose(1, 2)

    def in_slab(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [pages, T, heads, width] of this layer, of all texts there are."""
        return self._keys, self._values

    def table(self) -> Table:
        """Which of the pages this text lies in."""
        return self._pages.table()

    def get_seq_length(self) -> int:
        """How many tokens the layer has."""
        return self._pages.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """How long keys are in an attention, and from where."""
        return self._pages.length + query_length, 0

    def get_max_length(self) -> int:
        """No limit but the slab's."""
        return -1

    def crop(self, tokens_to_remove: int) -> None:
        """Take the last tokens away."""
        if self._number == 0:
            self._pages.crop(abs(tokens_to_remove))

    def reset(self) -> None:
        """Refused: the tokens belong to whoever stored them."""
        raise ValueError("a paged cache cannot be reset; make a new one")

    def reorder_cache(self, beam_idx: torch.LongTensor) -> None:
        """Refused: there is one row."""
        raise ValueError(f"a paged cache holds one text, and cannot be reordered by {beam_idx}")

    def _all(self) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        parts = [(keys.flatten(0, 1), values.flatten(0, 1)) for keys, values in self.closed()]
        parts.append(self.open())
        keys, values = (torch.cat(part).transpose(0, 1)[None] for part in zip(*parts, strict=True))
        return keys, values


class PagedCache(Cache):  # type: ignore[misc]
    """The attention state of one text, over pages of a slab; batches of one.

    Args:
        pages: what was read already, and where to append.
        gathered: whether the model uses another attention than ours, which needs keys in one
            piece: they are then copied at every step.
        wait: called with a layer's number before its blocks are first read.
    """

    def __init__(
        self,
        pages: Pages,
        *,
        gathered: bool = False,
        wait: Callable[[int], None] | None = None,
    ) -> None:
        numbers = range(pages.slab.layout.layers)
        self.pages = pages
        super().__init__(
            layers=[PagedLayer(pages, n, gathered=gathered, wait=wait) for n in numbers]
        )


def _attended(query: torch.Tensor, layer: PagedLayer, scale: float) -> torch.Tensor:
    """From the tokens that the layer was given last to all of its tokens, block by block.

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


def _causal(queries: int, keys: int, groups: int, like: torch.Tensor) -> torch.Tensor | None:
    """[groups * queries, keys]: the last ``queries`` keys are the queries' own tokens."""
    import torch

    if queries == 1:
        return None
    seen = torch.ones(queries, keys, dtype=torch.bool, device=like.device).tril(keys - queries)
    mask = torch.zeros(queries, keys, dtype=like.dtype, device=like.device)
    return mask.masked_fill(~seen, float("-inf")).repeat(groups, 1)
