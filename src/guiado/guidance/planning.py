"""Exact plan of up to eight steps: what is best in each state, with the cheapest way on from there.

A state says which steps were done without help and which could not be done. All values are sums over the customers who reach
it, so that the chance to get there needs no division.

Source: Jensen et al. 2001 and Heckerman, Breese and Rommelse 1995 (troubleshooting); Bellman (dynamic programming).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from guiado.guidance.special import Floats

MOST_STEPS = 8
PERSON = -1
"""Action of handing over; a step is its index, a question is -2 minus its index."""
DOMINATES = 0.7
"""A reversible step goes before an irreversible one from this share of its chance per minute."""


@dataclass(frozen=True)
class Terms:
    """What happens around a step, for the steps of a plan.

    Args:
        minutes, risk, could_not: (n,) of each step.
        irreversible: (n,) booleans.
        needs: bit masks of the steps that come before each.
        could_not_cost: share of the minutes that a step takes which cannot be done.
        leaves: (n,) chance of leaving at an offer; `leaving` its cost in minutes.
        late: chance of noticing a success one step late; false: of telling one that is none, which costs `recontact`.
        person: minutes of a hand-over.
        waits: bit masks of the steps that come before each unless they cannot be done, as the author wishes.
        floor: steps that are tried before a person is called, while there are any.
    """

    minutes: Floats
    risk: Floats
    could_not: Floats
    irreversible: np.ndarray
    needs: tuple[int, ...]
    could_not_cost: float
    leaves: Floats
    leaving: float
    late: float
    false: float
    recontact: float
    person: float
    waits: tuple[int, ...] = ()
    floor: int = 0

    def offer_costs(self, mass: Floats, solved: Floats, step: int) -> Floats:
        """The cost of offering a step, without what follows.

        Args:
            mass: customers who reach it.
            solved: those whose problem it would solve.
        """
        minutes, able = self.minutes[step], 1 - self.could_not[step]
        stays = 1 - self.leaves[step]
        gone = self.leaves[step] * (minutes / 2 + self.leaving) * mass
        tried = able * ((minutes + self.risk[step]) * mass + self.late * solved * self.minutes.mean())
        untrue = able * self.false * (mass - solved) * (self.person + self.recontact)
        return gone + stays * (tried + untrue + self.could_not[step] * self.could_not_cost * minutes * mass)


class StepPlan:
    """The best action and its value in every state.

    Args:
        reach: (2^n,) customers whose problem the steps of a mask do not solve.
        asked: for each question its minutes, and the plans after each of its answers.
    """

    def __init__(self, reach: Floats, terms: Terms, asked: Sequence[tuple[float, Sequence[StepPlan]]] = ()) -> None:
        size = len(terms.minutes)
        self.reach, self.terms, self.size = reach, terms, size
        self.value = np.full((1 << size, 1 << size), np.inf)
        self.action = np.full((1 << size, 1 << size), PERSON, dtype=np.int64)
        for done, unable in _layers(size):
            best, action = self._offers(done, unable)
            for place, (minutes, after) in enumerate(asked):
                cost = minutes * reach[done] + sum(plan.value[done, unable] for plan in after)
                better = cost < best - 1e-12
                best, action = np.where(better, cost, best), np.where(better, -2 - place, action)
            self.value[done, unable], self.action[done, unable] = best, action

    def scores(self, done: int, unable: int) -> list[float]:
        """The expected minutes from a state on with each step first, for one customer in it; infinite where it is not open."""
        state = np.array([done]), np.array([unable])
        return [float(self._step(*state, step, self._ratios(*state))[0] / self.reach[done]) for step in range(self.size)]

    def _offers(self, done: np.ndarray, unable: np.ndarray) -> tuple[Floats, np.ndarray]:
        best = np.where(self._may_stop(done, unable), self.reach[done] * self.terms.person, np.inf)
        action = np.full(len(done), PERSON)
        ratios = self._ratios(done, unable)
        for step in range(self.size):
            cost = self._step(done, unable, step, ratios)
            better = cost < best - 1e-12
            best, action = np.where(better, cost, best), np.where(better, step, action)
        return best, action

    def _may_stop(self, done: np.ndarray, unable: np.ndarray) -> np.ndarray:
        """Whether a person may be called: the author's floor is reached, or nothing is left."""
        if self.terms.floor <= 0:
            return np.ones(len(done), dtype=bool)
        behind = np.array([int(each).bit_count() for each in done | unable])
        left = np.logical_or.reduce([self._open(done, unable, step) for step in range(self.size)])
        return (behind >= self.terms.floor) | ~left

    def _ratios(self, done: np.ndarray, unable: np.ndarray) -> Floats:
        """(n, states) chance per minute of each open step; 0 where it is not open."""
        terms = self.terms
        out = np.zeros((self.size, len(done)))
        for step in range(self.size):
            solved = self.reach[done] - self.reach[done | 1 << step]
            out[step] = np.where(self._open(done, unable, step), solved / (terms.minutes[step] + terms.risk[step]), 0.0)
        return out

    def _open(self, done: np.ndarray, unable: np.ndarray, step: int) -> np.ndarray:
        need, wait = self.terms.needs[step], self.terms.waits[step] if self.terms.waits else 0
        return (((done | unable) >> step & 1) == 0) & (done & need == need) & ((done | unable) & wait == wait)

    def _step(self, done: np.ndarray, unable: np.ndarray, step: int, ratios: Floats) -> Floats:
        terms, bit = self.terms, 1 << step
        allowed = self._open(done, unable, step)
        if terms.irreversible[step] and not terms.irreversible.all():
            rival = ratios[~terms.irreversible].max(axis=0)
            allowed &= rival <= DOMINATES * ratios[step]
        mass = self.reach[done]
        solved = mass - self.reach[done | bit]
        able, stays = 1 - terms.could_not[step], 1 - terms.leaves[step]
        # A state behind an offer that is not open is never read.
        later, without = self.value[done | bit, unable & ~bit], self.value[done & ~bit, unable | bit]
        follows = stays * (able * (1 - terms.false) * later + terms.could_not[step] * without)
        return np.where(allowed, terms.offer_costs(mass, solved, step) + np.where(allowed, follows, 0.0), np.inf)


@lru_cache(maxsize=MOST_STEPS + 1)
def _layers(size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The states, those with the most steps behind them first: masks of the steps done, and of those that could not be."""
    done, unable = np.meshgrid(np.arange(1 << size), np.arange(1 << size), indexing="ij")
    apart = (done & unable) == 0
    done, unable = done[apart], unable[apart]
    behind = np.array([int(each).bit_count() for each in done | unable])
    return [(done[behind == depth], unable[behind == depth]) for depth in range(size, -1, -1)]


def reach_of(weights: Floats, removes: Floats) -> Floats:
    """(2^n,) customers whose problem the steps of each mask do not solve.

    Args:
        weights: (M,) of each sample and cause.
        removes: (M, n) chances that each step removes it.
    """
    left = weights[:, None]
    for step in range(removes.shape[1]):
        left = np.concatenate([left, left * (1 - removes[:, step, None])], axis=1)
    return left.sum(axis=0)
