"""Gibbs sampler of a guide's hidden causes: a bank of chains that every refit goes on with.

Each session has one cause: the one that a step is there for, or something else. A sweep gives every session a cause and a way
in which its course came about, then draws everything else from the numbers. It costs by courses and blocks, not by sessions.

Source: research/guidance-engine.md; Gelman et al., Bayesian Data Analysis, 3rd ed., 11 (Gibbs); George and
McCulloch 1993 (spike and slab).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from guiado.guidance.changes import sample_segments
from guiado.guidance.compiled import OVERLAP, OWN, SLAB, SPIKE, CompiledGuide
from guiado.guidance.course_likelihood import AT_LAST, LATE, UNSOLVED, UNTOLD, WAYS, CourseTable, Noise
from guiado.guidance.frequencies import Factors, draw_frequencies, normal, prior_factors, shares_of
from guiado.guidance.knowledge import KnowledgeTables
from guiado.guidance.observations import NONE, Observations
from guiado.guidance.posterior import Chains
from guiado.guidance.special import Floats, Ints, log_beta

CHAINS = 32
MOST_OVERLAPPING = 50
"""Steps of a guide up to which a step may remove causes that are not its own; pairs grow with the square."""
NOISE_PRIOR = np.array([[3.0, 77.0], [3.0, 77.0], [3.0, 77.0], [6.0, 3.0]])
"""Beta parameters of a success noticed late, one never told, a false one, and of coming back after it."""
_MOST_NOISE = np.array([0.12, 0.12, 0.2, 0.95])
"""Bounds of the noise: more of it would explain away what customers say, and one stream of odd reports could teach that."""
LEAVES = (1.5, 50.0)
"""Prior of leaving at an offer: hits and tries."""
_ALL_WORTH = 40.0
"""Offers that the rate of all steps is worth to one of them."""
_OFTEN = 0.15
"""Chance from which a pair counts as overlapping: between the middles of both priors."""
_LEAST = 1e-9


@dataclass
class Sampler:
    """A sampler over one guide and its observations.

    Args:
        leaves: (n,) chance that a customer leaves at an offer of each step.
    """

    guide: CompiledGuide
    seen: Observations
    leaves: Floats
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.table = CourseTable(self.seen.courses, self.guide.size)
        self._tables = KnowledgeTables(self.guide, self.seen.knowledge)
        self.knowledge = self._tables.draw(np.zeros((CHAINS, self.guide.causes, len(self.seen.knowledge))), self.rng)
        self._starts = np.flatnonzero(np.diff(self.seen.course, prepend=-1))
        own = np.zeros((self.guide.causes, self.guide.size), dtype=bool)
        own[np.arange(len(self.guide.owner)), self.guide.owner] = True
        self._own = own
        able = np.zeros(self.guide.size, dtype=bool)
        able[self.guide.owner] = True
        known = (np.arange(self.guide.causes) < self.guide.causes - 1)[:, None]
        self._may = able & ~own & known & (self.guide.size <= MOST_OVERLAPPING)

    def go_on(self, chains: Chains) -> Floats:
        """Begin with the state of chains: the (C, B, V, K) shares that they go on with."""
        return np.repeat(shares_of(chains.pool, _factors_of(chains))[:, None], self.seen.blocks, axis=1)

    def begin(self) -> Chains:
        """Chains drawn from the prior."""
        factors = prior_factors(CHAINS, self.guide.variants, self.guide.causes, self.rng)
        overlap = self.rng.beta(*OVERLAP, CHAINS)
        nothing = np.zeros((CHAINS, self.guide.causes, self.guide.size))
        return Chains(
            normal(self.guide.cause_prior(overlap) * factors.at_first),
            *factors,
            self._removes(nothing, nothing, overlap),
            overlap,
            self.rng.beta(NOISE_PRIOR[:, 0], NOISE_PRIOR[:, 1], (CHAINS, 4)),
        )

    def sweep(self, chains: Chains, shares: Floats) -> tuple[Chains, Floats]:
        """Sweep once over all that is not known; `leaves` and `knowledge` are drawn anew on the way.

        Args:
            shares: (C, B, V, K) of the causes in each block.

        Returns:
            The chains and the shares anew.
        """
        given, ways = self._causes(chains, shares)
        solved, failed = self._outcomes(ways)
        self.leaves = self._leaves(ways)
        noise = self._noise(ways)
        removes = self._removes(solved, failed, chains.overlap)
        overlap = self._overlap(removes)
        numbers, expected = self._numbers(given), self.guide.cause_prior(chains.overlap)
        segments = sample_segments(numbers, expected, self.rng)
        pool, shares, factors = draw_frequencies(numbers, segments, expected, _factors_of(chains), self.rng)
        return Chains(pool, *factors, removes, overlap, noise), shares

    # ------------------------------------------------------------------------------------------------- causes of sessions

    def _causes(self, chains: Chains, shares: Floats) -> tuple[Floats, Floats]:
        """Give every session a cause, and a way in which its course came about.

        Returns:
            (C, K, R) sessions of each row by cause, and (ways, C, K, P) sessions of each course by cause and way.
        """
        seen = self.seen
        likelihood = self.table.likelihood(chains.removes, Noise(*chains.noise.T), self.leaves)
        of_cause = likelihood.sum(axis=0)
        weights = shares[:, seen.block, seen.variant].transpose(0, 2, 1) * self._tables.weights(self.knowledge)[:, :, seen.known]
        joint = of_cause[:, :, seen.course] * weights
        joint /= joint.sum(axis=1, keepdims=True)
        given = _split(self.rng, seen.sessions, joint)
        by_course = np.add.reduceat(given, self._starts, axis=2)
        self.knowledge = self._tables.draw(given @ _hot(seen.known, len(seen.knowledge)), self.rng)
        return given, self._ways(by_course, likelihood, of_cause)

    def _ways(self, by_course: Floats, likelihood: Floats, of_cause: Floats) -> Floats:
        """(ways, C, K, P) the sessions of each course and cause, split over the ways."""
        out = np.zeros((WAYS, *by_course.shape))
        there = np.nonzero(by_course)
        left, mass = by_course[there].astype(np.int64), of_cause[there]
        for way in (AT_LAST, LATE, UNTOLD):
            part = likelihood[(way, *there)]
            drawn = self.rng.binomial(left, np.clip(part / np.maximum(mass, 1e-300), 0, 1))
            out[(way, *there)] = drawn
            left, mass = left - drawn, mass - part
        out[(UNSOLVED, *there)] = left
        return out

    def _outcomes(self, ways: Floats) -> tuple[Floats, Floats]:
        """(C, K, n) how often a step removed a cause, and did not."""
        failed = sum(ways[way] @ self.table.failed[way] for way in range(WAYS))
        solved = sum(ways[way] @ _hot(self.table.solver[way], self.guide.size) for way in (AT_LAST, LATE, UNTOLD))
        return np.asarray(solved), np.asarray(failed)

    def _leaves(self, ways: Floats) -> Floats:
        """The chance of leaving each step unhelped: what was seen there, and at all steps together."""
        unhelped = ways[UNSOLVED].sum(axis=(0, 1)) / ways.shape[1]
        left = unhelped @ _hot(np.where(self.table.left, self.table.solver[UNTOLD], NONE), self.guide.size)
        return shrunk(left, self.seen.tried + self.seen.could_not + self.seen.left)

    def _noise(self, ways: Floats) -> Floats:
        by_course = ways.sum(axis=2)  # (ways, C, P)
        true, late, untold = by_course[AT_LAST].sum(axis=1), by_course[LATE].sum(axis=1), by_course[UNTOLD].sum(axis=1)
        false = by_course[UNSOLVED][:, self.table.solved].sum(axis=1)
        back = by_course[UNSOLVED][:, self.table.returned].sum(axis=1)
        tries = sum((by_course[way] @ self.table.failed[way]).sum(axis=1) for way in range(WAYS))
        hits = np.stack([late, untold, false, back], axis=1)
        misses = np.stack([true + untold, true + late, np.maximum(tries - false, 0), np.maximum(false - back, 0)], axis=1)
        return np.clip(self.rng.beta(NOISE_PRIOR[:, 0] + hits, NOISE_PRIOR[:, 1] + misses), 1e-4, _MOST_NOISE)

    # --------------------------------------------------------------------------------------------------- what steps remove

    def _removes(self, solved: Floats, failed: Floats, overlap: Floats) -> Floats:
        """Draw the chances that steps remove causes, from how often they did and did not."""
        there = np.nonzero(np.broadcast_to(self._own | self._may, solved.shape))
        hits, misses, own = solved[there], failed[there], self._own[there[1:]]
        spike = log_beta(SPIKE[0] + hits, SPIKE[1] + misses) - log_beta(np.array(SPIKE[0]), np.array(SPIKE[1]))
        slab = log_beta(SLAB[0] + hits, SLAB[1] + misses) - log_beta(np.array(SLAB[0]), np.array(SLAB[1]))
        odds = np.log(overlap / (1 - overlap))[there[0]] + slab - spike
        wide = self.rng.random(odds.shape) < 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        a = np.where(own, OWN[0], np.where(wide, SLAB[0], SPIKE[0]))
        b = np.where(own, OWN[1], np.where(wide, SLAB[1], SPIKE[1]))
        out = np.full(solved.shape, _LEAST)
        out[there] = np.clip(self.rng.beta(a + hits, b + misses), _LEAST, 1 - 1e-6)
        return out

    def _overlap(self, removes: Floats) -> Floats:
        """Draw the share of overlapping pairs from the pairs that do."""
        wide: Ints = ((removes > _OFTEN) & self._may).sum(axis=(1, 2))
        return np.clip(self.rng.beta(OVERLAP[0] + wide, OVERLAP[1] + int(self._may.sum()) - wide), 1e-3, 0.9)

    # --------------------------------------------------------------------------------------------------- shares of causes

    def _numbers(self, by_row: Floats) -> Floats:
        """(C, B, V, K) sessions of each cause, by block and variant."""
        seen, variants = self.seen, self.guide.variants
        summed = by_row @ _hot(seen.block * variants + seen.variant, seen.blocks * variants)
        return summed.reshape(*by_row.shape[:2], seen.blocks, variants).transpose(0, 2, 3, 1)


def _factors_of(chains: Chains) -> Factors:
    return Factors(chains.at_first, chains.of_variants, chains.trust, chains.alike)


def shrunk(hits: Floats, tries: Floats) -> Floats:
    """Chances of leaving at each step, drawn towards that of all together."""
    usual = (LEAVES[0] + hits.sum()) / (LEAVES[1] + tries.sum())
    return (_ALL_WORTH * usual + hits) / (_ALL_WORTH + tries)


def _hot(places: Ints, size: int) -> Floats:
    """(len, size) a 1 at the place of each row; none where it is -1."""
    out = np.zeros((len(places), size))
    there = np.flatnonzero(places != NONE)
    out[there, places[there]] = 1.0
    return out


def _split(rng: np.random.Generator, sessions: Ints, joint: Floats) -> Floats:
    """(C, K, R) the sessions of each row, split over the causes by their (C, K, R) probabilities."""
    out = np.empty(joint.shape)
    single = sessions == 1
    bounds = np.cumsum(joint[:, :, single], axis=1)
    drawn = (bounds < rng.random((len(bounds), 1, bounds.shape[2]))).sum(axis=1, keepdims=True)
    out[:, :, single] = np.minimum(drawn, joint.shape[1] - 1) == np.arange(joint.shape[1])[:, None]
    if not single.all():
        several = joint[:, :, ~single].transpose(0, 2, 1)
        out[:, :, ~single] = rng.multinomial(sessions[~single], several).transpose(0, 2, 1)
    return out
