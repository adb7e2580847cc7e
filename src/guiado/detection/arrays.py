"""Types of arrays in detection, and functions on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Array of any kind: the file that it is read from says which."""
Floats = NDArray[np.floating]
"""Array of numbers; single precision wherever there are many."""
Rows = NDArray[np.integer]
"""Array of positions in another array."""
Marks = NDArray[np.bool_]
"""Array of booleans, one a row."""


def spans(begins: Rows, ends: Rows) -> Rows:
    """Return the positions from each beginning up to its end, one span after the other."""
    counts = ends - begins
    return np.repeat(begins - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))


def largest(numbers: Floats, count: int) -> list[int]:
    """Return the positions of the largest numbers, equal ones in order; without sorting tens of thousands of others."""
    some = np.flatnonzero(numbers > float(numbers.max(initial=0)) * _CLOSE)
    if len(some) < count:
        some = np.arange(len(numbers))
    if len(some) > max(count, _SORTED):
        some = some[numbers[some] >= np.partition(numbers[some], -count)[-count]]
    return [int(place) for place in some[np.argsort(-numbers[some], kind="stable")[:count]]]


def shares(numbers: Floats) -> Floats:
    """Reduce measures of 0 to 1 evenly until they sum to 1 at most; those that sum to less stay as they are.

    What is left to 1 is the share of none of them. The order is kept, and equal numbers stay equal.

    Source: Martins & Astudillo (2016), From Softmax to Sparsemax, section 2: the nearest point of the probability simplex.
    """
    descending = np.sort(numbers)[::-1]
    excess = np.cumsum(descending) - 1
    if not len(descending) or excess[-1] <= 0:
        return numbers
    kept = int(np.flatnonzero(descending > excess / np.arange(1, len(descending) + 1))[-1])
    return np.maximum(numbers - excess[kept] / (kept + 1), 0)


_CLOSE = 0.25  # most often enough are that near to the largest
_SORTED = 200  # up to here sorting is quicker than leaving anything out
