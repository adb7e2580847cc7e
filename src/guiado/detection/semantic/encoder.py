"""What turns a text into a vector that is near those of texts with the same meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """A model of meaning. Any number of threads may use one at the same time.

    There is no encoder (`None`) where the words alone decide.
    """

    @property
    def name(self) -> str:
        """Model and version, part of every cache key: equal names give equal vectors for equal texts."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector.

        Raises:
            EncoderUnavailable: it depends on a model that cannot be asked.
        """
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The meaning of each text.

        Args:
            texts: anything that a customer may type, of any length; best as `clean_sentence` leaves it.

        Returns:
            One row a text, `dimensions` columns; rows have length 1, or are all zeros for a text without meaning.

        Raises:
            EncoderUnavailable: the model cannot be used now; the words alone have to do.
        """
        ...


@runtime_checkable
class Warming(Protocol):
    """An encoder that takes time to load."""

    def warm(self) -> None:
        """Begin to load in the background, and return at once."""
        ...


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same directions, each of length 1; rows that are zero, or no numbers, become zeros.

    Args:
        vectors: n x dimensions.
    """
    finite = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, np.float32(0))
    lengths = np.linalg.norm(finite, axis=1, keepdims=True)
    return np.divide(finite, lengths, out=np.zeros_like(finite), where=lengths > 0)


def has_meaning(text: str) -> bool:
    """Whether there is a letter or digit in it at all."""
    return any(map(str.isalnum, text))
