"""Special functions of arrays that numpy lacks: logarithms of the gamma and beta functions.

Source: Abramowitz and Stegun, 6.1.40 (Stirling's series), behind the recurrence for small arguments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_SHIFT = 6
"""Steps of the recurrence: from here on the series is exact to 1e-10."""
_HALF_LOG_TAU = 0.9189385332046727


def log_gamma(x: Floats) -> Floats:
    """The logarithm of the gamma function, of positive numbers."""
    product = np.ones_like(x)
    for step in range(_SHIFT):
        product *= x + step
    far = x + _SHIFT
    inverse = 1.0 / far
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    return (far - 0.5) * np.log(far) - far + _HALF_LOG_TAU + series - np.log(product)


def log_beta(a: Floats, b: Floats) -> Floats:
    """The logarithm of the beta function, of positive numbers."""
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)
