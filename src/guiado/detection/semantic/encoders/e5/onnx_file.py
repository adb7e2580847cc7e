"""Writer of ONNX files: as much of the format as a graph of named operations needs.

Source: onnx.proto3 of ONNX (IR version 9), and the encoding of Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IR_VERSION, OPSET = 9, 18
MICROSOFT = "com.microsoft"
"""Domain of the operations that onnxruntime adds, version 1."""
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_MOST = 1 << 64
_FLOAT, _INT = 1, 2  # AttributeProto.AttributeType
_KINDS = {"float32": 1, "int8": 3, "int64": 7}  # TensorProto.DataType
Attribute = float | int
Dimension = int | str


class Graph:
    """A graph that grows by its operations, in the order of their computation."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a constant; its name."""
        dims = b"".join(_number(1, size) for size in values.shape)
        kind = _number(2, _KINDS[values.dtype.name])
        raw = _text(9, np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes())
        self._constants.append(_text(5, dims + kind + _text(8, name.encode()) + raw))
        return name

    def add(self, operation: str, inputs: Sequence[str], *outputs: str, domain: str = "", **attributes: Attribute) -> str:
        """Add an operation; the name of its first output."""
        parts = [_text(1, name.encode()) for name in inputs] + [_text(2, name.encode()) for name in outputs]
        parts += [_text(4, operation.encode()), _text(7, domain.encode())]
        parts += [_text(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(_text(1, b"".join(parts)))
        return outputs[0]

    def model(self, given: tuple[str, Sequence[Dimension]], found: tuple[str, Sequence[Dimension]]) -> bytes:
        """The bytes of a file.

        Args:
            given, found: name and dimensions of the one input and the one output, of float32.
        """
        ends = [_text(11, _tensor(*given)), _text(12, _tensor(*found))]
        graph = b"".join([*self._nodes, _text(2, b"graph"), *self._constants, *ends])
        sets = [_text(8, _text(1, domain.encode()) + _number(2, number)) for domain, number in (("", OPSET), (MICROSOFT, 1))]
        return b"".join([_number(1, IR_VERSION), _text(7, graph), *sets])


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        body = _tag(2, _FIXED32) + np.float32(value).astype("<f4").tobytes() + _number(20, _FLOAT)
    else:
        body = _number(3, value) + _number(20, _INT)
    return _text(1, name.encode()) + body


def _tensor(name: str, dimensions: Sequence[Dimension]) -> bytes:
    each = [_text(1, _text(2, d.encode()) if isinstance(d, str) else _number(1, d)) for d in dimensions]
    kind = _text(1, _number(1, _KINDS["float32"]) + _text(2, b"".join(each)))
    return _text(1, name.encode()) + _text(2, kind)


def _number(field: int, value: int) -> bytes:
    return _tag(field, _VARINT) + _varint(value % _MOST)


def _text(field: int, value: bytes) -> bytes:
    return _tag(field, _BYTES) + _varint(len(value)) + value


def _tag(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:  # noqa: PLR2004 seven bits a byte
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
