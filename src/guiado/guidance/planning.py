"""Exact plan of up to eight steps: what is best in each state, with the cheapest way on from there.

A state says which steps were done without help and which could not be done. All values are sums over the customers who reach
it, so that the chance to get there needs no division.

Source: Jensen et al. 2001 and Heckerman, Breese and Rommelse 1995 (troubleshooting); Bellman (dynamic programming).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from guiado.guidance.special import Bools, Floats, Ints

MOST_STEPS = 8
PERSON = -1
FIRST_QUESTION = -2
"""Actions: of handing over, and of the first question; the second one is -3. A step is its index."""
_TIE = 1e-12
DOMINATES = 0.3
"""A reversible step goes before an irreversible one from this share of its chance per minute."""


_ABOUT = 1.1
"""Minutes up to so many times as many are about the same."""


@dataclass(frozen=True)
class Terms:
    """Terms of a plan: what happens around each of its steps.

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
        patience: weight of a hand-over's cost: above 1 while the chances are not known, since nothing is learned beyond it.
    """

    minutes: Floats
    risk: Floats
    could_not: Floats
    irreversible: Bools
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
    patience: float = 1.0

    def offer_costs(self) -> tuple[Floats, Floats]:
        """The costs of offering each step, without what follows: (n,) per customer, and per customer whose problem it solves."""
        able, stays, untrue = 1 - self.could_not, 1 - self.leaves, self.false * (self.person + self.recontact)
        usual = float(self.minutes.mean()) if len(self.minutes) else 0.0
        tried = able * (self.minutes + self.risk + untrue) + self.could_not * self.could_not_cost * self.minutes
        return (
            self.leaves * (self.minutes / 2 + self.leaving) + stays * tried,
            stays * able * (self.late * usual - untrue),
        )


class StepPlan:
    """The best action and its value in every state.

    Args:
        reach: (2^n,) customers whose problem the steps of a mask do not solve.
        asked: for each question its minutes, and the plans after each of its answers.
    """

    def __init__(self, reach: Floats, terms: Terms, asked: Sequence[tuple[float, Sequence[StepPlan]]] = ()) -> None:
        self.reach, self.terms, self.size = reach, terms, len(terms.minutes)
        self._value = np.full(1 << 2 * self.size, np.inf)
        self._action = np.full(1 << 2 * self.size, PERSON, dtype=np.int64)
        self._needs = np.array(terms.needs, dtype=np.int64)[:, None]
        self._waits = np.array(terms.waits or (0,) * self.size, dtype=np.int64)[:, None]
        self._per_customer, self._per_solved = (each[:, None] for each in terms.offer_costs())
        self._costs = terms.minutes + terms.risk
        self._opens = _opened_by_irreversible(terms)
        self._cost_of = _sums(self._costs) if self._opens else self._costs
        stays, able = 1 - terms.leaves, 1 - terms.could_not
        self._goes_on = (stays * able * (1 - terms.false))[:, None], (stays * terms.could_not)[:, None]
        for layer in _layers(self.size):
            costs = self._offers(layer)
            best, action = self._stop(layer, costs), np.full(len(layer.state), PERSON)
            if self.size:
                first = np.argmin(costs, axis=0)
                found = np.take_along_axis(costs, first[None], axis=0)[0]
                better = found < best - _TIE
                best, action = np.where(better, found, best), np.where(better, first, action)
            for place, (minutes, after) in enumerate(asked):
                cost = minutes * reach[layer.done] + sum(plan.values_at(layer.state) for plan in after)
                better = cost < best - _TIE
                best, action = np.where(better, cost, best), np.where(better, FIRST_QUESTION - place, action)
            self._value[layer.state], self._action[layer.state] = best, action

    def values_at(self, states: Ints) -> Floats:
        """The values of many states, by their flat indexes."""
        return self._value[states]

    def value(self, done: int, unable: int) -> float:
        """The expected minutes of all who reach a state, from there on."""
        return float(self._value[done << self.size | unable])

    def action(self, done: int, unable: int) -> int:
        """The best action in a state: `PERSON`, a step, or a question."""
        return int(self._action[done << self.size | unable])

    def scores(self, done: int, unable: int) -> list[float]:
        """The expected minutes from a state on with each step first, for one customer in it; infinite where it is not open."""
        costs = self._offers(_layer(self.size, np.array([done]), np.array([unable])))
        return [float(each) for each in costs[:, 0] / max(float(self.reach[done]), 1e-300)]

    def _offers(self, layer: _Layer) -> Floats:
        """(n, states) the costs of all who reach each state, with each step first; infinite where it may not be offered."""
        terms, mass = self.terms, self.reach[layer.done]
        solved = mass - self.reach[layer.later_done]
        behind = layer.done | layer.unable
        allowed = layer.left & (layer.done & self._needs == self._needs) & (behind & self._waits == self._waits)
        if terms.irreversible.any() and not terms.irreversible.all():
            allowed &= ~terms.irreversible[:, None] | self._is_worth_it(layer, allowed, solved)
        later, without = self._value[layer.later], self._value[layer.without]
        costs = self._per_customer * mass + self._per_solved * solved
        with np.errstate(invalid="ignore"):  # a state behind an offer that is not open is never read
            costs += self._goes_on[0] * later + self._goes_on[1] * without
        return np.where(allowed, costs, np.inf)

    def _is_worth_it(self, layer: _Layer, allowed: Bools, solved: Floats) -> Bools:
        """(n, states) whether each step may be offered though it cannot be undone: no reversible one is nearly as good.

        A step that others wait for is as good as the best of those together with it, but never before a reversible one that
        helps nearly as many in about the same time.
        """
        chances = np.where(allowed, solved, 0.0)
        ratios = chances / self._costs[:, None]
        rival = ratios[~self.terms.irreversible].max(axis=0)
        for step, later, bundle in self._opens:
            there = allowed[step] & layer.left[later] & (layer.unable & bundle == 0)
            gone = self.reach[layer.done] - self.reach[layer.done | bundle]
            together = np.where(there, gone / self._cost_of[bundle & ~layer.done], 0.0)
            ratios[step] = np.maximum(ratios[step], together)
        worth = rival <= DOMINATES * ratios
        for step in {step for step, _, _ in self._opens}:
            others = allowed & (~self.terms.irreversible & (self._costs <= _ABOUT * self._costs[step]))[:, None]
            worth[step] &= ~(others & (chances >= DOMINATES * chances[step])).any(axis=0)
        return worth

    def _stop(self, layer: _Layer, costs: Floats) -> Floats:
        """The cost of a person; infinite while the author's floor is not reached and a step may be offered."""
        cost = self.reach[layer.done] * self.terms.person * self.terms.patience
        if self.terms.floor <= 0:
            return cost
        return np.where((layer.behind >= self.terms.floor) | np.isinf(costs).all(axis=0), cost, np.inf)


def with_all_before(mask: int, needs: Sequence[int]) -> int:
    """The steps of a bit mask with all that they wait for."""
    before = 0
    while mask != before:
        before = mask
        for step, need in enumerate(needs):
            mask |= need if before >> step & 1 else 0
    return mask


def _opened_by_irreversible(terms: Terms) -> list[tuple[int, int, int]]:
    """Irreversible steps that others wait for: the step, the other, and the bit mask of the other with all that it waits for."""
    bundles = [with_all_before(1 << step, terms.needs) for step in range(len(terms.needs))]
    return [
        (step, later, bundle)
        for step in np.flatnonzero(terms.irreversible).tolist()
        for later, bundle in enumerate(bundles)
        if later != step and bundle >> step & 1
    ]


def _sums(costs: Floats) -> Floats:
    """(2^n,) the costs of the steps of each bit mask together."""
    sums = np.zeros(1)
    for cost in costs:
        sums = np.concatenate([sums, sums + cost])
    return np.maximum(sums, _TIE)


class _Layer(NamedTuple):
    """States with the same number of steps behind them, as flat indexes; (n, states) where it depends on the step offered."""

    done: Ints
    unable: Ints
    behind: int
    state: Ints
    left: Bools
    later_done: Ints
    later: Ints
    without: Ints


def _layer(size: int, done: Ints, unable: Ints) -> _Layer:
    bits = (1 << np.arange(size))[:, None]
    left = (done | unable) & bits == 0
    later_done, later_unable = np.where(left, done | bits, done), np.where(left, unable | bits, unable)
    behind = int(done[0] | unable[0]).bit_count()
    state = done << size | unable
    return _Layer(done, unable, behind, state, left, later_done, later_done << size | unable, done << size | later_unable)


@lru_cache(maxsize=MOST_STEPS + 1)
def _layers(size: int) -> list[_Layer]:
    """The states of n steps, those with the most steps behind them first."""
    done, unable = np.meshgrid(np.arange(1 << size), np.arange(1 << size), indexing="ij")
    apart = (done & unable) == 0
    done, unable = done[apart], unable[apart]
    behind = np.array([int(each).bit_count() for each in done | unable])
    return [_layer(size, done[behind == depth], unable[behind == depth]) for depth in range(size, -1, -1)]


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
