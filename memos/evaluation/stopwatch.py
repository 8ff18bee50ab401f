"""Wall time and CPU time of the same piece of work."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds; those of the CPU are the whole process's, over all its threads."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu)


class Stopwatch:
    """Adds up what is spent inside its ``with`` blocks."""

    def __init__(self) -> None:
        self.spent = Spent()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count until the end of the block."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.spent += Spent(time.perf_counter() - wall, time.process_time() - cpu)
