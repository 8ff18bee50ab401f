"""What lies between a GPU's pages and the page-locked memory beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from memos.models.kv_graph import Graphs
from memos.models.kv_upload import Uploader
from memos.ports.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.models.kv_host import HostSlab
    from memos.models.kv_pool import Move, Pool, Resident
    from memos.models.kv_slab import Slab


class Bridge:
    """Blocks go up layer by layer, on a stream of their own; those that have to go come down."""

    def __init__(self, host: HostSlab, device: Slab) -> None:
        self._device = device
        # an event that a captured graph waits for, and that is recorded outside of it
        self._ready = [torch.cuda.Event(external=True) for _ in range(device.layout.layers)]
        for event in self._ready:
            event.record()
        self._uploader = Uploader(host, device, self._ready)

    def bring(self, moves: Sequence[Move]) -> None:
        """Begin to copy blocks to the GPU."""
        self._uploader.start(moves)

    def end(self) -> None:
        """Wait until they have come."""
        self._uploader.end()

    def wait(self, layer: int) -> None:
        """What is computed from here on sees all blocks of a layer."""
        torch.cuda.current_stream(self._device.device).wait_event(self._ready[layer])

    def graphs(self, model: Any) -> Graphs:
        """Captured passes of a model, which wait for each layer's blocks."""
        return Graphs(model, self._device, self._ready)

    def spilling(self, ram: Pool) -> Callable[[Resident], None]:
        """What puts a block into memory that has to leave the GPU."""

        def spill(one: Resident) -> None:
            state = self._device.state(one.page, one.tokens)
            ram.put(Block(one.name, "", 0, one.tokens), state)

        return spill
