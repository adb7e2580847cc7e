"""The kinds of arrays that detection works with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
"""Numbers; single precision wherever there are many."""
Rows = NDArray[np.integer[Any]]
"""Positions in another array."""
Marks = NDArray[np.bool_]
"""One truth a row."""
