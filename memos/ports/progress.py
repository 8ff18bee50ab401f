"""How long work tells of itself."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, units done, units in all). It must not raise."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress for nobody."""
