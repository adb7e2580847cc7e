"""The encoder: turns a text into a vector (embedding) near those of texts with the same meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """A sentence encoder. Any number of threads may use one at the same time.

    Where detection is lexical only, the encoder is `None`.
    """

    @property
    def name(self) -> str:
        """Model and version, part of every cache key: equal names give equal vectors for equal texts."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector.

        Raises:
            EncoderUnavailable: it depends on a model that does not answer.
        """
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vector of each text.

        Args:
            texts: anything that a customer may type, of any length; best as `clean_sentence` leaves it.

        Returns:
            One row a text, `dimensions` columns; rows have length 1, or are all zeros for a text without meaning.

        Raises:
            EncoderUnavailable: the model cannot be used now; detection goes on with words alone.
        """
        ...


@runtime_checkable
class Warming(Protocol):
    """An encoder that takes time to load."""

    def warm(self) -> None:
        """Begin to load in the background, and return at once."""
        ...


@runtime_checkable
class Joint(Protocol):
    """An encoder made of two, the second one for all languages alike; its name ends with "+" and the second one's."""

    @property
    def shared_from(self) -> int:
        """The first dimension of the second one."""
        ...


def shared_from(encoder: Encoder | None) -> int:
    """The first dimension that compares texts of different languages; 0 where all do."""
    return encoder.shared_from if isinstance(encoder, Joint) else 0


def shared_part(vector: NDArray[np.float32], first: int) -> NDArray[np.float32]:
    """A vector whose products with whole vectors are the cosines of their dimensions from `first` on.

    Args:
        vector: of length 1; what comes before `first` has the same share of that in all vectors.
        first: of the dimensions that count.
    """
    if not first:
        return vector
    part = np.zeros_like(vector)
    size = float(vector[first:] @ vector[first:])
    part[first:] = vector[first:] / size if size else 0
    return part


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length 1; rows that are zero, or no numbers, become zeros.

    Args:
        vectors: n x dimensions.
    """
    finite = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, np.float32(0))
    lengths = np.linalg.norm(finite, axis=1, keepdims=True)
    return np.divide(finite, lengths, out=np.zeros_like(finite), where=lengths > 0)


def has_meaning(text: str) -> bool:
    """Whether a text has any letter or digit."""
    return any(map(str.isalnum, text))
