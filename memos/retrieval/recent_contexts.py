"""The last context of each conversation, without its words: what the next one begins with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from memos.retrieval.context import Context

if TYPE_CHECKING:
    from collections.abc import Hashable

_MOST = 50_000
"""Memories whose places are remembered, over all contexts: some ten megabytes."""
_NONE = Context()


class RecentContexts:
    """Remembers, for each way to ask, where which memory stood; those asked for last.

    It holds ids and digests, no word of any memory, and is gone when the store is closed.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._contexts: OrderedDict[Hashable, Context] = OrderedDict()
        self._lock = threading.Lock()

    def last(self, asked: Hashable) -> Context:
        """The last context that was asked for in this way; an empty one where there is none."""
        with self._lock:
            return self._contexts.get(asked, _NONE)

    def keep(self, asked: Hashable, context: Context) -> None:
        """Remember a context as the last."""
        with self._lock:
            self._contexts[asked] = context.wordless()
            self._contexts.move_to_end(asked)
            while len(self._contexts) > 1 and self._placed() > self._most:
                self._contexts.popitem(last=False)

    def _placed(self) -> int:
        return sum(1 + len(one.layout) for one in self._contexts.values())
