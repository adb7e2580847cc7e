"""Frequencies of the causes: the author's, times a factor for each cause, each variant and each change of the world.

A factor says by how much something differs from what it is built on: an author errs by a factor, a product or a time differs by
one, for rare causes and frequent ones alike. Factors are gamma numbers about 1. Given the sessions, and one more number for the
sessions of each variant in each time, all of them are gamma numbers again, so that they are drawn exactly in turn.

Source: Gelman et al., Bayesian Data Analysis, 3rd ed., 5 (hierarchies); James, Lijoi and Prünster 2009 (the number that makes
normalised gamma numbers independent).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from guiado.guidance.special import Floats, Ints, log_gamma

_TRUSTS = np.array([0.75, 1.5, 3.0, 6.0, 12.0])
"""Shapes of the factors by which the author errs: 0.75 is by three and more, 12 by a third."""
_ALIKES = np.array([2.0, 4.0, 8.0, 16.0, 64.0])
"""Shapes of the factors by which variants differ."""
_CHANGES = (2.0, 16.0)
"""Shapes of the factors by which the world changes: least and most."""
_ROUNDS = 4
_LEAST = 1e-12


class Factors(NamedTuple):
    """Factors of C chains, and the shapes that they are drawn with; a higher shape keeps them nearer to 1.

    Args:
        at_first: (C, K) of each cause in the first time, against the author.
        of_variants: (C, V, K) of each cause in each variant, against all of them.
        trust: (C,) shape of `at_first`.
        alike: (C,) shape of `of_variants`.
    """

    at_first: Floats
    of_variants: Floats
    trust: Floats
    alike: Floats


class Frequencies(NamedTuple):
    """Frequencies of the causes in C chains.

    Args:
        pool: (C, K) shares now, all variants together.
        shares: (C, B, V, K) in each block of time.
    """

    pool: Floats
    shares: Floats
    factors: Factors


def prior_factors(chains: int, variants: int, causes: int, rng: np.random.Generator) -> Factors:
    """Draw the factors of chains that have seen nothing."""
    trust, alike = rng.choice(_TRUSTS, chains), rng.choice(_ALIKES, chains)
    shapes = np.broadcast_to(alike[:, None, None], (chains, variants, causes))
    of_variants = _gamma(rng, shapes, alike[:, None, None]) if variants > 1 else np.ones((chains, 1, causes))
    return Factors(_gamma(rng, np.repeat(trust[:, None], causes, axis=1), trust[:, None]), of_variants, trust, alike)


def shares_of(pool: Floats, factors: Factors) -> Floats:
    """(C, V, K) shares of the causes in each variant."""
    return normal(pool[:, None] * factors.of_variants)


def draw_frequencies(
    numbers: Floats, segments: Ints, expected: Floats, factors: Factors, rng: np.random.Generator
) -> Frequencies:
    """Draw the frequencies anew, given the sessions of each cause.

    Args:
        numbers: (C, B, V, K) sessions.
        segments: (C, B) segment of each block, from 0 and growing; a new one begins where the world changed.
        expected: (C, K) shares by the author.
        factors: as they were drawn last.
    """
    seen = _by_segment(numbers, segments)
    ones = np.ones((len(expected), seen.shape[1], expected.shape[1]))
    turn = _Turn(seen, expected, factors.at_first, factors.of_variants, ones)
    shape = np.exp(rng.uniform(math.log(_CHANGES[0]), math.log(_CHANGES[1]), (len(expected), 1)))
    for _ in range(_ROUNDS):
        turn.draw(factors.trust[:, None], factors.alike[:, None, None], shape, rng)
    pools = turn.pools()
    of_segments = normal(pools[:, :, None] * turn.variants[:, None])
    trust, alike = _drawn_shape(turn.first[:, None], _TRUSTS, rng), factors.alike
    if turn.several:
        alike = _drawn_shape(turn.variants[:, 1:], _ALIKES, rng)
    return Frequencies(
        normal(pools[np.arange(len(pools)), segments[:, -1]]),
        np.take_along_axis(of_segments, segments[:, :, None, None], axis=1),
        Factors(turn.first, turn.variants, trust, alike),
    )


@dataclass
class _Turn:
    """Factors while they are drawn in turn.

    Args:
        seen: (C, S, V, K) sessions of each segment of time.
        expected: (C, K) shares by the author.
        first, variants: see `Factors`.
        changes: (C, S, K) from each segment to the next; 1 in the first one.
    """

    seen: Floats
    expected: Floats
    first: Floats
    variants: Floats
    changes: Floats

    def __post_init__(self) -> None:
        self.several = self.variants.shape[1] > 1
        self._sessions = self.seen.sum(axis=-1)
        self._of_times, self._of_variants = self.seen.sum(axis=2), self.seen.sum(axis=1)

    def pools(self) -> Floats:
        """(C, S, K) frequencies in each segment, not normalised."""
        return (self.expected * self.first)[:, None] * np.cumprod(self.changes, axis=1)

    def draw(self, trust: Floats, alike: Floats, shape: Floats, rng: np.random.Generator) -> None:
        """Draw all factors anew, with the shapes of those at first, of variants and of changes."""
        pools = self.pools()
        rates = np.einsum("csk,cvk->csv", pools, self.variants)
        drawn = _gamma(rng, np.maximum(self._sessions, _LEAST), rates)
        scale = drawn * (self._sessions > 0)  # (C, S, V)
        if self.several:
            exposed = np.einsum("csv,csk->cvk", scale, pools)
            self.variants = _gamma(rng, alike + self._of_variants, alike + exposed)
        exposed = np.einsum("csv,cvk->csk", scale, self.variants)
        spread = self.expected * (np.cumprod(self.changes, axis=1) * exposed).sum(axis=1)
        self.first = _gamma(rng, trust + self._of_times.sum(axis=1), trust + spread)
        for segment in range(1, self.changes.shape[1]):
            later = np.cumprod(self.changes, axis=1)[:, segment:] / self.changes[:, segment, None]
            spread = self.expected * self.first * (later * exposed[:, segment:]).sum(axis=1)
            self.changes[:, segment] = _gamma(rng, shape + self._of_times[:, segment:].sum(axis=1), shape + spread)


def normal(numbers: Floats) -> Floats:
    """Numbers that add up to 1 along the last axis."""
    return numbers / numbers.sum(axis=-1, keepdims=True)


def _by_segment(numbers: Floats, segments: Ints) -> Floats:
    """(C, S, V, K) sessions of each segment."""
    inside = segments[:, None] == np.arange(int(segments.max()) + 1)[:, None]
    return np.einsum("csb,cbvk->csvk", inside.astype(float), numbers)


def _drawn_shape(factors: Floats, shapes: Floats, rng: np.random.Generator) -> Floats:
    """(C,) shapes, drawn by how near the factors, (C, ., K), are to 1."""
    count = factors.shape[1] * factors.shape[2]
    logs, sums = np.log(factors).sum(axis=(1, 2)), factors.sum(axis=(1, 2))
    fit: Floats = count * (shapes * np.log(shapes) - log_gamma(shapes)) + np.outer(logs, shapes - 1) - np.outer(sums, shapes)
    return shapes[np.argmax(fit + rng.gumbel(size=fit.shape), axis=1)]


def _gamma(rng: np.random.Generator, shape: Floats, rate: Floats) -> Floats:
    return np.maximum(rng.standard_gamma(shape) / rate, _LEAST)
