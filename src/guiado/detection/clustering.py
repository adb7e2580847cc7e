"""Clusters the texts that no known problem explains by meaning: candidates for new problems.

The text with the most neighbours becomes the first centre and takes everything near it; then the next of what is left. A text
that is near no other stays alone and is left out.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from guiado.detection.semantic.encoder import unit_rows
from guiado.domain.learning_signal import text_key
from guiado.text.fold import fold_accents

NEAR = 0.6
"""Least cosine of the vectors of two texts about the same."""
NEAR_IN_WORDS = 0.4
"""Least cosine of two texts about the same, with `word_vectors`."""
_DIMENSIONS = 4_096
_STEM_CHARS = 5
_WORD = re.compile(r"\w{4,}")
_BLOCK = 512
_MOST_GROUPS = 200


def group(
    texts: Sequence[str], vectors: NDArray[np.float32], fewest: int = 2, *, near: float = NEAR, most: int = _MOST_GROUPS
) -> list[tuple[int, ...]]:
    """Group texts about the same, the largest group first; the result is the same for the same input.

    Time and memory grow with the square of the number of distinct texts: 10,000 take some seconds and 13 MB.

    Args:
        texts: what customers wrote.
        vectors: n x dimensions, rows of length 1.
        fewest: texts that make a group.
        near: see `NEAR`.
        most: groups at most.

    Returns:
        The numbers of the texts of each group, the most typical first.
    """
    copies: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        copies.setdefault(text_key(text), []).append(i)
    distinct = list(copies.values())
    rows = np.ascontiguousarray(vectors[[same[0] for same in distinct]], dtype=np.float32)
    sizes = np.array([len(same) for same in distinct], dtype=np.int64)
    found = [_typical_first(rows, members) for members in _clusters(rows, sizes, near, fewest, most)]
    groups = [tuple(i for member in members for i in distinct[member]) for members in found]
    return sorted(groups, key=lambda members: (-len(members), members[0]))


def _clusters(rows: NDArray[np.float32], sizes: NDArray[np.int64], near: float, fewest: int, most: int) -> list[NDArray[np.intp]]:
    """Return the rows of each cluster, which lie near its centre; a row belongs to one cluster at most."""
    neighbours, weight = _neighbours(rows, sizes, near)
    is_free = np.ones(len(rows), dtype=np.bool_)
    clusters: list[NDArray[np.intp]] = []
    for centre in np.argsort(-weight, kind="stable"):
        if weight[centre] < fewest or len(clusters) == most:
            break
        members = np.flatnonzero(np.unpackbits(neighbours[centre], count=len(rows)).astype(np.bool_) & is_free)
        if is_free[centre] and sizes[members].sum() >= fewest:
            is_free[members] = False
            clusters.append(members)
    return clusters


def _neighbours(rows: NDArray[np.float32], sizes: NDArray[np.int64], near: float) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the rows near each row, as bits, and the number of texts near each row, copies counted."""
    bits = np.zeros((len(rows), -(-len(rows) // 8)), dtype=np.uint8)
    counts = np.zeros(len(rows), dtype=np.int64)
    for begin in range(0, len(rows), _BLOCK):
        is_near = rows[begin : begin + _BLOCK] @ rows.T >= near
        bits[begin : begin + _BLOCK] = np.packbits(is_near, axis=1)
        counts[begin : begin + _BLOCK] = is_near @ sizes
    return bits, counts


def _typical_first(rows: NDArray[np.float32], members: NDArray[np.intp]) -> list[int]:
    middle = rows[members].mean(axis=0)
    order = np.argsort(-(rows[members] @ middle), kind="stable")
    return [int(members[i]) for i in order]


def word_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return vectors of words alone, where no encoder is in use: rare words count more, and their endings do not.

    Returns:
        One row a text, of length 1, or zeros where there are no words.
    """
    counts = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in _WORD.findall(fold_accents(text)):
            counts[row, zlib.crc32(word[:_STEM_CHARS].encode()) % _DIMENSIONS] = 1
    weighted = counts * np.log((1 + len(texts)) / (1 + counts.sum(axis=0)))
    return unit_rows(weighted)
