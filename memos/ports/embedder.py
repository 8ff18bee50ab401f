"""Text to vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


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
