"""An embedder that is listened to: how long it takes, and which vectors it made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.evaluation.stopwatch import Stopwatch
from memos.ports.embedder import TokenEmbedder, read, read_query
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memos.ports.embedder import Asking, Embedder, Reading


class Listener:
    """A ``memos.ports.embedder.Embedder`` in front of another.

    It spares nothing: every call goes through. So a store can be timed with and without its
    embedding, and rivals can be given the same vectors, which are computed once.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.watch = Stopwatch()
        self.texts: dict[str, NDArray[np.float32]] = {}
        """The vectors of texts to be found, since they were last cleared."""
        self.query: NDArray[np.float32] | None = None
        """The vector of the last question."""

    @property
    def name(self) -> str:
        """The name of the embedder behind."""
        return self._embedder.name

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._embedder.dimension

    @property
    def tells_tokens(self) -> bool:
        """Whether the embedder behind does."""
        return isinstance(self._embedder, TokenEmbedder) and self._embedder.tells_tokens

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dimension] of texts to be found."""
        with self.watch.running():
            vectors = self._embedder.embed(texts, progress=progress)
        self.texts.update(zip(texts, vectors, strict=True))
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [dimension] of a question."""
        return self.read_query(text).vector

    def read(self, texts: Sequence[str], *, progress: Progress = silent) -> list[Reading]:
        """What the embedder behind makes of texts to be found."""
        with self.watch.running():
            readings = read(self._embedder, texts, progress=progress)
        self.texts.update(
            (text, reading.vector) for text, reading in zip(texts, readings, strict=True)
        )
        return readings

    def read_query(self, text: str) -> Asking:
        """What the embedder behind makes of a question."""
        with self.watch.running():
            asking = read_query(self._embedder, text)
        self.query = asking.vector
        return asking
