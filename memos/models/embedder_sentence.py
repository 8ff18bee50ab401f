"""Embedding with sentence-transformers, from files that are on this machine."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

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
from memos.ports.embedder import Asking, Reading
from memos.ports.imprint import impressed, one_long
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_FEW = 16
"""So many texts in all are embedded on one core."""

_THREADS = threading.Lock()
"""Held while torch has fewer threads than before, for their number is the whole process's."""


class _Made(NamedTuple):
    """What the library gives of a text."""

    vector: NDArray[np.float32]
    ids: NDArray[np.int64]
    tokens: NDArray[np.float32]
    """[tokens, dimension], of any length."""

    @classmethod
    def of(cls, made: Mapping[str, Any]) -> _Made:
        own = made["attention_mask"].bool()
        vector = one_long(made["sentence_embedding"].float().cpu().numpy()[None])[0]
        tokens = made["token_embeddings"][own].float().cpu().numpy()
        return cls(vector, made["input_ids"][own].cpu().numpy(), tokens)

    @classmethod
    def without_tokens(cls, vector: NDArray[np.float32]) -> _Made:
        return cls(vector, np.empty(0, np.int64), np.empty((0, len(vector)), np.float32))


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

    @cached_property
    def tells_tokens(self) -> bool:
        """Whether a text's vector is a plain mean, or the like, of vectors of its tokens."""
        return declared_dimension(self._folder) is not None

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dimension]; errors as for :attr:`name`."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for rows, reading in self._each(texts, progress):
            vectors[rows] = reading.vector
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [dimension] of a question; errors as for :attr:`name`."""
        return self.read_query(text).vector

    def read(self, texts: Sequence[str], *, progress: Progress = silent) -> list[Reading]:
        """Unit vectors and the imprints of the tokens; errors as for :attr:`name`."""
        found: list[Reading | None] = [None] * len(texts)
        for rows, reading in self._each(texts, progress):
            for row in rows:
                found[row] = reading
        return [reading for reading in found if reading is not None]

    def read_query(self, text: str) -> Asking:
        """A question's vector, its tokens and its mark; errors as for :attr:`name`."""
        (made,) = self._encode("encode_query", [text], few=True)
        if not self.tells_tokens:
            return Asking(made.vector, None, None)
        tokens = one_long(made.tokens)
        marks = np.isin(made.ids, self._load().tokenizer.all_special_ids)
        mark = tokens[0] if len(marks) and marks[0] else None
        return Asking(made.vector, tokens[~marks], mark)

    def _each(
        self, texts: Sequence[str], progress: Progress
    ) -> Iterator[tuple[list[int], Reading]]:
        """What the model makes of each different text, and the rows in which it stands."""
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            rows.setdefault(text, []).append(row)
        # Texts of like length stand together, to pad little; the longest first, so that what
        # does not fit in the machine's memory fails at once.
        ordered = sorted(rows, key=len, reverse=True)
        few = len(ordered) <= _FEW
        for start in range(0, len(ordered), self._batch):
            batch = ordered[start : start + self._batch]
            for text, made in zip(
                batch, self._encode("encode_document", batch, few=few), strict=True
            ):
                imprint = impressed(made.tokens) if self.tells_tokens else None
                yield rows[text], Reading(made.vector, imprint)
            progress("embedding", start + len(batch), len(ordered))

    @cached_property
    def _folder(self) -> Path:
        return locate_encoder(self._model)

    def _encode(self, how: str, texts: list[str], *, few: bool) -> list[_Made]:
        encode = getattr(self._load(), how)
        with _one_thread() if few else nullcontext():
            if self.tells_tokens:
                made = encode(
                    texts, batch_size=len(texts), show_progress_bar=False, output_value=None
                )
                return [_Made.of(one) for one in made]
            vectors = encode(
                texts, batch_size=len(texts), show_progress_bar=False, normalize_embeddings=True
            )
            return [_Made.without_tokens(one) for one in np.asarray(vectors, np.float32)]

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
