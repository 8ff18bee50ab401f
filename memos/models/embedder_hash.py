"""Embedding by hashing words: no model, no library, and nearness of words at most."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from math import log1p
from typing import TYPE_CHECKING

import numpy as np

from memos.errors import BadInput
from memos.ports.embedder import Asking, Reading
from memos.ports.imprint import impressed
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_ENDINGS = ("ations", "ation", "ingly", "ings", "edly", "ing", "ied", "ies", "ed", "es", "ly", "s")
_STEM_LEAST = 3
_PIECE = 3
_MOST = 256
"""Words of a text that are told of one by one."""


class HashEmbedder:
    """Feature hashing (Weinberger et al., 2009) of word stems and of the pieces of words.

    A text becomes the sum of signed unit vectors, one for each feature. The same on every machine
    and in every process.
    """

    def __init__(self, dimension: int = 256) -> None:
        if dimension < 1:
            raise BadInput(f"a vector cannot have dimension {dimension}", hint="256 is usual")
        self._dimension = dimension

    @property
    def name(self) -> str:
        """Such as ``hash-256``."""
        return f"hash-{self._dimension}"

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._dimension

    @property
    def tells_tokens(self) -> bool:
        """Of words, always."""
        return True

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dimension]."""
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.embed_query(text)
        progress("embedding", len(texts), len(texts))
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [dimension] of a question."""
        return self._summed(text)

    def read(self, texts: Sequence[str], *, progress: Progress = silent) -> list[Reading]:
        """Unit vectors, and the imprints of the words; of a text without any, of the whole."""
        vectors = self.embed(texts, progress=progress)
        return [
            Reading(vector, impressed(np.concatenate([self._worded(text), vector[None]])))
            for text, vector in zip(texts, vectors, strict=True)
        ]

    def read_query(self, text: str) -> Asking:
        """The unit vectors of a question and its words; there is no mark."""
        return Asking(self.embed_query(text), self._worded(text), None)

    def _worded(self, text: str) -> NDArray[np.float32]:
        """The unit vector of each word, [words, dimension]."""
        words = _WORD.findall(unicodedata.normalize("NFKC", text).lower())[:_MOST]
        made = np.zeros((len(words), self._dimension), np.float32)
        for row, word in enumerate(words):
            made[row] = self._summed(word)
        return made

    def _summed(self, text: str) -> NDArray[np.float32]:
        total = np.zeros(self._dimension)
        for feature, times in Counter(_features(text)).items():
            place, sign, weight = _hashed(feature)
            total[place % self._dimension] += sign * weight * log1p(times)
        length = float(np.linalg.norm(total))
        if length == 0.0:  # no words, or words that cancel each other
            total[0] = length = 1.0
        return np.asarray(total / length, dtype=np.float32)


def _features(text: str) -> Iterator[str]:
    """A stem is its letters between spaces; a piece is three of those characters in a row."""
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).lower()):
        stem = f" {_stem(word)} "
        yield stem
        yield from (stem[at : at + _PIECE] for at in range(len(stem) - _PIECE + 1))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_LEAST:
            return word.removesuffix(ending)
    return word


def _hashed(feature: str) -> tuple[int, int, float]:
    """Where a feature stands, its sign, and its weight: rare words are long, and so weigh more."""
    digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "little")
    is_stem = feature.startswith(" ") and feature.endswith(" ")
    weight = min(len(feature) - 2, 6) / 6 if is_stem else 0.2
    return number >> 1, 1 if number & 1 else -1, weight
