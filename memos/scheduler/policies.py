"""The policies by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import UnknownBackend
from memos.scheduler.arc import Arc
from memos.scheduler.cost import Cost
from memos.scheduler.gdsf import Gdsf
from memos.scheduler.lfu import Lfu
from memos.scheduler.lru import Lru
from memos.scheduler.lru_k import Lru2
from memos.scheduler.s3fifo import S3Fifo
from memos.scheduler.wtinylfu import WTinyLfu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memos.ports.eviction import Eviction

MAKERS: Mapping[str, Callable[[int], Eviction]] = {
    "lru": lambda _: Lru(),
    "lfu": lambda _: Lfu(),
    "lru-2": lambda _: Lru2(),
    "gdsf": lambda _: Gdsf(),
    "arc": Arc,
    "s3-fifo": S3Fifo,
    "w-tinylfu": WTinyLfu,
    "cost": Cost,
}
"""Each is called with the most bytes that the place holds."""


def policy(name: str, budget_bytes: int) -> Eviction:
    """The policy of that name, with an empty book.

    Raises:
        UnknownBackend: there is none.
    """
    if name not in MAKERS:
        raise UnknownBackend(f"no eviction policy is called {name!r}", hint=", ".join(MAKERS))
    return MAKERS[name](budget_bytes)
