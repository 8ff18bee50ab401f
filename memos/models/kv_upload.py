"""Blocks on their way from pinned memory to a GPU, layer by layer, while the model computes.

copy stream     | layer 0 | layer 1 | layer 2 | …
                      event     event
compute stream            | layer 0 | layer 1 | …     layer i waits for its own event alone
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.models.kv_slab import Slab


class Uploader:
    """Copies pages of one slab to pages of another, on a stream of its own."""

    def __init__(self, host: Slab, device: Slab, ready: Sequence[torch.cuda.Event]) -> None:
        """Between two slabs of one layout; ``ready[i]`` is recorded when layer i has come."""
        self._host, self._device, self._ready = host, device, ready
        self._stream = torch.cuda.Stream(device.device)

    def start(self, moves: Sequence[tuple[int, int]]) -> None:
        """Begin to copy: (page of the host, page of the device).

        What the device is computing now is waited for: it may read the pages still.
        """
        runs = _runs(moves)
        host, device = self._host.memory, self._device.memory
        self._stream.wait_stream(torch.cuda.current_stream(self._device.device))
        with torch.cuda.stream(self._stream):
            for layer, event in enumerate(self._ready):
                for source, target, count in runs:
                    device[layer, target : target + count].copy_(
                        host[layer, source : source + count], non_blocking=True
                    )
                event.record(self._stream)

    def end(self) -> None:
        """Wait until everything has come."""
        self._ready[-1].synchronize()


def _runs(moves: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(first page, first page, how many) of pages that lie side by side in both slabs."""
    runs: list[tuple[int, int, int]] = []
    for source, target in moves:
        if runs and (runs[-1][0] + runs[-1][2], runs[-1][1] + runs[-1][2]) == (source, target):
            runs[-1] = (runs[-1][0], runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((source, target, 1))
    return runs
