"""A linear classifier: multinomial logistic regression, fitted by L-BFGS in plain numpy.

Source: Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from guiado.detection.arrays import Floats, Rows

_MEMORY = 8
_MOST_ITERATIONS = 80
_LEAST_GAIN = 1e-5  # of the loss, in one step: the ranking does not change any more long before
_SUFFICIENT = 1e-4
_SHORTEST_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class LinearHead:
    """A fitted linear classifier.

    Args:
        weights: dimensions x classes.
        bias: one for each class.
    """

    weights: Floats
    bias: Floats

    def scores(self, rows: Floats) -> Floats:
        """The score of each class for each row.

        Args:
            rows: n x dimensions.

        Returns:
            n x classes, without bounds.
        """
        return rows @ self.weights + self.bias

    def scores_of_few(self, row: Floats) -> Floats:
        """The scores of one sparse row: a quarter of the weights, or less, is read.

        Args:
            row: one number a dimension.
        """
        some = np.flatnonzero(row)
        return row[some] @ self.weights[some] + self.bias

    def log_chances(self, rows: Floats) -> Floats:
        """The log-probability of each class for each row.

        Args:
            rows: n x dimensions.

        Returns:
            n x classes; each row's exponentials add up to 1.
        """
        return log_softmax(self.scores(rows))


def log_softmax(scores: Floats) -> Floats:
    """Log-softmax: scores of classes, a row each, as log-probabilities."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def fit_head(
    rows: Floats,
    labels: Rows,
    trust: Floats,
    classes: int,
    strength: float,
    pause: Callable[[], None] = lambda: None,
) -> LinearHead:
    """Fit a linear classifier by regularised logistic regression.

    Args:
        rows: n x dimensions, of about length 1.
        labels: the class of each row, 0..classes-1.
        trust: the weight of each row, 0..1.
        classes: how many there are; one without rows gets a low chance.
        strength: how closely the rows are followed, 10 to 100 (the inverse of the penalty on large weights).
        pause: called now and then; may raise to end it.
    """
    share = (trust / trust.sum()).astype(np.float32)
    decay = np.float32(1 / (strength * trust.sum()))
    dimensions = rows.shape[1]
    at = np.arange(len(rows))

    def loss(point: Floats) -> tuple[float, Floats]:
        pause()
        weights, bias = point[:-1], point[-1]
        chances = log_softmax(rows @ weights + bias)
        value = -float(share @ chances[at, labels]) + float(decay) / 2 * float(np.vdot(weights, weights))
        np.exp(chances, out=chances)
        chances[at, labels] -= 1
        chances *= share[:, None]
        slope = np.empty_like(point)
        slope[:-1] = rows.T @ chances + decay * weights
        slope[-1] = chances.sum(axis=0)
        return value, slope

    found = _minimise(loss, np.zeros((dimensions + 1, classes), dtype=np.float32))
    return LinearHead(found[:-1].copy(), found[-1].copy())


def _minimise(loss: Callable[[Floats], tuple[float, Floats]], point: Floats) -> Floats:
    """Minimise a loss by L-BFGS in a bounded number of steps."""
    value, slope = loss(point)
    past: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    for _ in range(_MOST_ITERATIONS):
        direction = _direction(slope, past)
        fall = float(np.vdot(slope, direction))
        step = 1.0 if past else min(1.0, 1 / max(float(np.abs(slope).sum()), 1e-12)) * 10
        lower, steeper, reached = value, slope, point
        while step > _SHORTEST_STEP:
            reached = point + np.float32(step) * direction
            lower, steeper = loss(reached)
            if lower <= value + _SUFFICIENT * step * fall:
                break
            step /= 2
        else:
            break
        moved, bent = reached - point, steeper - slope
        curve = float(np.vdot(moved, bent))
        if curve > 0:
            past.append((moved, bent, curve))
        gained, point, value, slope = value - lower, reached, lower, steeper
        if gained < _LEAST_GAIN * max(value, 0.01):
            break
    return point


def _direction(slope: Floats, past: deque[tuple[Floats, Floats, float]]) -> Floats:
    """The search direction of L-BFGS: minus the slope times the approximate inverse Hessian of the last steps."""
    way = -slope
    shares: list[float] = []
    for moved, bent, curve in reversed(past):
        share = float(np.vdot(moved, way)) / curve
        shares.append(share)
        way -= np.float32(share) * bent
    if past:
        _, bent, curve = past[-1]
        way *= np.float32(curve / float(np.vdot(bent, bent)))
    for (moved, bent, curve), share in zip(past, reversed(shares), strict=True):
        way += np.float32(share - float(np.vdot(bent, way)) / curve) * moved
    return way
