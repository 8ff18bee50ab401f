"""Blocks on their way from page-locked memory to a GPU, layer by layer, while the model computes.

copy stream     | layer 0 | layer 1 | layer 2 | …
decode stream             | layer 0 | layer 1 | …       only where blocks are kept in fewer bits
compute stream                      | layer 0 | …       layer i waits for its own event alone
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from memos.models.kv_codec import decode_layers
from memos.models.kv_decode_triton import decode_int8
from memos.models.kv_state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.models.kv_host import HostSlab
    from memos.models.kv_pool import Move
    from memos.models.kv_slab import Slab

_AHEAD = 2
"""Layers whose bytes may have come and are not decoded yet."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Blocks of one length that lie side by side in both places."""

    source: int
    target: int
    count: int
    tokens: int


class Uploader:
    """Copies blocks from a host's pages to a GPU's, on streams of its own.

    Args:
        host: where blocks are.
        device: where they go, and are as the model computed them, or as near as the codec is.
        ready: an event for each layer, recorded when all its blocks have come.
    """

    def __init__(self, host: HostSlab, device: Slab, ready: Sequence[torch.cuda.Event]) -> None:
        self._host, self._device, self._ready = host, device, ready
        self._copying = torch.cuda.Stream(device.device)
        self._decoding = torch.cuda.Stream(device.device)
        self._came = [torch.cuda.Event() for _ in range(_AHEAD)]
        self._read = [torch.cuda.Event() for _ in range(_AHEAD)]
        self._staged: list[torch.Tensor] = []

    def start(self, moves: Sequence[Move]) -> None:
        """Begin to copy. What the device computes now is waited for: it may read the pages."""
        runs = _runs(moves, self._device.layout.block_tokens)
        now = torch.cuda.current_stream(self._device.device)
        self._copying.wait_stream(now)
        self._decoding.wait_stream(now)
        direct = [run for run in runs if self._is_direct(run)]
        coded = [run for run in runs if not self._is_direct(run)]
        self._make_room(coded)
        for layer, event in enumerate(self._ready):
            with torch.cuda.stream(self._copying):
                for run in direct:
                    self._copy(layer, run)
                if not coded:
                    event.record(self._copying)
            if coded:
                self._stage(layer, coded)
                event.record(self._decoding)

    def end(self) -> None:
        """Wait until everything has come."""
        self._ready[-1].synchronize()

    def _is_direct(self, run: _Run) -> bool:
        return self._host.codec == "raw" and run.tokens == self._device.layout.block_tokens

    def _copy(self, layer: int, run: _Run) -> None:
        """A layer of full blocks lies in the host as it shall lie in the device."""
        source = self._host.memory[layer, run.source : run.source + run.count]
        target = self._device.memory[layer, run.target : run.target + run.count]
        target.view(torch.uint8).copy_(source, non_blocking=True)

    def _stage(self, layer: int, runs: Sequence[_Run]) -> None:
        """Copy the bytes of a layer, and decode them while those of the next are copied."""
        turn = layer % _AHEAD
        staged, rows = self._staged[turn], []
        with torch.cuda.stream(self._copying):
            self._copying.wait_event(self._read[turn])
            begin = 0
            for run in runs:
                size = self._host.form(run.tokens).layer_bytes
                source = self._host.memory[layer, run.source : run.source + run.count]
                into = staged[begin : begin + run.count * self._host.page_bytes]
                into = into.view(run.count, -1)
                into.copy_(source, non_blocking=True)
                rows.append(into[:, :size])
                begin += run.count * self._host.page_bytes
            self._came[turn].record(self._copying)
        with torch.cuda.stream(self._decoding):
            self._decoding.wait_event(self._came[turn])
            for run, part in zip(runs, rows, strict=True):
                self._decode(layer, run, part)
            self._read[turn].record(self._decoding)

    def _decode(self, layer: int, run: _Run, rows: torch.Tensor) -> None:
        form = replace(self._host.form(run.tokens), layers=run.count)
        pages = slice(run.target, run.target + run.count)
        out = State(
            self._device.keys[layer, pages, : run.tokens],
            self._device.values[layer, pages, : run.tokens],
        )
        if form.codec == "int8":
            decode_int8(rows, form, out)
        else:
            decode_layers(rows.reshape(-1), form, slice(0, run.count), out)

    def _make_room(self, runs: Sequence[_Run]) -> None:
        needed = sum(run.count for run in runs) * self._host.page_bytes
        if needed and (not self._staged or self._staged[0].numel() < needed):
            self._staged = [
                torch.empty(needed, dtype=torch.uint8, device=self._device.device)
                for _ in range(_AHEAD)
            ]


def _runs(moves: Sequence[Move], block_tokens: int) -> list[_Run]:
    runs: list[_Run] = []
    for move in moves:
        last = runs[-1] if runs else None
        if (
            last is not None
            and move.tokens == last.tokens == block_tokens
            and (last.source + last.count, last.target + last.count) == (move.source, move.target)
        ):
            runs[-1] = replace(last, count=last.count + 1)
        else:
            runs.append(_Run(move.source, move.target, 1, move.tokens))
    return runs
