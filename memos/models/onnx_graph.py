"""Writes a graph of operators as ONNX, without the library that is made for it.

ONNX files are Protocol Buffers messages. Of their definition (``onnx.proto`` of the ONNX project,
IR version 9) we need eight messages with some fields each, so they are written here, rather than
have everybody install a library of 20 MB for a graph of 20 KB:

    ModelProto          1 ir_version   7 graph   8 opset_import
    OperatorSetIdProto  1 domain       2 version
    GraphProto          1 node   2 name   5 initializer   11 input   12 output
    NodeProto           1 input  2 output   4 op_type   5 attribute   7 domain
    AttributeProto      1 name   2 f   3 i   20 type (1 float, 2 int)
    TensorProto         1 dims   2 data_type   8 name   9 raw_data   13 external_data
                        14 data_location (1 external)
    ValueInfoProto      1 name   2 type { 1 tensor_type { 1 elem_type   2 shape { 1 dim } } }
    Dimension           1 dim_value    2 dim_param

Weights are named but not written: the session is given the arrays themselves. Whole numbers on
which shapes depend must be written.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MICROSOFT = "com.microsoft"
"""The domain of the operators that ONNX Runtime adds to ONNX's own."""

_IR, _OPSET, _OPSET_MICROSOFT = 9, 20, 1
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_FIXED32, _LENGTH = 5, 2


class Graph:
    """A graph in the making: values are strings, the names they have in it."""

    def __init__(self) -> None:
        self.weights: dict[str, NDArray[Any]] = {}
        """What the session must be given, by name."""
        self._whole: list[bytes] = []
        self._nodes: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []

    def input(self, name: str, kind: str, shape: Sequence[int | str]) -> str:
        """A value that is passed with each call; a name in ``shape`` stands for any size."""
        self._inputs.append(_field(11, _value(name, kind, shape)))
        return name

    def output(self, name: str, kind: str, shape: Sequence[int | str]) -> None:
        """A value that each call returns."""
        self._outputs.append(_field(12, _value(name, kind, shape)))

    def weight(self, name: str, array: NDArray[Any]) -> str:
        """A constant that the session is given."""
        self.weights[name] = np.ascontiguousarray(array)
        return name

    def whole(self, name: str, number: int) -> str:
        """A constant int64 [1] such as an axis, written into the graph."""
        content = np.array([number], dtype=np.int64)
        self._whole.append(_field(5, _tensor(name, content) + _field(9, content.tobytes())))
        return name

    def node(
        self, operator: str, inputs: Sequence[str], *, domain: str = "", **attributes: float
    ) -> str:
        """The value that an operator of one output makes; nodes are added in order of need."""
        name = f"{operator}.{len(self._nodes)}"
        self._nodes.append(_field(1, _node(operator, inputs, [name], domain=domain, **attributes)))
        return name

    def parts(self, value: str, count: int) -> list[str]:
        """A value cut into ``count`` equal parts along its last axis."""
        names = [f"Split.{len(self._nodes)}.{part}" for part in range(count)]
        self._nodes.append(_field(1, _node("Split", [value], names, axis=-1, num_outputs=count)))
        return names

    def to_bytes(self) -> bytes:
        """The model, as ONNX Runtime loads it."""
        weights = [
            _field(5, _tensor(name, array) + _ELSEWHERE) for name, array in self.weights.items()
        ]
        constants = [*weights, *self._whole]
        graph = [*self._nodes, _field(2, b"graph"), *constants, *self._inputs, *self._outputs]
        opsets = [
            _field(8, _number(2, _OPSET)),
            _field(8, _field(1, MICROSOFT.encode()) + _number(2, _OPSET_MICROSOFT)),
        ]
        return _number(1, _IR) + _field(7, b"".join(graph)) + b"".join(opsets)


def _node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    domain: str = "",
    **attributes: float,
) -> bytes:
    fields = [_field(1, name.encode()) for name in inputs]
    fields += [_field(2, name.encode()) for name in outputs]
    fields.append(_field(4, operator.encode()))
    fields += [_field(5, _attribute(name, value)) for name, value in attributes.items()]
    fields.append(_field(7, domain.encode()))
    return b"".join(fields)


def _attribute(name: str, value: float) -> bytes:
    start = _field(1, name.encode())
    if isinstance(value, int):
        return start + _number(3, value) + _number(20, 2)
    return start + _varint(2 << 3 | _FIXED32) + struct.pack("<f", value) + _number(20, 1)


def _tensor(name: str, array: NDArray[Any]) -> bytes:
    sizes = [_number(1, size) for size in array.shape]
    kind = _number(2, _TYPES[array.dtype.name])
    return b"".join([*sizes, kind, _field(8, name.encode())])


def _value(name: str, kind: str, shape: Sequence[int | str]) -> bytes:
    sizes = [
        _field(1, _number(1, size) if isinstance(size, int) else _field(2, size.encode()))
        for size in shape
    ]
    tensor = _number(1, _TYPES[kind]) + _field(2, b"".join(sizes))
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64 bits of two's complement."""
    value &= (1 << 64) - 1
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


_ELSEWHERE = _field(13, _field(1, b"location") + _field(2, b"ram")) + _number(14, 1)
"""Says of a tensor that its content is not in the file; the location must be there, unread."""
