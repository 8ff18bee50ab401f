"""An embedder of static word vectors: no torch, no download, thousands of texts a second.

Each token has a fixed vector, and a text's is their mean; so word order says nothing, and
paraphrases are found less well than by a transformer. The weights (16 MB, 256 dimensions) lie in
the package ``wordllama`` (MIT), by D. Lee Miller.
"""

from __future__ import annotations

import hashlib
import threading
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_BATCH = 1024


class WordLlamaEmbedder:
    """WordLlama's 256-dimensional vectors; choose it with ``embedder.backend = "wordllama"``."""

    dimension = 256

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def name(self) -> str:
        """Names the weights by their content."""
        content = (_package() / _WEIGHTS).read_bytes()
        return f"wordllama-256@{hashlib.sha256(content).hexdigest()[:12]}"

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), 256]."""
        batches = [np.empty((0, self.dimension), dtype=np.float32)]
        for start in range(0, len(texts), _BATCH):
            part = list(texts[start : start + _BATCH])
            with self._lock:
                batches.append(_unit(self._model.embed(part)))
            progress("embedding", start + len(part), len(texts))
        return np.concatenate(batches)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [256] of a question."""
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector

    @cached_property
    def _model(self) -> Any:
        from wordllama import WordLlama

        # The package looks for its own tokenizer in a folder that it does not have ("tokenizer");
        # as a cache, the package's folder is searched under the right name.
        return WordLlama.load(cache_dir=_package(), disable_download=True)


def _package() -> Path:
    return Path(str(files("wordllama")))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors at length one; a text without any known token points along the first axis."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    nothing = np.eye(1, vectors.shape[1], dtype=np.float32)
    known = vectors / np.where(lengths > 0, lengths, 1)
    return np.where(lengths > 0, known, nothing).astype(np.float32)
