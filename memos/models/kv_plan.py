"""Whether blocks are loaded, computed, or both at once: the least of the three, and pure.

Computing goes from the front, since every block needs those before it; loading can begin anywhere.
So both start at once, computing at the front and loading behind it, as Cake does (Jin et al. 2024,
arXiv 2410.03065): with m blocks computed, what takes longer of the two is waited for.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def computed_first(compute: Sequence[float], load: Sequence[float]) -> int:
    """How many of the first blocks to compute while the others are loaded.

    0 loads all of them, as many as there are computes all of them.

    Args:
        compute: for each block in order, the seconds that computing it takes.
        load: likewise, loading it.
    """
    computing = [0.0, *accumulate(compute)]
    loading = [0.0, *accumulate(reversed(load))][::-1]
    waits = [max(pair) for pair in zip(computing, loading, strict=True)]
    return min(range(len(waits)), key=waits.__getitem__)
