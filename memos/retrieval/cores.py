"""Searching on one core: numpy's matrix library would wake its other threads for nothing.

What a search multiplies is small. Shared by threads it is no sooner done, and each of them then
waits busily for more: measured, half of the CPU time of a search.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Limit:
    """How many are inside; the first sets the limit, the last takes it away.

    The number of threads is the whole process's, so it must not be set back while another is in.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._controller = ThreadpoolController().select(user_api="blas")
        self._before: list[int] = []

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if not self._inside:
                self._before = [each.num_threads for each in self._controller.lib_controllers]
                self._set([1] * len(self._before))
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._set(self._before)

    def _set(self, counts: list[int]) -> None:
        for library, count in zip(self._controller.lib_controllers, counts, strict=True):
            library.set_num_threads(count)


@cache
def _limit() -> _Limit:
    return _Limit()


@contextmanager
def one_core() -> Iterator[None]:
    """Within it, whatever the threads that are in it at once, numpy multiplies on one core."""
    with _limit().held():
        yield
