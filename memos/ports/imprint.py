"""What is kept of the tokens of a text: of each token's vector the signs, turned and packed.

    vector  0.12 -0.03  0.40 ...    what the model says of a token where it stands, of length one
    turned -0.21  0.08  0.11 ...    by a fixed rotation, so that no place carries more than others
    signs      0     1     1 ...    a bit for each place: 48 bytes for 384 numbers

A question's tokens are not rounded. The product of a turned vector ``q`` with signs ``s`` (each +1
or -1), divided by what a unit vector has with its own signs on average, ``sqrt(2 d / pi)``,
estimates the cosine: without bias, and with an error of about ``0.75 / sqrt(d)``. Charikar,
"Similarity Estimation Techniques from Rounding Algorithms" (2002); one side exact, and the rotation
first, as in Gao and Long, "RaBitQ" (2024).
"""

from __future__ import annotations

import hashlib
from functools import cache
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from memos.ports.cores import one_core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Imprint = NDArray[np.uint8]
    """[tokens, bytes]"""


@one_core()
def impressed(vectors: NDArray[np.float32]) -> Imprint:
    """The imprint, [tokens, width], of token vectors [tokens, dimension] of any length."""
    return np.packbits(vectors @ _rotation(vectors.shape[1]) > 0, axis=1)


def one_long(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors [tokens, dimension] brought to length one; what has no length stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)


def width(dimension: int) -> int:
    """The bytes that a token takes."""
    return (dimension + 7) // 8


@one_core()
def nearest_tokens(
    question: NDArray[np.float32], imprints: Sequence[Imprint]
) -> NDArray[np.float32]:
    """[texts, question's tokens]: the estimated cosine of the nearest token of each text.

    Args:
        question: [tokens, dimension], each of length one.
        imprints: one of each text, none without a token.
    """
    count, dimension = question.shape
    if not len(imprints) or not count:
        return np.zeros((len(imprints), count), np.float32)
    turned = question @ _rotation(dimension)
    padded = np.zeros((count, 8 * width(dimension)), np.float32)
    padded[:, :dimension] = turned / sqrt(2 * dimension / pi)
    packed = np.concatenate(imprints)
    near = np.empty((len(packed), count), np.float32)
    for start in range(0, len(packed), _CHUNK):
        part = slice(start, start + _CHUNK)
        signs = _SIGNS.take(packed[part], axis=0).reshape(-1, padded.shape[1])
        np.matmul(signs, padded.T, out=near[part])
    starts = np.cumsum([0, *(len(each) for each in imprints[:-1])])
    best: NDArray[np.float32] = np.maximum.reduceat(near, starts, axis=0)
    return np.clip(best, -1, 1, out=best)


_CHUNK = 4096
"""Tokens that are unpacked at once."""
_SIGNS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
"""[256, 8]: what each byte stands for."""


@cache
def _rotation(dimension: int) -> NDArray[np.float32]:
    """An orthogonal matrix [dimension, dimension], the same on every machine and in every release.

    Random signs from a hash, made orthogonal: numpy promises no stream of random numbers for good.
    """
    seed = hashlib.shake_256(b"imprint").digest((dimension * dimension + 7) // 8)
    bits = np.unpackbits(np.frombuffer(seed, np.uint8), count=dimension * dimension)
    square = bits.reshape(dimension, dimension).astype(np.float64) * 2 - 1
    square += np.eye(dimension) / 2  # so that it can be inverted, whatever the signs are
    turned, upper = np.linalg.qr(square)
    return np.ascontiguousarray(turned * np.sign(np.diag(upper)), dtype=np.float32)
