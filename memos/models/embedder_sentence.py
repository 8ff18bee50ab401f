"""Embedding with sentence-transformers, from files that are on this machine."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from memos.errors import BackendError, MissingLibrary
from memos.models.encoders import (
    DEFAULT,
    INSTALL,
    declared_dimension,
    encoder_name,
    locate_encoder,
)
from memos.models.patience import wait_asleep
from memos.models.weights import quiet
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_FEW = 16
"""So many texts in all are embedded on one core."""

_THREADS = threading.Lock()
"""Held while torch has fewer threads than before, for their number is the whole process's."""


class SentenceEmbedder:
    """A sentence-transformers model; it is loaded with the first text, and never downloaded."""

    def __init__(self, model: str = DEFAULT, *, batch: int = 64, device: str | None = None) -> None:
        """Choose a model.

        Args:
            model: ``minilm``, a folder, or the name of a model in the Hugging Face cache.
            batch: texts per forward pass.
            device: such as ``cpu`` or ``cuda:1``; None for what torch finds best.
        """
        self._model = model
        self._batch = batch
        self._device = device
        self._lock = threading.Lock()
        self._loaded: Any = None

    @cached_property
    def name(self) -> str:
        """Such as ``all-MiniLM-L6-v2@53aa51172d14``: what it is called, and what its weights are.

        Raises:
            MissingLibrary: the package with the default's weights is not installed.
            UnknownBackend: there is no such model here.
        """
        return encoder_name(self._model, self._folder)

    @cached_property
    def dimension(self) -> int:
        """The length of a vector; errors as for :attr:`name`."""
        return declared_dimension(self._folder) or int(self._load().get_embedding_dimension())

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dimension]; errors as for :attr:`name`."""
        # Texts of like length stand together, to pad little; the longest first, so that what
        # does not fit in the machine's memory fails at once.
        ordered = sorted(dict.fromkeys(texts), key=len, reverse=True)
        vectors = np.empty((len(ordered), self.dimension), dtype=np.float32)
        few = len(ordered) <= _FEW
        for start in range(0, len(ordered), self._batch):
            end = min(start + self._batch, len(ordered))
            vectors[start:end] = self._encode("encode_document", ordered[start:end], few=few)
            progress("embedding", end, len(ordered))
        rows = {text: row for row, text in enumerate(ordered)}
        return vectors[[rows[text] for text in texts]]

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [dimension] of a question; errors as for :attr:`name`."""
        vectors = self._encode("encode_query", [text], few=True)
        return vectors.reshape(-1)

    @cached_property
    def _folder(self) -> Path:
        return locate_encoder(self._model)

    def _encode(self, how: str, texts: list[str], *, few: bool) -> NDArray[np.float32]:
        encode = getattr(self._load(), how)
        with _one_thread() if few else nullcontext():
            vectors = encode(
                texts, batch_size=len(texts), show_progress_bar=False, normalize_embeddings=True
            )
        return np.asarray(vectors, dtype=np.float32)

    def _load(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._read()
            return self._loaded

    def _read(self) -> Any:
        folder = self._folder
        if find_spec("sentence_transformers") is None:
            raise MissingLibrary("sentence-transformers is not installed", hint=INSTALL)
        wait_asleep()
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer

        try:
            with quiet():
                return SentenceTransformer(
                    str(folder),
                    device=self._device,
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True},
                )
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            message = f"embedding model {self._model!r} cannot be loaded from {folder}: {error}"
            raise BackendError(message, hint="look whether its files are whole") from error


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one core: for little work, since on busy cores its threads mostly wait in turn.

    A question then takes 17 ms of CPU time instead of 500 on two cores that others use, too.
    """
    import torch

    with _THREADS:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
