"""What an index answers with."""

from __future__ import annotations

from typing import NamedTuple


class Near(NamedTuple):
    """A cube, or a node of the graph, and how near it is to what was asked."""

    id: str
    score: float
    """Higher is nearer; each port says on which scale."""
