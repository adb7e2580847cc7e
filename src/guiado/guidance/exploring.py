"""Exploring beyond the stop: what it would be worth to know more of the steps that are left.

Each sample of the posterior is taken for the truth in turn: what a session would then save against a person now is what knowing
it is worth, and it counts for the step that would come first. A sample orders its steps by chance per minute and stops at its
best prefix; a step that waits for others brings them along. What cannot be undone is never part of it.

Source: Howard 1966 (value of information); Kadane and Simon 1977 (p/c).
"""

from __future__ import annotations

import numpy as np

from guiado.guidance.planning import Terms, with_all_before
from guiado.guidance.special import Bools, Floats, Ints

_LEAST = 1e-9


def worth_of_knowing(left: Floats, removes: Floats, terms: Terms, done: int, unable: int) -> Floats:
    """(n,) minutes that knowing the truth would save a customer in a state, by the step that would come first then.

    Args:
        left: (S, K) how likely each sample and cause is in the state; together they are 1.
        removes: (S, K, n) chances that a step removes a cause.
        terms: of a plan of these steps.
        done, unable: bit masks of the steps that are behind.
    """
    size = len(terms.minutes)
    bundles, leads = _bundles(terms, done, unable)
    costs, goes_on = terms.offer_costs()[0], (1 - terms.leaves) * (1 - terms.could_not)
    fails = np.log(np.maximum(1 - goes_on * removes, _LEAST))
    stays = np.log(np.maximum(1 - terms.leaves - goes_on * terms.false, _LEAST))
    rows, mass = np.arange(len(left)), left.sum(axis=1)
    untried = np.ones((len(left), size))
    now = mass * terms.person
    spent, least, first = np.zeros(len(left)), now, np.full(len(left), -1)
    for _ in range(size):
        inside = bundles * untried[:, None]  # (S, bundle, step)
        after = left[:, :, None] * np.exp(fails @ inside.transpose(0, 2, 1))
        ratios = (mass[:, None] - after.sum(axis=1)) / np.maximum(inside @ costs, _LEAST)
        ratios[~bundles.any(axis=1) | (untried == 0)] = 0.0
        chosen = ratios.argmax(axis=1)
        goes = ratios[rows, chosen] > 0
        if not goes.any():
            break
        taken = inside[rows, chosen] * goes[:, None]
        spent += mass * (taken @ costs)
        left = np.where(goes[:, None], after[rows, :, chosen] * np.exp(taken @ stays)[:, None], left)
        first = np.where((first < 0) & goes, leads[chosen], first)
        untried *= 1 - taken
        mass = left.sum(axis=1)
        least = np.minimum(least, spent + mass * terms.person)
    there = first >= 0
    worth = np.zeros(size)
    np.add.at(worth, first[there], (now - least)[there])
    return worth


def _bundles(terms: Terms, done: int, unable: int) -> tuple[Bools, Ints]:
    """(n, n) the steps that each step brings along, itself included, none where it may not come; and (n,) the first of each."""
    size = len(terms.minutes)
    bundles, leads = np.zeros((size, size), dtype=bool), np.full(size, -1)
    for step in range(size):
        whole = with_all_before(1 << step, terms.needs)
        members = [each for each in range(size) if (whole & ~done) >> each & 1]
        leads[step] = next((each for each in members if not terms.needs[each] & ~done), -1)
        if not ((done | unable) >> step & 1 or whole & unable or terms.irreversible[members].any() or leads[step] < 0):
            bundles[step, members] = True
    return bundles, leads
