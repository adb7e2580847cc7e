"""Changes of the world: since when the shares of the causes have been what they are now, sampled for each chain.

The blocks of time are cut into segments; within one the shares of the causes are the same. Given the numbers of causes in
each block the segments are sampled exactly, by filtering forward and sampling backward.

Source: Adams and MacKay 2007 (run lengths); Chib 1998 (sampling of change points).
"""

from __future__ import annotations

import numpy as np

from guiado.guidance.special import Floats, Ints, log_gamma

_HAZARD = 1 / 30
"""Chance that the world changed between two blocks."""
_WORTH = 20.0
"""Sessions that the shares of all times are worth to a segment, while it is judged whether it is one."""


def sample_segments(numbers: Floats, expected: Floats, rng: np.random.Generator) -> Ints:
    """Sample the segment of each block.

    Args:
        numbers: (C, B, V, K) sessions of each cause.
        expected: (C, K) shares by the author.

    Returns:
        (C, B) numbers of segments, from 0 and growing.
    """
    chains, blocks = numbers.shape[:2]
    if blocks == 1:
        return np.zeros((chains, 1), dtype=np.int64)
    fits = _fits(numbers, expected)
    forward = np.full((chains, blocks + 1), -np.inf)
    forward[:, 0] = 0.0
    for end in range(1, blocks + 1):
        begins = np.arange(end)
        reach = forward[:, :end] + fits[:, :end, end] + _prior(begins, end)
        top = reach.max(axis=1, keepdims=True)
        forward[:, end] = (top + np.log(np.exp(reach - top).sum(axis=1, keepdims=True)))[:, 0]
    starts = np.zeros((chains, blocks), dtype=np.int64)
    end = np.full(chains, blocks)
    for current in range(blocks, 0, -1):
        here = end == current
        if not here.any():
            continue
        reach = forward[here, :current] + fits[here, :current, current] + _prior(np.arange(current), current)
        chosen = np.argmax(reach + rng.gumbel(size=reach.shape), axis=1)
        starts[np.flatnonzero(here), chosen] = 1
        end[here] = chosen
    starts[:, 0] = 0
    return np.cumsum(starts, axis=1)


def _prior(begins: Ints, end: int) -> Floats:
    """Log chance that a segment which begins at each block lasts until an end."""
    stays = (end - begins - 1) * np.log1p(-_HAZARD)
    return stays + np.where(begins > 0, np.log(_HAZARD), 0.0)


def _fits(numbers: Floats, expected: Floats) -> Floats:
    """(C, B, B + 1) log likelihood of the causes of the blocks from one to before another, as one segment."""
    chains, blocks = numbers.shape[:2]
    overall = numbers.sum(axis=1) + 10 * expected[:, None]
    base = _WORTH * overall / overall.sum(axis=-1, keepdims=True)
    sums = np.concatenate([np.zeros((chains, 1, *numbers.shape[2:])), np.cumsum(numbers, axis=1)], axis=1)
    first, last = np.triu_indices(blocks + 1, 1)
    inside = sums[:, last] - sums[:, first]
    of_causes = (log_gamma(base[:, None] + inside) - log_gamma(base)[:, None]).sum(axis=-1)
    of_all = log_gamma(inside.sum(axis=-1) + _WORTH) - log_gamma(np.array(_WORTH))
    out = np.full((chains, blocks + 1, blocks + 1), -np.inf)
    out[:, first, last] = (of_causes - of_all).sum(axis=-1)
    return out
