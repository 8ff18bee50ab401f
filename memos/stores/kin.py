"""Which English words mean about the same: a table made from an embedding model's vocabulary.

``benchmarks/kin_words.py`` makes it. Nothing in it comes from a store.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.resources import files

_FILE = "kin_words.txt.gz"
"""Lines of ``stem kin:weight kin:weight ...``; weights are percent."""


@lru_cache(maxsize=4096)
def kin_of(stem: str) -> tuple[tuple[str, float], ...]:
    """Stems of words that mean about the same, with weights in (0, 1], the nearest first."""
    told = _lines().get(stem, "")
    pairs = (one.rpartition(":") for one in told.split())
    return tuple((kin, int(percent) / 100) for kin, _, percent in pairs)


@lru_cache(maxsize=1)
def _lines() -> dict[str, str]:
    content = gzip.decompress(files(__package__).joinpath(_FILE).read_bytes()).decode()
    return {stem: told for stem, _, told in (line.partition(" ") for line in content.splitlines())}
