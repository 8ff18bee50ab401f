"""Several questions on one text at once: they share its blocks, and each has its own tail.

blocks of the text, in the slab, read by all | row 0: ····question answer
                                             | row 1: question answer        · is padding
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from memos.models.decode import last_logits
from memos.models.kv_attention import joined_of, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from memos.models.kv_pages import Pages


class _Layer(CacheLayerMixin):  # type: ignore[misc]
    """One layer: pages that all rows share, and a tail [rows, heads, t, width] that grows."""

    is_sliding = False

    def __init__(self, batch: _Batch, number: int) -> None:
        super().__init__()
        self._batch, self._number = batch, number
        self._keys: torch.Tensor | None = None
        self._values: torch.Tensor | None = None
        self.is_initialized = True

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing: the pages are there."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values [rows, heads, S, width] to the tails."""
        if self._batch.wait is not None:
            self._batch.wait(self._number)
        if self._keys is None or self._values is None:
            self._keys, self._values = key_states, value_states
        else:
            self._keys = torch.cat([self._keys, key_states], dim=2)
            self._values = torch.cat([self._values, value_states], dim=2)
        marked = key_states.view_as(key_states)
        marked.paged = self  # type: ignore[attr-defined]
        return marked, value_states

    def attend(self, query: torch.Tensor, scale: float) -> torch.Tensor:
        """Attend from [rows, query heads, S, width]: to all pages, and each row to its own tail."""
        keys, values = self._keys, self._values
        if keys is None or values is None:
            raise ValueError("nothing was appended yet")
        rows, query_heads, length, width = query.shape
        heads = keys.shape[1]
        per_head = query.reshape(rows, heads, -1, width)  # [rows, heads, groups * S, width]
        together = per_head.transpose(0, 1).reshape(1, heads, -1, width)
        outs, sums = [], []
        for run in self._batch.pages.runs():
            pages = slice(run.page, run.page + run.count)
            stored = [
                side[self._number, pages, : run.tokens].transpose(1, 2)
                for side in (self._batch.pages.slab.keys, self._batch.pages.slab.values)
            ]
            spread = together.expand(run.count, -1, -1, -1)
            out, total = part_of(spread, *stored, mask=None, scale=scale)
            count = run.count
            outs.append(out.view(count, heads, rows, -1, out.shape[-1]).transpose(1, 2))
            sums.append(total.view(count, heads, rows, -1).transpose(1, 2))
        mask = self._batch.mask(length, keys.shape[2], query_heads // heads, query)
        out, total = part_of(per_head, keys, values, mask=mask, scale=scale)
        parts = torch.cat([*outs, out[None]]), torch.cat([*sums, total[None]])
        joined = joined_of([parts[0]], [parts[1]])[0]
        return joined.reshape(rows, query_heads, length, -1).transpose(1, 2)

    def get_seq_length(self) -> int:
        """How many tokens a row has, padding included."""
        return self._batch.pages.length + (0 if self._keys is None else self._keys.shape[2])

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Of no use: the mask is our own."""
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        """No limit but memory."""
        return -1


class _Batch:
    """What the layers share."""

    def __init__(
        self, pages: Pages, gaps: torch.Tensor, wait: Callable[[int], None] | None
    ) -> None:
        self.pages, self.wait = pages, wait
        self._gaps = gaps
        """[rows]: how many tokens of padding stand before each question."""

    def mask(self, queries: int, keys: int, groups: int, like: torch.Tensor) -> torch.Tensor:
        """[rows, 1, groups * queries, keys]: no row sees padding, no token what follows it."""
        column = torch.arange(keys, device=like.device)
        seen = column[None, :] <= torch.arange(keys - queries, keys, device=like.device)[:, None]
        real = column[None, None, :] >= self._gaps[:, None, None]
        # a padding token sees itself, or there were nothing to divide by
        itself = column[None, :] == torch.arange(keys - queries, keys, device=like.device)[:, None]
        allowed = (seen & real) | itself
        mask = torch.zeros(allowed.shape, dtype=like.dtype, device=like.device)
        return mask.masked_fill(~allowed, float("-inf")).repeat(1, groups, 1)[:, None]


def write_batch(
    model: Any,
    pages: Pages,
    questions: Sequence[Sequence[int]],
    *,
    limit: int,
    stop: Collection[int],
    wait: Callable[[int], None] | None = None,
) -> list[tuple[int, ...]]:
    """Continue several questions greedily, each behind the text in ``pages``.

    Padding changes the last bits of a computation, so where two tokens are all but equal an
    answer can differ from the one that a question alone gets.

    Args:
        model: attends by ``memos.models.kv_attention``.
        pages: the text; nothing is appended to it.
        questions: token ids, each at least one.
        limit: how many tokens to write for each, at most.
        stop: tokens that end an answer.
        wait: called with a layer's number before its blocks are first read.
    """
    device = pages.slab.device
    longest = max(map(len, questions))
    gaps = torch.tensor([longest - len(one) for one in questions], device=device)
    ids = torch.tensor([[0] * (longest - len(one)) + list(one) for one in questions], device=device)
    batch = _Batch(pages, gaps, wait)
    cache = Cache(layers=[_Layer(batch, n) for n in range(pages.slab.layout.layers)])
    start = pages.length - gaps[:, None]
    positions = (start + torch.arange(longest, device=device)).clamp(min=0)
    unused = torch.zeros((1, 1, 1, 1), dtype=torch.bool, device=device)
    answers: list[list[int]] = [[] for _ in questions]
    running = set(range(len(questions)))
    with torch.inference_mode():
        for _ in range(limit):
            inputs = {"input_ids": ids, "position_ids": positions, "attention_mask": unused}
            ids = last_logits(model, cache, **inputs).argmax(-1, keepdim=True)
            tokens = ids[:, 0].tolist()
            running -= {row for row in running if tokens[row] in stop}
            if not running:
                break
            for row in running:
                answers[row].append(tokens[row])
            positions = positions[:, -1:] + 1
    return [tuple(answer) for answer in answers]
