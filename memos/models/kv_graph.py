"""One forward pass over pages as a CUDA graph: launched at once, for any text.

An eager pass of a model of 32 layers spends some 20 ms on launches, whatever there is to do. What
differs from text to text, its pages, tokens and positions, is written to one piece of memory on
the device first; the captured kernels read it there. Before the first kernel of each layer the
graph waits for an event that is recorded outside of it: until then that layer's blocks may still
be on their way.

Questions are padded to the next of some lengths. What the padding adds stands behind the question
in the open page, where no token of the question sees it, and is overwritten by the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from memos.models.kv_attention_triton import Table, attend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.models.kv_pages import Pages
    from memos.models.kv_slab import Slab

_LENGTHS = (1, 16, 32, 64, 128)
"""Calls of so many tokens have a graph each, captured when one is first needed."""


class Graphs:
    """The captured passes of a model over one slab.

    Args:
        model: a transformers model on a GPU, attending by ``memos.models.kv_attention``.
        slab: where the texts lie.
        ready: an event for each layer; see :class:`memos.models.kv_upload.Uploader`.
    """

    def __init__(self, model: Any, slab: Slab, ready: Sequence[torch.cuda.Event]) -> None:
        self._model, self._slab, self._ready = model, slab, ready
        self._pool = torch.cuda.graph_pool_handle()
        self._graphs: dict[int, Graph] = {}

    def run(self, tokens: Sequence[int], cache: Any) -> torch.Tensor | None:
        """Append tokens to a cache; logits [vocabulary], or None where no graph fits."""
        pages: Pages | None = getattr(cache, "pages", None)
        if pages is None or pages.slab is not self._slab:
            return None
        length = next((one for one in _LENGTHS if one >= len(tokens)), None)
        if length is None or not pages.fits(len(tokens), length):
            return None
        graph = self._graphs.get(length)
        if graph is None:
            graph = Graph(self._model, self._slab, length, ready=self._ready, pool=self._pool)
            self._graphs[length] = graph
        return graph.run(tokens, pages).clone()


class _Layer(CacheLayerMixin):  # type: ignore[misc]
    """One layer, whose pages a graph finds by what is written on the device."""

    is_sliding = False

    def __init__(self, graph: Graph, number: int) -> None:
        super().__init__()
        self._graph, self._number = graph, number
        self.heads = graph.slab.layout.heads
        self.is_initialized = True

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing: the pages are there."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values [1, heads, S, width], once this layer's blocks have come."""
        graph = self._graph
        torch.cuda.current_stream().wait_event(graph.ready[self._number])
        keys, values = self.in_slab()
        keys[graph.page_at, graph.token_at] = key_states[0].transpose(0, 1)
        values[graph.page_at, graph.token_at] = value_states[0].transpose(0, 1)
        marked = key_states.view_as(key_states)
        marked.paged = self  # type: ignore[attr-defined]
        return marked, value_states

    def in_slab(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [pages, T, heads, width] of this layer."""
        return self._graph.slab.keys[self._number], self._graph.slab.values[self._number]

    def attend(self, query: torch.Tensor, scale: float) -> torch.Tensor:
        """Attend to the pages that are named on the device when the graph is launched."""
        return attend(query, *self.in_slab(), self._graph.table, scale)

    def get_seq_length(self) -> int:
        """Unknown to the graph: positions are given."""
        return 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Of no use: the mask is given."""
        return query_length, 0

    def get_max_length(self) -> int:
        """No limit but the slab's."""
        return -1


class Graph:
    """A captured pass of ``length`` tokens; see the module."""

    def __init__(
        self, model: Any, slab: Slab, length: int, *, ready: Sequence[torch.cuda.Event], pool: Any
    ) -> None:
        self.slab, self.length, self.ready = slab, length, ready
        size = 3 + 2 * slab.pages + 1 + 4 * length
        self._inputs = torch.zeros(size, dtype=torch.int32, device=slab.device)
        self._staged = torch.zeros(size, dtype=torch.int32, pin_memory=True)
        self._sent = torch.cuda.Event()
        count, self._last, pages, starts, ids, positions, page_at, token_at = self._inputs.split(
            [2, 1, slab.pages, slab.pages + 1, length, length, length, length]
        )
        self.table = Table(pages, starts, count)
        self._ids, self._positions = ids, positions
        self._page_at, self._token_at = page_at, token_at
        self._graph = torch.cuda.CUDAGraph()
        self._capture(model, pool)

    def run(self, tokens: Sequence[int], pages: Pages) -> torch.Tensor:
        """Append tokens to the pages; logits [vocabulary] after them, until the next run."""
        real = len(tokens)
        start = pages.length
        pages.append(real)
        self._sent.synchronize()  # the last call's inputs may still be on their way
        self._write(tokens, pages, start)
        self._inputs.copy_(self._staged, non_blocking=True)
        self._sent.record()
        self._graph.replay()
        logits: torch.Tensor = self.logits
        return logits

    def _write(self, tokens: Sequence[int], pages: Pages, start: int) -> None:
        there, real, padding = pages.all(), len(tokens), self.length - len(tokens)
        (piece,) = pages.last
        starts = [0]
        for _, filled in there:
            starts.append(starts[-1] + filled)
        starts[-1] += padding
        room, staged = self.slab.pages, self._staged
        staged[0], staged[1], staged[2] = len(there), start, real - 1
        at = 3
        for values, size in (
            ([page for page, _ in there], room),
            (starts, room + 1),
            ([*tokens, *[0] * padding], self.length),
            (range(start, start + self.length), self.length),
            ([piece.page] * self.length, self.length),
            (range(piece.start, piece.start + self.length), self.length),
        ):
            listed = torch.tensor(list(values), dtype=torch.int32)
            staged[at : at + len(listed)] = listed
            at += size

    def _capture(self, model: Any, pool: Any) -> None:
        """Record the kernels of a pass over a page of its own."""
        (page,) = self.slab.take(1)
        staged = self._staged
        staged[0], staged[3], staged[4 + self.slab.pages] = 1, page, self.length
        at = 3 + 2 * self.slab.pages + 1 + self.length
        staged[at : at + self.length] = torch.arange(self.length)
        staged[at + self.length : at + 2 * self.length] = page
        staged[at + 2 * self.length :] = torch.arange(self.length)
        self._inputs.copy_(staged)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.inference_mode(), torch.cuda.stream(stream):
            for _ in range(2):  # what is made at the first call must not be captured
                self._pass(model)
            stream.synchronize()
            with torch.cuda.graph(self._graph, pool=pool, stream=stream):
                self.logits = self._pass(model)
        self.slab.give([page])

    def _pass(self, model: Any) -> Any:
        self.page_at, self.token_at = self._page_at.long(), self._token_at.long()
        cache = Cache(layers=[_Layer(self, n) for n in range(self.slab.layout.layers)])
        unused = torch.zeros((1, 1, 1, 1), dtype=torch.bool, device=self.slab.device)
        logits = model(
            input_ids=self._ids.long()[None],
            position_ids=self._positions.long()[None],
            attention_mask=unused,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=self._last.long(),
        ).logits
        return logits[0, -1]
