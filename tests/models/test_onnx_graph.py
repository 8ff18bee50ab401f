"""Graphs are written as ONNX Runtime reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from memos.models.onnx_graph import MICROSOFT, Graph


def _run(graph: Graph, **given: Any) -> list[Any]:
    options = onnxruntime.SessionOptions()
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in graph.weights.values()]
    options.add_external_initializers(list(graph.weights), values)
    session = onnxruntime.InferenceSession(graph.to_bytes(), options)
    found: list[Any] = session.run(None, given)
    return found


def test_weights_are_given_and_not_written() -> None:
    graph = Graph()
    matrix = np.arange(300 * 200, dtype=np.float32).reshape(300, 200)
    x = graph.input("x", "float32", ["rows", 300])
    graph.output(graph.node("MatMul", [x, graph.weight("m", matrix)]), "float32", ["rows", 200])
    assert len(graph.to_bytes()) < 1000
    ones = np.ones((2, 300), dtype=np.float32)
    assert _run(graph, x=ones)[0] == pytest.approx(ones @ matrix)


def test_attributes_may_be_negative_or_no_whole_numbers() -> None:
    graph = Graph()
    x = graph.input("x", "float32", ["rows", 2])
    leaked = graph.node("LeakyRelu", [x], alpha=0.25)
    graph.output(graph.node("Softmax", [leaked], axis=-1), "float32", ["rows", 2])
    given = np.array([[0, -4]], dtype=np.float32)
    assert _run(graph, x=given)[0][0, 1] == pytest.approx(1 / (1 + np.e))


def test_a_value_can_be_cut_into_parts() -> None:
    graph = Graph()
    x = graph.input("x", "float32", [1, 6])
    for part in graph.parts(x, 3):
        graph.output(part, "float32", [1, 2])
    found = _run(graph, x=np.arange(6, dtype=np.float32)[None])
    assert [part.tolist() for part in found] == [[[0, 1]], [[2, 3]], [[4, 5]]]


def test_whole_numbers_are_written_into_the_graph() -> None:
    graph = Graph()
    x = graph.input("x", "float32", ["rows", 2])
    total = graph.node("ReduceSum", [x, graph.whole("axis", 1)], keepdims=0)
    graph.output(total, "float32", ["rows"])
    assert not graph.weights
    assert _run(graph, x=np.ones((3, 2), dtype=np.float32))[0].tolist() == [2, 2, 2]


def test_operators_of_onnx_runtime_are_found_in_its_own_domain() -> None:
    graph = Graph()
    x = graph.input("x", "float32", ["rows", 2])
    bias = graph.weight("bias", np.zeros(2, dtype=np.float32))
    graph.output(graph.node("BiasGelu", [x, bias], domain=MICROSOFT), "float32", ["rows", 2])
    assert _run(graph, x=np.zeros((1, 2), dtype=np.float32))[0].tolist() == [[0, 0]]
