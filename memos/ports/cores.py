"""Keeping to one core: numpy's matrix library would wake its other threads for nothing.

What a search multiplies is small, and so is what is made of one text. Shared by threads it is no
sooner done, and each of them then waits busily for more: half of the CPU time of a search.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_LOCK = threading.Lock()


class _Limit:
    """How many are inside; the first sets the limit, the last takes it away.

    The number of threads is the whole process's, so it must not be set back while another is in.
    """

    inside = 0
    before: tuple[tuple[Any, int], ...] = ()

    @classmethod
    def enter(cls) -> None:
        with _LOCK:
            if not cls.inside:
                libraries = _libraries(len(sys.modules))
                cls.before = tuple((each, each.num_threads) for each in libraries)
                _set((each, 1) for each in libraries)
            cls.inside += 1

    @classmethod
    def leave(cls) -> None:
        with _LOCK:
            cls.inside -= 1
            if not cls.inside:
                _set(cls.before)


@contextmanager
def one_core() -> Iterator[None]:
    """Within it, whatever the threads that are in it at once, numpy multiplies on one core."""
    _Limit.enter()
    try:
        yield
    finally:
        _Limit.leave()


def _set(counts: Iterable[tuple[Any, int]]) -> None:
    for library, count in counts:
        # Newer releases heed only the thread that set the first limit, until it is let go.
        release = getattr(library, "clear_controlling_thread", None)
        if release is not None:
            release(force=True)
        library.set_num_threads(count)


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> Sequence[Any]:
    """The matrix libraries that are loaded, with so many modules imported; asked under the lock.

    To look takes milliseconds, so it is done anew only where more modules are imported than at
    the last look: one of them may have brought a library of its own, as scipy does.
    """
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
