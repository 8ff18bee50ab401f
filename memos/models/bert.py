"""BERT with mean pooling as one ONNX graph, in float32 or with int8 matrices.

    ids [B,T] -> word + position -> LayerNorm -> 6 x ( attention -> +skip, LayerNorm
                                                       -> up, GELU, down -> +skip, LayerNorm )
              -> the tokens -> sum over each text's own tokens -> length one

The architecture is that of Devlin et al., *BERT* (2018); the mean over tokens that of Reimers and
Gurevych, *Sentence-BERT* (2019). A mean and a sum have the same direction, so nothing is divided.

**int8.** The matrices are rounded once, each column with a scale of its own; what they are
multiplied with is rounded at run time, with one scale for all that a call passes
(``DynamicQuantizeMatMul``). So a call must pass a single text, or its vector would depend on its
company. Seven bits of the eight are used: without VNNI, processors add two products of a byte and
a signed byte in 16 bits, and 2 x 255 x 64 is the most that fits. Thus every processor gets the same
sums. The matrices before the GELU stay float32, for a third of the error is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from memos.models.onnx_graph import MICROSOFT, Graph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from memos.models.encoder_weights import EncoderWeights

Precision = Literal["float32", "int8"]

_LARGEST = 64
"""The largest rounded weight: see above."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a BERT, as its configuration has them."""

    hidden: int
    inner: int
    heads: int
    layers: int
    words: int
    positions: int
    kinds: int
    epsilon: float

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Shape:
        """From the content of ``config.json``; raises KeyError for what is not there."""
        return cls(
            hidden=config["hidden_size"],
            inner=config["intermediate_size"],
            heads=config["num_attention_heads"],
            layers=config["num_hidden_layers"],
            words=config["vocab_size"],
            positions=config["max_position_embeddings"],
            kinds=config["type_vocab_size"],
            epsilon=float(config["layer_norm_eps"]),
        )


def bert_graph(shape: Shape, weights: EncoderWeights, precision: Precision) -> Graph:
    """The graph of a model.

    Its inputs are ``ids`` int64 [B, T], ``lengths`` int32 [B] and ``mask`` float32 [B, T, 1], which
    is 1 where ``ids`` has a token and 0 behind the end of a shorter text; with ``int8``, B must be
    1. Its outputs are float32 [B, hidden], each vector of length one, and [B, T, hidden], the
    tokens as the last layer leaves them, those behind the end of a text with zeros.

    Args:
        shape: the model's sizes.
        weights: by the names that transformers gives them.
        precision: of the matrices.

    Raises:
        BackendError: a weight is missing, or has another shape.
    """
    return _Bert(shape, weights, precision).graph()


class _Bert:
    """A graph in the making, layer by layer."""

    def __init__(self, shape: Shape, weights: EncoderWeights, precision: Precision) -> None:
        self._shape = shape
        self._weights = weights
        self._precision = precision
        self._graph = Graph()

    def graph(self) -> Graph:
        graph, hidden = self._graph, self._shape.hidden
        ids = graph.input("ids", "int64", ["B", "T"])
        graph.input("lengths", "int32", ["B"])
        mask = graph.input("mask", "float32", ["B", "T", 1])
        state = self._embedded(ids)
        for number in range(self._shape.layers):
            state = self._layer(f"encoder.layer.{number}.", state)
        own = graph.node("Mul", [state, mask])
        axis = graph.whole("tokens", 1)
        total = graph.node("ReduceSum", [own, axis], keepdims=0)
        one_long = graph.node("LpNormalization", [total], axis=-1, p=2)
        graph.output(one_long, "float32", ["B", hidden])
        graph.output(own, "float32", ["B", "T", hidden])
        return graph

    def _embedded(self, ids: str) -> str:
        graph, shape, prefix = self._graph, self._shape, "embeddings."
        take, hidden = self._weights.take, shape.hidden
        words = take(prefix + "word_embeddings.weight", shape.words, hidden)
        places = take(prefix + "position_embeddings.weight", shape.positions, hidden)
        kinds = take(prefix + "token_type_embeddings.weight", shape.kinds, hidden)
        word = graph.node("Gather", [graph.weight("words", words), ids])
        zero = graph.whole("zero", 0)
        end = graph.node("Shape", [ids], start=1, end=2)
        # All that is embedded is a first sentence: its kind is added to the places for good.
        place = graph.node("Slice", [graph.weight("places", places + kinds[0]), zero, end, zero])
        both = graph.node("Add", [word, place])
        scale, shift = self._norm(prefix + "LayerNorm.")
        return graph.node("LayerNormalization", [both, scale, shift], epsilon=shape.epsilon)

    def _layer(self, prefix: str, state: str) -> str:
        hidden, inner = self._shape.hidden, self._shape.inner
        seen = self._attended(prefix + "attention.self.", state)
        seen = self._times(prefix + "attention.output.dense.", seen, hidden, hidden)
        state = self._added(prefix + "attention.output.", seen, state)
        up = prefix + "intermediate.dense."
        wide = self._graph.node(
            "MatMul", [state, self._graph.weight(up, self._matrix(up, hidden, inner))]
        )
        wide = self._graph.node("BiasGelu", [wide, self._bias(up, inner)], domain=MICROSOFT)
        narrow = self._times(prefix + "output.dense.", wide, inner, hidden)
        return self._added(prefix + "output.", narrow, state)

    def _attended(self, prefix: str, state: str) -> str:
        """What each token makes of the others of its text; padding is not looked at."""
        graph, hidden = self._graph, self._shape.hidden
        names = [f"{prefix}{each}." for each in ("query", "key", "value")]
        joined = np.concatenate([self._matrix(name, hidden, hidden) for name in names], axis=1)
        biases = [self._weights.take(f"{name}bias", hidden) for name in names]
        bias = graph.weight(f"{prefix}bias", np.concatenate(biases))
        if self._precision == "float32":
            inputs = [state, graph.weight(prefix, joined), bias, "lengths"]
            return graph.node("Attention", inputs, domain=MICROSOFT, num_heads=self._shape.heads)
        each = graph.parts(self._rounded(prefix, state, joined), 3)
        return graph.node(
            "MultiHeadAttention",
            [*each, bias, "lengths"],
            domain=MICROSOFT,
            num_heads=self._shape.heads,
        )

    def _added(self, prefix: str, change: str, state: str) -> str:
        """The change and its bias upon the state, then normalised."""
        scale, shift = self._norm(prefix + "LayerNorm.")
        bias = self._bias(prefix + "dense.", self._shape.hidden)
        return self._graph.node(
            "SkipLayerNormalization",
            [change, state, scale, shift, bias],
            domain=MICROSOFT,
            epsilon=self._shape.epsilon,
        )

    def _times(self, name: str, state: str, wide: int, high: int) -> str:
        matrix = self._matrix(name, wide, high)
        if self._precision == "int8":
            return self._rounded(name, state, matrix)
        return self._graph.node("MatMul", [state, self._graph.weight(name, matrix)])

    def _rounded(self, name: str, state: str, matrix: NDArray[np.float32]) -> str:
        graph = self._graph
        largest = np.abs(matrix).max(axis=0)
        scale = (np.where(largest > 0, largest, 1) / _LARGEST).astype(np.float32)
        inputs = [
            state,
            graph.weight(name, np.rint(matrix / scale).astype(np.int8)),
            graph.weight(f"{name}scale", scale),
            graph.weight(f"{name}zero", np.zeros(len(scale), dtype=np.int8)),
        ]
        return graph.node("DynamicQuantizeMatMul", inputs, domain=MICROSOFT)

    def _norm(self, prefix: str) -> tuple[str, str]:
        scale, shift = (
            self._graph.weight(prefix + part, self._weights.take(prefix + part, self._shape.hidden))
            for part in ("weight", "bias")
        )
        return scale, shift

    def _bias(self, prefix: str, length: int) -> str:
        return self._graph.weight(prefix + "bias", self._weights.take(prefix + "bias", length))

    def _matrix(self, prefix: str, wide: int, high: int) -> NDArray[np.float32]:
        """A linear layer's matrix, to be multiplied from the right."""
        return self._weights.take(prefix + "weight", high, wide).T
