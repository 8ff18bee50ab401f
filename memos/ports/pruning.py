"""Which part of an attention state is kept where it gets less room: decided by a pure policy.

A kept token keeps its position: the next token is read at the position that it would have had, not
behind as many as are left. Pruning is for states that go down, to a slower place or to a codec; a
state that is to be resumed exactly is never pruned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the state of T tokens. What a policy does not need may be left out."""

    tokens: int
    surprise: NDArray[np.float32] | None = None
    """[T]: the negative logarithm of what the model held each token likely, given all before."""
    turns: NDArray[np.int64] | None = None
    """[T]: the number of the turn that each token is of, ascending; all of one where it is None."""
    keys: NDArray[np.float32] | None = None
    """[layers, T, heads, width], rotary positions in them."""
    queries: NDArray[np.float32] | None = None
    """[layers, W, heads, group, width] of the last W tokens, or of a question: their positions in
    them, scaled so that a product with a key is what softmax is taken of. The ``group`` queries of
    a token look at the same key-value head."""
    attention: NDArray[np.float32] | None = None
    """[layers, heads, T]: the attention that each token has had from the last steps, in sum."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept: everywhere the same where the first two sizes are one."""

    tokens: NDArray[np.int64]
    """[layers or 1, heads or 1, kept]: the places of tokens, ascending."""
    channels: NDArray[np.int64] | None = None
    """[layers, heads, kept]: the channels of keys, ascending; all where it is None."""


class Pruner(Protocol):
    """A policy. The same call gives the same answer: it has no memory, no clock and no chance."""

    @property
    def needs(self) -> AbstractSet[str]:
        """The names of those fields of :class:`Known` that it looks at, ``tokens`` apart."""
        ...

    def keep(self, known: Known, share: float) -> Kept:
        """What is kept of a state.

        Args:
            known: with all that the policy needs.
            share: how much is kept, from 0 (at least one token is) to 1: of the tokens, or, where
                the policy thins out channels, of the channels of keys.

        Raises:
            BadInput: there is no such share, or something that it needs is not known.
        """
        ...


def budget_of(share: float, whole: int) -> int:
    """How many of ``whole`` things are kept: one at least, where there is one.

    Raises:
        BadInput: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise BadInput(f"the share to keep is {share}", hint="pass one from 0 to 1")
    return min(whole, max(1, round(share * whole)))


def told(field: NDArray[np.float32] | None, name: str) -> NDArray[np.float32]:
    """A field that a policy needs.

    Raises:
        BadInput: it is not known.
    """
    if field is None:
        raise BadInput(f"this policy needs {name}", hint=f"tell it of what is known: {name}=...")
    return field


def everywhere(places: NDArray[np.int64]) -> Kept:
    """The same tokens in all layers and heads; ``places`` [kept] in any order."""
    return Kept(np.sort(places)[None, None])


def best(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The places [..., count] of the highest ``scores`` [..., T]; of equal ones, the newest."""
    newest_first = np.argsort(-scores[..., ::-1], axis=-1, kind="stable")[..., :count]
    return np.asarray(scores.shape[-1] - 1 - newest_first, np.int64)
