"""The graph of multilingual-e5-small in 8 bits, made from the weights in 4 bits.

What goes into a matrix is quantised while it runs, with one scale for all its numbers, which a few large ones spoil. So each of
its columns is divided by a factor that goes into the matrix instead: max|x|^0.7 / max|w|^0.3. The largest numbers were measured
on sentences of this project; `scripts/calibrate_e5.py` writes them.

Source: Xiao et al. (2023), SmoothQuant; Wang et al. (2024), "Multilingual E5 Text Embeddings".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from guiado.detection.semantic.encoders.e5.onnx_file import MICROSOFT, Graph
from guiado.detection.semantic.encoders.e5.weights_file import Shape, Singles, WeightsFile

STATES, MEANING = "states", "meaning"
"""Names of the graph's input (1 x tokens x width) and output (1 x width)."""
_STRENGTH = 0.7
_LEAST = np.float32(1e-5)
_LARGEST_CODE = np.float32(127)


def places(shape: Shape) -> Iterator[tuple[str, int]]:
    """The inputs of matrices, in the order of their computation: name and width.

    Args:
        shape: of the model.
    """
    for layer in range(shape.layers):
        yield from ((f"l{layer}.{name}", shape.width) for name in ("qkv", "ao", "fi"))
        yield f"l{layer}.fo", shape.inner


def build_graph(file: WeightsFile, largest: Singles) -> bytes:
    """The ONNX file.

    Args:
        file: of the weights.
        largest: absolute number of each column that goes into a matrix, in the order of `places`.
    """
    bounds = np.cumsum([width for _, width in places(file.shape)])[:-1]
    names = [name for name, _ in places(file.shape)]
    builder = _Builder(file, dict(zip(names, np.split(largest, bounds), strict=True)))
    for layer in range(file.shape.layers):
        builder.add_layer(f"l{layer}")
    return builder.finish()


class _Builder:
    def __init__(self, file: WeightsFile, largest: dict[str, Singles]) -> None:
        self._file, self._largest, self._graph = file, largest, Graph()
        self._state = self._graph.add(
            "LayerNormalization",
            [STATES, self._small("emb.ln.w"), self._small("emb.ln.b")],
            "begin",
            axis=-1,
            epsilon=file.shape.epsilon,
        )

    def add_layer(self, layer: str) -> None:
        """Add attention and the two matrices behind it."""
        width = self._file.shape.width
        context = self._attend(layer)
        _, rows = self._smoothed(f"{layer}.ao", [self._file.matrix(f"{layer}.ao.w", width)])
        raw = self._multiply(f"{layer}.ao", context, rows)
        self._state = self._normalise(f"{layer}.aln", raw, f"{layer}.ao.b")
        inner = self._times(f"{layer}.fi", width)
        bent = self._graph.add("BiasGelu", [inner, self._small(f"{layer}.fi.b")], f"{layer}.bent", domain=MICROSOFT)
        raw = self._times(f"{layer}.fo", self._file.shape.inner, bent)
        self._state = self._normalise(f"{layer}.oln", raw, f"{layer}.fo.b")

    def finish(self) -> bytes:
        """The mean of all tokens is the meaning of the text."""
        width = self._file.shape.width
        tokens = self._graph.constant("tokens", np.array([1], np.int64))
        self._graph.add("ReduceMean", [self._state, tokens], MEANING, keepdims=0)
        return self._graph.model((STATES, (1, "tokens", width)), (MEANING, (1, width)))

    def _attend(self, layer: str) -> str:
        """Self-attention. What divides the input of the next matrix is divided from the values: their average is divided too."""
        width = self._file.shape.width
        factors, _ = self._smoothed(f"{layer}.ao", [self._file.matrix(f"{layer}.ao.w", width)])
        parts = [self._file.matrix(f"{layer}.{name}.w", width) for name in "qkv"]
        biases = [self._file.floats(f"{layer}.{name}.b") for name in "qkv"]
        parts[2], biases[2] = parts[2] / factors[:, None], biases[2] / factors
        divisors, rows = self._smoothed(f"{layer}.qkv", parts)
        raw = self._multiply(f"{layer}.qkv", self._divided(f"{layer}.qkv", self._state, divisors), rows, np.concatenate(biases))
        names = [f"{layer}.{name}" for name in "qkv"]
        self._graph.add("Split", [raw], *names, axis=-1, num_outputs=3)
        heads = self._file.shape.heads
        return self._graph.add("MultiHeadAttention", names, f"{layer}.context", domain=MICROSOFT, num_heads=heads)

    def _times(self, name: str, columns: int, given: str | None = None) -> str:
        """The product of a matrix and the state, or something else."""
        factors, rows = self._smoothed(name, [self._file.matrix(f"{name}.w", columns)])
        return self._multiply(name, self._divided(name, given or self._state, factors), rows)

    def _smoothed(self, name: str, parts: Sequence[Singles]) -> tuple[Singles, Singles]:
        """The divisor of each column, and the matrix that is multiplied with it instead."""
        rows = np.concatenate(parts)
        weight = np.maximum(np.abs(rows).max(axis=0), _LEAST)
        factors = np.maximum(self._largest[name], _LEAST) ** np.float32(_STRENGTH) / weight ** np.float32(1 - _STRENGTH)
        return factors.astype(np.float32), (rows * factors).astype(np.float32)

    def _divided(self, name: str, given: str, factors: Singles) -> str:
        return self._graph.add("Mul", [given, self._graph.constant(f"{name}.part", 1 / factors)], f"{name}.even")

    def _multiply(self, name: str, given: str, rows: Singles, bias: Singles | None = None) -> str:
        """A product in 8 bits, each row of the matrix with a scale of its own."""
        scales = np.maximum(np.abs(rows).max(axis=1), _LEAST) / _LARGEST_CODE
        codes = np.rint(rows / scales[:, None]).astype(np.int8)
        inputs = [
            given,
            self._graph.constant(f"{name}.codes", codes.T),
            self._graph.constant(f"{name}.scales", scales.astype(np.float32)),
            self._graph.constant(f"{name}.zeros", np.zeros(len(scales), np.int8)),
        ]
        if bias is not None:
            inputs.append(self._graph.constant(f"{name}.bias", bias.astype(np.float32)))
        return self._graph.add("DynamicQuantizeMatMul", inputs, f"{name}.raw", domain=MICROSOFT)

    def _normalise(self, name: str, raw: str, bias: str) -> str:
        """The normalised sum of the state and what a matrix gave."""
        inputs = [raw, self._state, self._small(f"{name}.w"), self._small(f"{name}.b"), self._small(bias)]
        epsilon = self._file.shape.epsilon
        return self._graph.add("SkipLayerNormalization", inputs, f"{name}.state", domain=MICROSOFT, epsilon=epsilon)

    def _small(self, name: str) -> str:
        return self._graph.constant(name, self._file.floats(name))
