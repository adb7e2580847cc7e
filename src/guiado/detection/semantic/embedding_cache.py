"""Cache of the vectors of texts: each is computed once on this machine; 250,000 take minutes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guiado.detection.arrays import Rows
from guiado.detection.prepared.vectors import begin_with_vectors
from guiado.detection.semantic.embedding_segments import KEY_BYTES
from guiado.detection.semantic.embedding_store import VectorFile
from guiado.detection.semantic.encoder import Encoder, Warming, unit_rows

BATCH_TEXTS = 64
"""Texts a batch: the most that is lost when the process is killed."""
_LARGEST_CODE = 127
_AT_ONCE = 512
"""Vectors that are expanded at once: of all of them, each step would fill memory that is new to the process."""


@dataclass(frozen=True, slots=True, eq=False)
class CompactVectors:
    """Vectors of length 1 quantised to 8 bits; the cosine of one with its original is over 0.9999.

    Args:
        codes: n x dimensions, -127 to 127.
        scales: what each row is multiplied with (n); 0 for a text without meaning.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]

    def __getitem__(self, rows: Rows) -> NDArray[np.float32]:
        """The vectors of these rows as float32, of length 1 or all zeros."""
        return self.some(rows).expand()

    def some(self, rows: Rows) -> CompactVectors:
        """The vectors of these rows, still compact."""
        return CompactVectors(self.codes[rows], self.scales[rows])

    def expand(self) -> NDArray[np.float32]:
        """All vectors as float32, n x dimensions, of length 1 or all zeros."""
        expanded = np.empty(self.codes.shape, np.float32)
        for first in range(0, len(expanded), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            expanded[rows] = unit_rows(self.codes[rows] * self.scales[rows, None])
        return expanded


def compact(vectors: NDArray[np.float32]) -> CompactVectors:
    """Quantise vectors to 8 bits.

    Args:
        vectors: n x dimensions.
    """
    scales = np.abs(vectors).max(axis=1, initial=0).astype(np.float32) / np.float32(_LARGEST_CODE)
    steps = np.divide(vectors, scales[:, None], out=np.zeros_like(vectors), where=scales[:, None] > 0)
    return CompactVectors(np.rint(steps).astype(np.int8), scales)


class VectorCache:
    """An encoder with a cache on disk, shared by all processes of this user. Any number of threads may use it.

    A text has the same vector the first time and later.

    Args:
        folder: where its file is kept; None, or one that cannot be used: nothing is kept.
        encoder: asked for what is not known yet.
    """

    def __init__(self, folder: Path | None, encoder: Encoder) -> None:
        self._folder, self._encoder = folder, encoder
        self._lock = threading.Lock()
        self._file: VectorFile | None = None
        self._open(None)

    @property
    def source(self) -> Encoder:
        """The encoder without the cache, for texts of customers, which must not be stored."""
        return self._encoder

    def warm(self) -> None:
        """Begin to load the encoder in the background, if it takes time to load."""
        if isinstance(self._encoder, Warming):
            self._encoder.warm()

    @property
    def name(self) -> str:
        """Name of the encoder."""
        return self._encoder.name

    @property
    def dimensions(self) -> int:
        """Length of a vector; the encoder is asked only where no vector of it is cached."""
        return self._file.dimensions if self._file is not None else self._encoder.dimensions

    def encode(self, texts: Sequence[str], pause: Callable[[], None] = lambda: None) -> NDArray[np.float32]:
        """The vector of each text; see `Encoder.encode`, also for what it raises.

        Args:
            pause: called now and then; may raise to end it.
        """
        return self.encode_compact(texts, pause).expand()

    def missing(self, texts: Sequence[str]) -> int:
        """The number of these texts that are not in the cache."""
        keys = list({_key(text) for text in texts})
        with self._lock:
            loaded = self._known(keys)
        return len(keys) if loaded is None else int((~loaded[0]).sum())

    def encode_compact(self, texts: Sequence[str], pause: Callable[[], None] = lambda: None) -> CompactVectors:
        """The compact vector of each text: 250,000 fill 130 MB instead of 512.

        Batches that were encoded before an error stay in the cache.
        """
        key_of = list(map(_key, texts))
        by_key = dict(zip(key_of, texts, strict=True))
        keys = list(by_key)
        known, codes, scales = self._load(keys)
        missing = np.flatnonzero(~known)
        for start in range(0, len(missing), BATCH_TEXTS):
            pause()
            rows = missing[start : start + BATCH_TEXTS]
            places: list[int] = rows.tolist()
            batch = [keys[place] for place in places]
            made = compact(self._encoder.encode([by_key[key] for key in batch]))
            codes[rows], scales[rows] = made.codes, made.scales
            self._keep(batch, made)
        return _in_order(key_of, keys, CompactVectors(codes, scales))

    def encode_few(self, texts: Sequence[str], most_new: int) -> CompactVectors | None:
        """The compact vector of each text; None where more than so many of them are not in the cache."""
        key_of = list(map(_key, texts))
        keys = list(dict.fromkeys(key_of))
        with self._lock:
            loaded = self._known(keys)
        new = len(keys) if loaded is None else int((~loaded[0]).sum())
        if new > most_new:
            return None
        return self.encode_compact(texts) if loaded is None or new else _in_order(key_of, keys, CompactVectors(*loaded[1:]))

    def _open(self, dimensions: int | None) -> None:
        """Open the file; where there can be none, nothing is cached: that costs time only."""
        if self._file is not None:
            self._file.close()
        self._file = None
        if self._folder is not None:
            with suppress(OSError):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                path = self._folder / _file_name(self.name)
                begin_with_vectors(path)
                self._file = VectorFile(path, self.name, dimensions)

    def _load(self, keys: Sequence[bytes]) -> tuple[NDArray[np.bool_], NDArray[np.int8], NDArray[np.float32]]:
        with self._lock:
            if (loaded := self._known(keys)) is not None and loaded[0].all():
                return loaded
            dimensions = self._encoder.dimensions
            if self._file is None or self._file.dimensions != dimensions:  # none yet, or the model behind the name is another
                self._open(dimensions)
                loaded = self._known(keys)
            nothing = np.zeros(len(keys), np.bool_), np.zeros((len(keys), dimensions), np.int8), np.zeros(len(keys), np.float32)
            return loaded or nothing

    def _known(self, keys: Sequence[bytes]) -> tuple[NDArray[np.bool_], NDArray[np.int8], NDArray[np.float32]] | None:
        if self._file is not None:
            with suppress(OSError):
                return self._file.load(keys)
        return None

    def _keep(self, keys: Sequence[bytes], made: CompactVectors) -> None:
        with self._lock, suppress(OSError):
            if self._file is not None and not self._file.append(keys, made.codes, made.scales):
                self._file.close()
                self._file = None


def _in_order(key_of: Sequence[bytes], keys: Sequence[bytes], vectors: CompactVectors) -> CompactVectors:
    """The vectors of texts from those of their keys, each of which is there once."""
    if len(keys) == len(key_of):
        return vectors
    row_of = {key: row for row, key in enumerate(keys)}
    rows = [row_of[key] for key in key_of]
    return CompactVectors(vectors.codes[rows], vectors.scales[rows])


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def _file_name(encoder_name: str) -> str:
    return f"vectors-{hashlib.blake2b(encoder_name.encode(), digest_size=8).hexdigest()}.bin"
