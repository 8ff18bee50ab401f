"""Indexes for one search, which are thrown away after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos.ports.vectors import Vectors
    from memos.ports.words import Words


@dataclass(frozen=True, slots=True)
class Scratch:
    """An empty index of words and an empty one of vectors; they leave nothing behind."""

    words: Words
    vectors: Vectors


OpenScratch = Callable[[int], AbstractContextManager[Scratch]]
"""Opens both, for vectors of that dimension."""
