"""Text to vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memos.ports.imprint import Imprint


class Embedder(Protocol):
    """An embedding model."""

    @property
    def name(self) -> str:
        """Names the model so that two models never share a name; part of the index's name."""
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dimension] of texts to be found; equal texts, equal vectors."""
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [dimension] of a question."""
        ...


class Reading(NamedTuple):
    """What a model makes of a text to be found."""

    vector: NDArray[np.float32]
    """[dimension], of length one."""
    imprint: Imprint | None
    """Of its tokens, see memos.ports.imprint; None where the model does not tell of tokens."""


class Asking(NamedTuple):
    """What a model makes of a question."""

    vector: NDArray[np.float32]
    """[dimension], of length one."""
    tokens: NDArray[np.float32] | None
    """[tokens, dimension], each of length one, without the model's own marks; None as above."""
    mark: NDArray[np.float32] | None
    """[dimension]: of the mark before the text that stands for all of it ([CLS]), if any."""


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedding model that also tells what it makes of each token, where it stands.

    Search is better with it: see docs/decisions/0025-late-interaction.md.
    """

    @property
    def tells_tokens(self) -> bool:
        """Whether it does; a class may do so of some models only."""
        ...

    def read(self, texts: Sequence[str], *, progress: Progress = silent) -> list[Reading]:
        """The vector that :meth:`embed` gives of each text, and its tokens' imprint."""
        ...

    def read_query(self, text: str) -> Asking:
        """The vector that :meth:`embed_query` gives, and its tokens' vectors."""
        ...


def read(embedder: Embedder, texts: Sequence[str], *, progress: Progress = silent) -> list[Reading]:
    """What any embedding model makes of texts to be found."""
    if isinstance(embedder, TokenEmbedder):
        return embedder.read(texts, progress=progress)
    return [Reading(vector, None) for vector in embedder.embed(texts, progress=progress)]


def read_query(embedder: Embedder, text: str) -> Asking:
    """What any embedding model makes of a question."""
    if isinstance(embedder, TokenEmbedder):
        return embedder.read_query(text)
    return Asking(embedder.embed_query(text), None, None)
