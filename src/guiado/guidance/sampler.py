"""Gibbs sampler of a guide's hidden causes: a bank of chains that every refit goes on with.

Each session has one cause: the one that a step is there for, or something else. A sweep gives every session a cause and a way
in which its course came about, then draws everything else from the numbers. It costs by courses and blocks, not by sessions.

Source: research/guidance-engine.md; Gelman et al., Bayesian Data Analysis, 3rd ed., 11 (Gibbs), 5 (hierarchies); George and
McCulloch 1993 (spike and slab); Antoniak 1974 (numbers of tables).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from guiado.guidance.changes import sample_segments
from guiado.guidance.compiled import OVERLAP, OWN, SLAB, SPIKE, CompiledGuide
from guiado.guidance.course_likelihood import AT_LAST, LATE, UNSOLVED, UNTOLD, WAYS, CourseTable, Noise
from guiado.guidance.knowledge import KnowledgeTables
from guiado.guidance.observations import NONE, Observations
from guiado.guidance.posterior import Chains
from guiado.guidance.special import Floats, Ints, digamma, log_beta, log_gamma

CHAINS = 32
MOST_OVERLAPPING = 50
"""Steps of a guide up to which a step may remove causes that are not its own; pairs grow with the square."""
_TRUSTS = np.array([2.0, 4.0, 8.0, 16.0, 32.0])
_ALIKES = np.array([8.0, 25.0, 80.0, 250.0])
_CARRIED = (8.0, 50.0)
"""Sessions that what was before a change is worth after it: least and most."""
NOISE_PRIOR = np.array([[3.0, 77.0], [3.0, 77.0], [3.0, 77.0], [6.0, 3.0]])
"""Beta parameters of a success noticed late, one never told, a false one, and of coming back after it."""
_MOST_NOISE = np.array([0.12, 0.12, 0.2, 0.95])
"""Bounds of the noise: more of it would explain away what customers say, and one stream of odd reports could teach that."""
LEAVES = (1.5, 50.0)
"""Prior of leaving at an offer: hits and tries."""
_ALL_WORTH = 40.0
"""Offers that the rate of all steps is worth to one of them."""
_POOL_DRAWS = 3
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
        self._pools = np.repeat(chains.pool[:, None], self.seen.blocks, axis=1)
        return np.repeat(self._pools[:, :, None], self.guide.variants, axis=2)

    def begin(self) -> Chains:
        """Chains drawn from the prior."""
        trust = self.rng.choice(_TRUSTS, CHAINS)
        overlap = self.rng.beta(*OVERLAP, CHAINS)
        nothing = np.zeros((CHAINS, self.guide.causes, self.guide.size))
        return Chains(
            self._dirichlet(trust[:, None] * self.guide.cause_prior(overlap)),
            self._removes(nothing, nothing, overlap),
            trust,
            self.rng.choice(_ALIKES, CHAINS),
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
        pool, shares, trust, alike = self._shares(given, chains)
        return Chains(pool, removes, trust, alike, overlap, noise), shares

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

    def _shares(self, by_row: Floats, chains: Chains) -> tuple[Floats, Floats, Floats, Floats]:
        """Draw the segments of time and what holds in each: the pool now, (C, B, V, K) shares, trust and alikeness."""
        numbers = self._numbers(by_row)
        prior = self.guide.cause_prior(chains.overlap)
        segments = sample_segments(numbers, prior, self.rng)
        shares, first, pool = np.empty_like(numbers), np.empty_like(prior), np.empty_like(prior)
        base = chains.trust[:, None] * prior
        for segment in range(int(segments.max()) + 1):
            inside = segments == segment
            there = np.flatnonzero(inside.any(axis=1))
            summed = np.einsum("cb,cbvk->cvk", inside[there].astype(float), numbers[there])
            drawn, of_variants = self._segment(base[there], summed, chains.alike[there], self._pools[there, segment])
            pool[there], self._pools[there, segment] = drawn, drawn
            if segment == 0:
                first[:] = drawn
            shares[there] = np.where(inside[there][:, :, None, None], of_variants[:, None], shares[there])
            worth = np.exp(self.rng.uniform(np.log(_CARRIED[0]), np.log(_CARRIED[1]), (len(there), 1)))
            base[there] = worth * drawn
        alike = self._alike(shares[:, -1], pool) if self.guide.variants > 1 else chains.alike
        return pool, shares, self._trust(first, prior), alike

    def _numbers(self, by_row: Floats) -> Floats:
        """(C, B, V, K) sessions of each cause, by block and variant."""
        seen, variants = self.seen, self.guide.variants
        summed = by_row @ _hot(seen.block * variants + seen.variant, seen.blocks * variants)
        return summed.reshape(*by_row.shape[:2], seen.blocks, variants).transpose(0, 2, 3, 1)

    def _segment(self, base: Floats, numbers: Floats, alike: Floats, pool: Floats) -> tuple[Floats, Floats]:
        """The pool and the shares of the variants in one segment; a variant's sessions reach the pool as tables alone.

        Args:
            pool: of the segment, as it was drawn last.
        """
        if numbers.shape[1] == 1:
            drawn = self._dirichlet(base + numbers[:, 0])
            return drawn, drawn[:, None]
        for _ in range(_POOL_DRAWS):
            tables = _tables(self.rng, numbers, alike[:, None, None] * pool[:, None])
            pool = self._dirichlet(base + tables.sum(axis=1))
        return pool, self._dirichlet(alike[:, None, None] * pool[:, None] + numbers)

    def _trust(self, first: Floats, prior: Floats) -> Floats:
        """Draw how many sessions the author's chances are worth, by how near the shares at first were to them."""
        a = _TRUSTS[:, None, None] * prior
        known = np.log(np.maximum(first, _LEAST))
        fit: Floats = log_gamma(a.sum(axis=-1)) - log_gamma(a).sum(axis=-1) + ((a - 1) * known).sum(axis=-1)
        return _TRUSTS[np.argmax(fit.T + self.rng.gumbel(size=fit.T.shape), axis=1)]

    def _alike(self, shares: Floats, pool: Floats) -> Floats:
        """Draw how alike the variants are, by the shares that they have now."""
        a = _ALIKES[:, None, None] * pool
        known = np.log(np.maximum(shares[:, 1:], _LEAST)).sum(axis=1)
        many = shares.shape[1] - 1
        fit: Floats = many * (log_gamma(a.sum(axis=-1)) - log_gamma(a).sum(axis=-1)) + ((a - 1) * known).sum(axis=-1)
        return _ALIKES[np.argmax(fit.T + self.rng.gumbel(size=fit.T.shape), axis=1)]

    def _dirichlet(self, a: Floats) -> Floats:
        drawn = np.maximum(self.rng.standard_gamma(np.maximum(a, 0.02)), _LEAST)
        return drawn / drawn.sum(axis=-1, keepdims=True)


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


def _tables(rng: np.random.Generator, numbers: Floats, worth: Floats) -> Floats:
    """Number of tables at which so many guests sit: its mean by Antoniak, and a Poisson spread around it."""
    worth = np.maximum(worth, 1e-6)
    mean = worth * (digamma(worth + numbers) - digamma(worth))
    return np.where(numbers > 0, np.minimum(1 + rng.poisson(np.maximum(mean - 1, 0)), numbers), 0)
