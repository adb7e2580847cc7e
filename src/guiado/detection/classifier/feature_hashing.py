"""Feature hashing: the words of a text as a short vector; stems, pairs of them and pieces of words are hashed to dimensions.

Source: Weinberger et al., Feature Hashing for Large Scale Multitask Learning (2009), section 2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise
from math import sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from guiado.text.fold import fold
from guiado.text.stemming import stem

SKETCH_DIMENSIONS = 1_024
"""Length of a sketch: with 2,048 no set's accuracy rose by more than 0.1 points; with 512 one fell by a point."""
_SMALLEST_PIECE, _LARGEST_PIECE = 2, 5
_BUCKETS = 1 << 18  # of document counts: two terms rarely share one
_MOST_WORDS = 64
_LONGEST_KEPT = 24  # letters of a word whose pieces are remembered
_WORD = re.compile(r"[^\W_]+")
_PART_WEIGHT = sqrt(0.5)  # whole words and pieces count the same


class Sketcher:
    """Makes the sketches (hashed word vectors) of texts, with the term weights of one knowledge base.

    Args:
        counts: in how many texts a term of each bucket occurs. Unknown terms weigh most: a text in another language, or about
            something else, comes out as noise that no class claims.
        total: how many texts there are.
    """

    __slots__ = ("_rarity", "counts", "total")

    def __init__(self, counts: NDArray[np.uint32], total: int) -> None:
        self.counts, self.total = counts, total
        self._rarity = (np.log((1 + total) / (1 + counts.astype(np.float32))) + 1).astype(np.float32)

    @classmethod
    def of(cls, texts: Sequence[str]) -> Sketcher:
        """A sketcher with the document counts of these texts."""
        counts = np.zeros(_BUCKETS, dtype=np.uint32)
        for text in texts:
            buckets = {hashed % _BUCKETS for part in _parts(text) for hashed in part}
            counts[list(buckets)] += 1
        return cls(counts, len(texts))

    @classmethod
    def with_counts(cls, buckets: NDArray[np.uint32], counts: NDArray[np.uint32], total: int) -> Sketcher:
        """A sketcher from the document counts of the buckets that are not empty."""
        full = np.zeros(_BUCKETS, dtype=np.uint32)
        full[buckets] = counts
        return cls(full, total)

    def sketch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The sketches of texts.

        Args:
            texts: as `clean_sentence` leaves them.

        Returns:
            n x `SKETCH_DIMENSIONS`; rows of length 1 at most.
        """
        rows = np.zeros((len(texts), SKETCH_DIMENSIONS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for part in _parts(text):
                self._add(row, part)
        return rows

    def _add(self, row: NDArray[np.float32], part: Counter[int]) -> None:
        if not part:
            return
        hashes = np.fromiter(part, dtype=np.uint32, count=len(part))
        often = (1 + np.log(np.fromiter(part.values(), dtype=np.float64, count=len(part)))).astype(np.float32)
        weights = often * self._rarity[hashes % _BUCKETS]
        length = float(np.linalg.norm(weights))
        if length:
            signs = np.where(hashes >> 31, np.float32(_PART_WEIGHT / length), np.float32(-_PART_WEIGHT / length))
            row += np.bincount((hashes >> 18) % SKETCH_DIMENSIONS, weights * signs, SKETCH_DIMENSIONS)


def _parts(text: str) -> tuple[Counter[int], Counter[int]]:
    """Term counts by hash: stems and pairs of them, and the pieces of the words."""
    words = [fold(word) for word in _WORD.findall(text)][:_MOST_WORDS]
    stems = [stem(word) for word in words]
    terms = [_hash(term) for term in stems]
    terms += [_hash(f"{one} {other}") for one, other in pairwise(stems)]
    return Counter(terms), Counter(chain.from_iterable(map(_pieces, words)))


def _hash(term: str) -> int:
    return crc32(term.encode())


def _pieces(word: str) -> tuple[int, ...]:
    return _remembered(word) if len(word) <= _LONGEST_KEPT else _hash_pieces(word)


def _hash_pieces(word: str) -> tuple[int, ...]:
    marked = f"<{word}>"
    if marked.isascii():
        return _hash_slices(marked.encode())
    sizes = range(_SMALLEST_PIECE, _LARGEST_PIECE + 1)
    return tuple(_hash(marked[begin : begin + size]) for size in sizes for begin in range(max(1, len(marked) - size + 1)))


def _hash_slices(marked: bytes) -> tuple[int, ...]:
    """The hashes of a word's pieces where each letter is one byte."""
    sizes = range(_SMALLEST_PIECE, _LARGEST_PIECE + 1)
    return tuple([crc32(marked[begin : begin + size]) for size in sizes for begin in range(max(1, len(marked) - size + 1))])


_remembered = lru_cache(maxsize=2_048)(_hash_pieces)  # texts repeat their words; 3 MB
