"""Embedding with ONNX Runtime: the same models as sentence-transformers', without torch."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from memos.errors import BackendError, MissingLibrary, NotSupported
from memos.models.bert import Precision, Shape, bert_graph
from memos.models.encoder_weights import EncoderWeights
from memos.models.encoders import DEFAULT, encoder_name, locate_encoder, plain_pooling
from memos.ports.embedder import Asking, Reading
from memos.ports.imprint import impressed, one_long
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from memos.models.onnx_graph import Graph

_INSTALL = "pip install 'agent-memos[onnx]'"
_LIBRARIES = ("onnxruntime", "tokenizers", "safetensors")

_T = TypeVar("_T")

_HINT = "look whether the model's files are whole"

_TOKENS = 512
"""Of one forward pass, with padding: what it computes then stays in a core's caches."""

_EXPECTED = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
}
"""What the graph computes, and what a configuration that is silent means."""


class _Loaded(NamedTuple):
    """What is in memory once the first text has come."""

    session: Any
    tokenizer: Any
    weights: dict[str, NDArray[Any]]
    """The session reads them where they are, so they must stay."""


class OnnxEmbedder:
    """A BERT with mean pooling; it is loaded with the first text, and never downloaded.

    Nothing is converted beforehand or kept: the graph is written in memory, and the weights are
    those of the model's own files. Each forward pass runs on one core; many texts are spread over
    the cores, pass by pass.
    """

    def __init__(
        self, model: str = DEFAULT, *, batch: int = 64, precision: Precision = "float32"
    ) -> None:
        """Choose a model.

        Args:
            model: ``minilm``, a folder, or the name of a model in the Hugging Face cache.
            batch: texts per forward pass at most; with ``int8`` it is always one.
            precision: ``float32``, whose vectors are torch's; or ``int8``, whose are near them.
        """
        self._model = model
        self._batch = batch if precision == "float32" else 1
        self._precision = precision
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @cached_property
    def name(self) -> str:
        """Such as ``all-MiniLM-L6-v2@53aa51172d14``, or with ``+int8`` behind it.

        In float32 it is the name that sentence-transformers' embedder has: their vectors differ
        by less than 1e-6, as those of torch do from one size of batch to another.

        Raises:
            MissingLibrary: the package with the default's weights is not installed.
            UnknownBackend: there is no such model here.
        """
        name = encoder_name(self._model, self._folder)
        return name if self._precision == "float32" else f"{name}+{self._precision}"

    @cached_property
    def dimension(self) -> int:
        """The length of a vector.

        Raises:
            NotSupported: the model is no BERT with mean pooling; errors as for :attr:`name`, too.
        """
        return self._shape.hidden

    @property
    def tells_tokens(self) -> bool:
        """Always."""
        return True

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dimension].

        Raises:
            MissingLibrary: a library is not installed.
            BackendError: a file of the model is not whole; errors as for :attr:`dimension`, too.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for rows, vector in self._each(texts, self._vectors, progress):
            vectors[rows] = vector
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The unit vector [dimension] of a question; errors as for :meth:`embed`."""
        return self.read_query(text).vector

    def read(self, texts: Sequence[str], *, progress: Progress = silent) -> list[Reading]:
        """Unit vectors and the imprints of the tokens; errors as for :meth:`embed`."""
        found: list[Reading | None] = [None] * len(texts)
        for rows, reading in self._each(texts, self._readings, progress):
            for row in rows:
                found[row] = reading
        return [reading for reading in found if reading is not None]

    def read_query(self, text: str) -> Asking:
        """A question's vector, its tokens and its mark [CLS]; errors as for :meth:`embed`."""
        vectors, states = self._forward(self._tokens([text]))
        tokens = one_long(states[0])
        return Asking(vectors[0], tokens[1:-1], tokens[0])

    def _each(
        self,
        texts: Sequence[str],
        compute: Callable[[Sequence[NDArray[np.int64]]], Sequence[_T]],
        progress: Progress,
    ) -> Iterator[tuple[list[int], _T]]:
        """What is computed of each different text, and the rows in which it stands."""
        if not texts:
            return
        tokens = self._tokens(texts)
        where: dict[bytes, list[int]] = {}
        for row, ids in enumerate(tokens):
            where.setdefault(ids.tobytes(), []).append(row)
        # Texts of like length stand together, to pad little; the longest first, so that what
        # does not fit in the machine's memory fails at once.
        rows = sorted(where.values(), key=lambda same: len(tokens[same[0]]), reverse=True)
        passes = list(self._passes([tokens[same[0]] for same in rows]))
        done = 0
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for made in pool.map(compute, passes):
                for one in made:
                    yield rows[done], one
                    done += 1
                progress("embedding", done, len(rows))

    def _tokens(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The numbers of each text's tokens, no more than the model reads."""
        encode = self._load().tokenizer.encode
        return [np.array(encode(text).ids, dtype=np.int64) for text in texts]

    def _passes(self, tokens: Sequence[NDArray[np.int64]]) -> Iterator[Sequence[NDArray[np.int64]]]:
        """What is computed at once, out of texts of which the longest come first."""
        start = 0
        while start < len(tokens):
            count = max(1, min(self._batch, _TOKENS // len(tokens[start])))
            yield tokens[start : start + count]
            start += count

    def _vectors(self, tokens: Sequence[NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        return list(self._forward(tokens)[0])

    def _readings(self, tokens: Sequence[NDArray[np.int64]]) -> list[Reading]:
        vectors, states = self._forward(tokens)
        return [
            Reading(vector, impressed(state[: len(ids)]))
            for ids, vector, state in zip(tokens, vectors, states, strict=True)
        ]

    def _forward(
        self, tokens: Sequence[NDArray[np.int64]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The texts' vectors [B, hidden], and their tokens' [B, T, hidden], of any length."""
        lengths = np.array([len(ids) for ids in tokens], dtype=np.int32)
        places = np.arange(lengths.max())
        mask = places < lengths[:, None]
        ids = np.zeros(mask.shape, dtype=np.int64)
        ids[mask] = np.concatenate(tokens)
        given = {"ids": ids, "lengths": lengths, "mask": mask[..., None].astype(np.float32)}
        vectors, states = self._load().session.run(None, given)
        return vectors, states

    @cached_property
    def _folder(self) -> Path:
        return locate_encoder(self._model)

    @cached_property
    def _shape(self) -> Shape:
        path = self._folder / "config.json"
        config = _content(path)
        odd = _oddity(self._folder, config)
        if odd is not None:
            message = f"embedding model {self._model!r} is not built for ONNX Runtime: {odd}"
            raise NotSupported(message, hint='embedder.backend = "sentence" takes any model')
        try:
            return Shape.read(config)
        except KeyError as error:
            raise BackendError(f"{path} does not say {error}", hint=_HINT) from error

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._read()
            return self._loaded

    def _read(self) -> _Loaded:
        for library in _LIBRARIES:
            if find_spec(library) is None:
                raise MissingLibrary(f"{library} is not installed", hint=_INSTALL)
        weights = EncoderWeights(self._folder, prefix="bert.")
        graph = bert_graph(self._shape, weights, self._precision)
        tokenizer = _tokenizer(self._folder, most=self._shape.positions)
        return _Loaded(_session(graph), tokenizer, graph.weights)


def _content(path: Path) -> dict[str, Any]:
    """A JSON file of a model; nothing, where there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise BackendError(f"{path} cannot be read: {error}", hint=_HINT) from error
    return found


def _oddity(folder: Path, config: Mapping[str, Any]) -> str | None:
    """What of a model the graph does not do, if anything."""
    for name, expected in _EXPECTED.items():
        if (found := config.get(name, expected)) != expected:
            return f"its {name} is {found!r}, not {expected!r}"
    pooling = plain_pooling(folder)
    if pooling is None or _pooled(pooling) != ["pooling_mode_mean_tokens"]:
        return "it does not take the mean over its tokens and nothing else"
    if any(_content(folder / "config_sentence_transformers.json").get("prompts", {}).values()):
        return "it wants a prompt before each text"
    if _content(folder / "sentence_bert_config.json").get("do_lower_case"):
        return "it wants its texts in lower case"
    return None if (folder / "tokenizer.json").is_file() else "it has no tokenizer.json"


def _pooled(pooling: Mapping[str, Any]) -> list[str]:
    return [name for name, on in pooling.items() if name.startswith("pooling_mode_") and on]


def _tokenizer(folder: Path, *, most: int) -> Any:
    """The model's tokenizer, which cuts texts where sentence-transformers does."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_str(path.read_text("utf-8"))
    except Exception as error:  # the library raises nothing more precise
        raise BackendError(f"{path} cannot be read: {error}", hint=_HINT) from error
    said = [
        _content(folder / "sentence_bert_config.json").get("max_seq_length"),
        _content(folder / "tokenizer_config.json").get("model_max_length"),
    ]
    tokenizer.no_padding()
    tokenizer.enable_truncation(min([most, *(each for each in said if each)]))
    return tokenizer


def _session(graph: Graph) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    values = map(onnxruntime.OrtValue.ortvalue_from_numpy, graph.weights.values())
    options.add_external_initializers(list(graph.weights), list(values))
    return onnxruntime.InferenceSession(
        graph.to_bytes(), options, providers=["CPUExecutionProvider"]
    )
