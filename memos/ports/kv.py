"""All blocks of attention state that a store has, wherever they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

GPU, RAM, DISK, SHARED = "gpu", "ram", "disk", "shared"
PLACES = (GPU, RAM, DISK, SHARED)
"""Fastest first. Without a GPU the model reads where blocks lie in ``ram``."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a place holds, and what it did since the store was opened."""

    place: str
    blocks: int
    used_bytes: int
    budget_bytes: int | None
    """None where whoever runs the place sets its limit."""
    hits: int
    """Blocks that were asked for and lay here."""
    misses: int
    """Blocks that were asked for and did not."""
    read_bytes: int
    read_seconds: float
    written_bytes: int
    written_seconds: float
    evicted: int
    """Blocks that went to make room."""
    damaged: int
    """Blocks that ought to be here and were not, or not as they were put; none was served."""


class Kv(Protocol):
    """Blocks over their places. A block is derived: it can be dropped, and is made anew."""

    def names(self) -> set[str]:
        """Every block there is in a place that is this store's own."""
        ...

    def where(self, names: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """The places that have each of these blocks, fastest first; absent ones are left out."""
        ...

    def drop(self, names: Collection[str]) -> int:
        """Remove blocks everywhere, every byte of them; how many there were.

        From then on none is served. What an answer in progress holds goes when that has ended.
        """
        ...

    def move(self, names: Collection[str], to: str, *, progress: Progress = silent) -> int:
        """Move blocks to a place: copied, read back, verified, and only then dropped elsewhere.

        Returns:
            How many bytes were moved; blocks that are absent, or there already, are passed over.

        Raises:
            BadInput: there is no such place here.
            OutOfSpace: they do not fit; what was moved before stays there.
        """
        ...

    def verify(self, *, progress: Progress = silent) -> list[str]:
        """The names of blocks on disk that are damaged; nothing is changed."""
        ...

    def usage(self) -> tuple[Usage, ...]:
        """What each place holds, fastest first."""
        ...

    def close(self) -> None:
        """Let go of memory and files; blocks on disk stay."""
        ...
